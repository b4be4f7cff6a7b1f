// Writes src/generated/routes.ts from routes.json.
import { mkdir, readFile, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const routes = JSON.parse(await readFile(new URL("routes.json", root), "utf8"));
const lines = Object.entries(routes).map(
  ([name, path]) => `  ${name}: ${JSON.stringify(path)},`,
);

await mkdir(new URL("src/generated/", root), { recursive: true });
await writeFile(
  new URL("src/generated/routes.ts", root),
  `export const routes = {\n${lines.join("\n")}\n} as const;\n`,
);
