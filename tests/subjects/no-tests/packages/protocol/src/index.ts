export type Reply = { ok: true; text: string } | { ok: false; problem: string };

export function reply(name: string): Reply {
  return name === ""
    ? { ok: false, problem: "no name" }
    : { ok: true, text: `Hello, ${name}` };
}
