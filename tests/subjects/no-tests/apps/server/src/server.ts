import { MAX_NAME_LENGTH } from "@no-tests/limits";
import { type Reply, reply } from "@no-tests/protocol";

// Older than the other packages: its parameters have no types yet.
function nameFrom(url) {
  const name = new URL(url).searchParams.get("name");
  return name.slice(0, MAX_NAME_LENGTH);
}

export async function handle(request: Request): Promise<Response> {
  const body: Reply = reply(nameFrom(request.url));
  return Response.json(body, { status: body.ok ? 200 : 400 });
}
