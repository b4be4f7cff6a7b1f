// shipway-strict --out FILE JSON: which strict options are off in each tsconfig, as the TypeScript of its own package has it.
//
// The JSON: [{"config": "packages/core/tsconfig.json", "build": false}], from the working directory; with `build`, and
// where a tsconfig names no files of its own, its references are followed. The answer, one entry for each tsconfig that
// names files: [{"config", "typescript": "6.0.3", "family": 9, "off": ["noImplicitAny"], "file", "line"}], or
// {"config", "error"}. `file` and `line` say where it is switched off; without a line nothing switches it on.
//
// TypeScript 7 is a native program without a library: it is asked with --showConfig.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const { parseArgs } = require("node:util");

const FAMILY = [
  "noImplicitAny", "strictNullChecks", "strictFunctionTypes", "strictBindCallApply", "strictPropertyInitialization",
  "noImplicitThis", "useUnknownInCatchVariables", "alwaysStrict", "strictBuiltinIteratorReturn",
];
const MARKED = [".vue", ".svelte", ".astro"].map((extension) => ({ extension, isMixedContent: true, scriptKind: 7 }));

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: "string" } } });
const root = fs.realpathSync(".");

/** The compiler that a package has: its directory, version, and library, where it has one. */
function compiler(directory) {
  const require = createRequire(path.join(directory, "package.json"));
  for (const name of ["typescript", "@typescript/native-preview"]) {
    try {
      const manifest = require.resolve(`${name}/package.json`);
      const { version, bin } = require(manifest);
      const home = path.dirname(manifest);
      const library = path.join(home, "lib/typescript.js");
      return { version, program: path.join(home, bin.tsc ?? bin.tsgo), ts: fs.existsSync(library) ? require(library) : null };
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error("no TypeScript is installed for it");
}

/** What the library makes of a tsconfig. */
function parsed(ts, file) {
  const source = ts.readJsonConfigFile(file, ts.sys.readFile);
  const result = ts.parseJsonSourceFileConfigFileContent(source, ts.sys, path.dirname(file), undefined, file, undefined, MARKED);
  const problem = [...source.parseDiagnostics, ...result.errors].find(({ code, category }) => category === 1 && code !== 18003 && code !== 18002);
  if (problem) throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, " "));
  return {
    options: result.options,
    selects: result.fileNames.length > 0,
    references: (result.projectReferences ?? []).map((reference) => ts.resolveProjectReferencePath(reference)),
    chain: [file, ...(source.extendedSourceFiles ?? [])],
  };
}

/** The same, asked of a compiler that is a program. */
function shown(program, file) {
  const text = execFileSync(process.execPath, [program, "--showConfig", "-p", file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const { compilerOptions = {}, files = [], references = [] } = JSON.parse(text);
  const targets = references.map((reference) => path.resolve(path.dirname(file), reference.path));
  return {
    options: compilerOptions,
    selects: files.length > 0,
    references: targets.map((target) => (target.endsWith(".json") ? target : path.join(target, "tsconfig.json"))),
    chain: extended(file),
  };
}

/** A tsconfig and those of the repository that it extends, the nearest first. */
function extended(file) {
  const chain = [file];
  for (let base; (base = /"extends"\s*:\s*"(\.[^"]+)"/.exec(fs.readFileSync(chain.at(-1), "utf8"))); ) {
    const target = path.resolve(path.dirname(chain.at(-1)), base[1]);
    const next = fs.existsSync(target) ? target : `${target}.json`;
    if (!fs.existsSync(next) || chain.includes(next)) break;
    chain.push(next);
  }
  return chain;
}

/** Where a text sets an option to false: the file nearest to the tsconfig first. */
function place(chain, names) {
  for (const file of chain) {
    const text = fs.readFileSync(file, "utf8").replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g, (token) =>
      token.startsWith('"') ? token : token.replace(/[^\n]/g, " "));
    const found = new RegExp(`"(?:${names.join("|")})"\\s*:\\s*false`).exec(text);
    if (found) return { file: path.relative(root, fs.realpathSync(file)), line: text.slice(0, found.index).split("\n").length };
  }
  return { file: path.relative(root, chain[0]) };
}

function judged(file, { version, ts }, { options, chain }) {
  const family = ts?.optionDeclarations?.filter(({ strictFlag }) => strictFlag).map(({ name }) => name) ?? FAMILY;
  const strict = options.strict ?? Number.parseInt(version, 10) >= 6; // strict by default since 6.0
  const off = family.filter((name) => !(options[name] ?? strict));
  const names = off.length === family.length ? ["strict"] : off;
  const where = off.length > 0 ? place(chain, names) : {};
  return { config: path.relative(root, file), typescript: version, family: family.length, off, ...where };
}

const answer = [];
const seen = new Set();
const waiting = JSON.parse(positionals[0]).map(({ config, build }) => ({ file: path.join(root, config), build }));
while (waiting.length > 0) {
  const { file, build } = waiting.shift();
  if (seen.has(file)) continue;
  seen.add(file);
  try {
    if (!fs.existsSync(file)) throw new Error("there is no such file");
    const found = compiler(path.dirname(file));
    const config = found.ts ? parsed(found.ts, file) : shown(found.program, file);
    if (config.selects) answer.push(judged(file, found, config));
    if (build || !config.selects) waiting.push(...config.references.map((reference) => ({ file: reference, build })));
  } catch (error) {
    answer.push({ config: path.relative(root, file), error: String(error.message).split("\n")[0].replaceAll(`${root}/`, "") });
  }
}
fs.writeFileSync(values.out, JSON.stringify(answer));
