// shipway-sizes --out FILE --pattern GLOB... DIR...: what the files of a build weigh, raw, by gzip and by brotli.
//
// The first DIR with a file that one of the patterns takes is measured: {"directory": DIR or null, "files":
// [{"path": from DIR, "raw", "gzip", "brotli"}]}, largest first. Compression is as strong as it gets, as a build
// would do it once for all.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { parseArgs, promisify } = require("node:util");
const zlib = require("node:zlib");

const gzip = promisify(zlib.gzip);
const brotli = promisify(zlib.brotliCompress);

function fail(message) {
  process.stderr.write(`shipway-sizes: ${message}\n`);
  process.exit(1);
}

function matching(directory, patterns) {
  if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  const found = fs.globSync(patterns, { cwd: directory, exclude: (name) => name === "node_modules" });
  return [...new Set(found)].filter((file) => fs.lstatSync(path.join(directory, file)).isFile());
}

async function weigh(directory, file) {
  const content = fs.readFileSync(path.join(directory, file));
  const [zipped, brotlied] = await Promise.all([gzip(content, { level: 9 }), brotli(content)]);
  return { path: file.split(path.sep).join("/"), raw: content.length, gzip: zipped.length, brotli: brotlied.length };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: "string" }, pattern: { type: "string", multiple: true, default: [] } },
  });
  if (!values.out || values.pattern.length === 0 || positionals.length === 0) {
    fail("usage: shipway-sizes --out FILE --pattern GLOB... DIR...");
  }
  let directory = null;
  let files = [];
  for (const tried of positionals) {
    files = matching(tried, values.pattern);
    if (files.length === 0) continue;
    directory = tried;
    break;
  }
  const weighed = [];
  for (const file of files) weighed.push(await weigh(directory, file)); // one by one: what is large need not fit twice
  weighed.sort((one, other) => other.gzip - one.gzip || (one.path < other.path ? -1 : 1));
  fs.writeFileSync(values.out, `${JSON.stringify({ directory, files: weighed })}\n`);
}

main().catch((error) => fail(String(error.message).split("\n", 1)[0]));
