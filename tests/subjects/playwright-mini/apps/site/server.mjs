import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/counter.js": ["counter.js", "text/javascript; charset=utf-8"],
};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (!Object.hasOwn(FILES, pathname)) {
    response
      .writeHead(404, { "content-type": "text/plain" })
      .end("not found\n");
    return;
  }
  const [name, type] = FILES[pathname];
  const body = await readFile(new URL(`public/${name}`, import.meta.url));
  response.writeHead(200, { "content-type": type }).end(body);
});

server.listen(4390, "127.0.0.1");
