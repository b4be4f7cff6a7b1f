// shipway-serve DIR... --port N: the files of the first DIR with an index.html, else of the first that is there, over
// HTTP on 127.0.0.1, until it is killed.
//
// A path without a file is answered with DIR/index.html (a single-page application's own route), one that looks
// like a file with 404. Text is compressed where the client takes it, as a real host would.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { pipeline } = require("node:stream");
const zlib = require("node:zlib");

const TYPES = {
  ".avif": "image/avif", ".css": "text/css; charset=utf-8", ".gif": "image/gif", ".htm": "text/html; charset=utf-8",
  ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8", ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8", ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8", ".mp4": "video/mp4", ".otf": "font/otf", ".pdf": "application/pdf",
  ".png": "image/png", ".svg": "image/svg+xml", ".ttf": "font/ttf", ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm", ".webm": "video/webm", ".webmanifest": "application/manifest+json",
  ".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2", ".xml": "application/xml; charset=utf-8",
};
const COMPRESSED = /^(text\/|application\/(json|javascript|manifest|wasm|xml)|image\/svg)/;

function fail(message) {
  process.stderr.write(`shipway-serve: ${message}\n`);
  process.exit(1);
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The real file behind a URL's path, or undefined. It never lies outside `root`, not by a link either. */
function find(root, url) {
  let name;
  try {
    name = decodeURIComponent(url.split(/[?#]/, 1)[0]);
  } catch {
    return undefined;
  }
  if (name.includes("\0")) return undefined;
  const wanted = path.join(root, path.posix.normalize(`/${name}`));
  const tried = [wanted, path.join(wanted, "index.html"), `${wanted}.html`];
  if (path.extname(wanted) === "") tried.push(path.join(root, "index.html"));
  const file = tried.find(isFile);
  if (file === undefined) return undefined;
  const real = fs.realpathSync(file);
  return real.startsWith(root + path.sep) ? real : undefined;
}

function answer(root, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  const file = find(root, request.url);
  if (file === undefined) {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("not found\n");
    return;
  }
  const type = TYPES[path.extname(file).toLowerCase()] ?? "application/octet-stream";
  const headers = { "content-type": type, "x-content-type-options": "nosniff", vary: "accept-encoding" };
  // Vite and its like put a hash into the names of what may be kept for ever
  headers["cache-control"] = /[.-][\w-]{8,}\.\w+$/.test(file) ? "public, max-age=31536000, immutable" : "no-cache";
  const small = COMPRESSED.test(type) && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  if (small) headers["content-encoding"] = "gzip";
  else headers["content-length"] = fs.statSync(file).size;
  response.writeHead(200, headers);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const parts = small ? [fs.createReadStream(file), zlib.createGzip(), response] : [fs.createReadStream(file), response];
  pipeline(parts, () => {}); // a client that goes away is no fault
}

function main() {
  const given = process.argv.slice(2);
  const flag = given.indexOf("--port");
  const directories = flag < 0 ? [] : given.toSpliced(flag, 2);
  const port = Number(given[flag + 1]);
  if (directories.length === 0 || !Number.isInteger(port) || port < 0 || port > 65535) {
    fail("usage: shipway-serve DIR... --port N");
  }
  const directory =
    directories.find((each) => isFile(path.join(each, "index.html"))) ??
    directories.find((each) => fs.statSync(each, { throwIfNoEntry: false })?.isDirectory());
  if (directory === undefined) fail(`${directories.join(", ")} is no directory: was it built?`);
  const root = fs.realpathSync(directory);
  const server = http.createServer((request, response) => answer(root, request, response));
  server.on("error", (error) => fail(`port ${port} of 127.0.0.1 cannot be had: ${error.code}`));
  server.listen(port, "127.0.0.1", () => {
    process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`);
  });
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
}

main();
