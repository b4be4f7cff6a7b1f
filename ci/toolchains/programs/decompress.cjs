// node decompress.cjs FROM INTO NAME...: FROM/NAME.br, brotli-compressed, becomes INTO/NAME.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");
const zlib = require("node:zlib");

const [from, into, ...names] = process.argv.slice(2);

async function decompress(name) {
  await pipeline(
    fs.createReadStream(path.join(from, `${name}.br`)),
    zlib.createBrotliDecompress({ chunkSize: 1 << 20 }),
    fs.createWriteStream(path.join(into, name)),
  );
}

Promise.all(names.map(decompress)).catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
