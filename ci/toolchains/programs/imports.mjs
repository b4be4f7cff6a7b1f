// shipway-imports --out FILE JSON: who imports whom, as dependency-cruiser resolves it, from the working directory.
//
// The JSON: {"packages": [{"path": "apps/web", "config": "apps/web/tsconfig.json" | null}], "names": {"@x/db": "packages/db"}, "look": []}.
// All sources of each package are read, its path aliases by its own tsconfig; packages nested in it are left out.
// `names` says where the workspace's packages lie: an import whose file only a build would write is still known by that.
// `look` are paths: `there` says which files lie at and below them, generated ones too; a module of Node's own counts.
// The answer: {"files": 12, "imports": [[FILE, LINE, SPECIFIER, RESOLVED]], "unresolved": [[FILE, LINE, SPECIFIER]], "there": [FILE]}.
// An import that leads nowhere is no failure; a package that cannot be read is one: exit 1 and one line.
import fs from "node:fs";
import { builtinModules, createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const SOURCE = /\.[cm]?[jt]sx?$/;
const EMBEDDED = /\.(?:vue|svelte|astro)$/; // scripts inside of markup; TypeScript itself resolves what they import
const SCRIPT = /^---\r?\n[^]*?\n---|<script\b[^>]*>[^]*?<\/script>/g;
const RESOLVE = {
  exportsFields: ["exports"],
  conditionNames: ["types", "import", "require", "node", "default"],
  mainFields: ["types", "module", "main"],
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: "string" } } });
const home = path.resolve(process.env.SHIPWAY_DEPCRUISE ?? "", "node_modules");
const ts = createRequire(path.join(home, "package.json"))("typescript");
const root = fs.realpathSync(".");

function* sources(directory, packages) {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const file = path.posix.join(directory, entry.name);
    const closed = entry.name === "node_modules" || entry.name.startsWith(".") || packages.has(file);
    if (entry.isDirectory() && !closed) yield* sources(file, packages);
    else if (entry.isFile()) yield file;
  }
}

function* below(place) {
  if (fs.statSync(place, { throwIfNoEntry: false })?.isDirectory()) yield* sources(place, new Set());
  else if (fs.existsSync(place) || builtinModules.includes(place)) yield place;
}

/** The specifiers of a text's imports with the line of the first of each. */
function specifiers(text) {
  const found = new Map();
  for (const { fileName, pos } of ts.preProcessFile(text, true, true).importedFiles) {
    if (!found.has(fileName)) found.set(fileName, text.slice(0, pos).split("\n").length);
  }
  return found;
}

/** Only the scripts of a text; all else is blank, so that every line stays where it was. */
function scripts(text) {
  let end = 0;
  let kept = "";
  for (const match of text.matchAll(SCRIPT)) {
    const from = match.index + match[0].indexOf(match[0].startsWith("---") ? "\n" : ">") + 1;
    const to = match.index + match[0].lastIndexOf(match[0].startsWith("---") ? "---" : "<");
    kept += text.slice(end, from).replace(/[^\n]/g, " ") + text.slice(from, to);
    end = to;
  }
  return kept;
}

/** Where a workspace package's import leads, by its name alone; null where it is none. */
function owned(specifier, names) {
  const parts = specifier.split("/");
  const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  if (!Object.hasOwn(names, name)) return null;
  return path.posix.join(names[name], specifier.slice(name.length) || "package.json");
}

function embedded(file, options) {
  const found = specifiers(scripts(fs.readFileSync(file, "utf8")));
  return [...found].map(([specifier, line]) => {
    const target = ts.resolveModuleName(specifier, path.resolve(file), options, ts.sys).resolvedModule;
    const resolved = target && path.relative(root, fs.realpathSync(target.resolvedFileName));
    return { file, line, specifier, resolved: resolved ?? null };
  });
}

/** What is not followed: no files but the package's own. A limit to the depth would cut the imports of those as well. */
function foreign(place) {
  const outside = place === "." ? [] : [`^(?!${place.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}/)`];
  return { path: ["node_modules", ...outside] };
}

async function cruised(cruise, files, place, config, parsed) {
  const options = { tsPreCompilationDeps: true, doNotFollow: foreign(place), combinedDependencies: true };
  if (config) options.tsConfig = { fileName: config };
  const { output } = await cruise(files, options, RESOLVE, { tsConfig: parsed });
  const wanted = new Set(files);
  return output.modules.filter(({ source }) => wanted.has(source)).flatMap(({ source, dependencies }) => {
    const lines = specifiers(fs.readFileSync(source, "utf8"));
    return dependencies.map(({ module: specifier, resolved, couldNotResolve }) => {
      const line = lines.get(specifier) ?? lines.get(`node:${specifier}`) ?? null;
      return { file: source, line, specifier, resolved: couldNotResolve ? null : resolved };
    });
  });
}

async function main() {
  const { packages, names, look } = JSON.parse(positionals[0]);
  const { cruise } = await import(pathToFileURL(path.join(home, "dependency-cruiser/src/main/index.mjs")));
  const nested = new Set(Object.values(names));
  const there = look.flatMap((place) => [...below(place)]);
  const answer = { files: 0, imports: [], unresolved: [], there };
  for (const { path: place, config } of packages) {
    const all = [...sources(place, nested)];
    const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} };
    const parsed = config ? ts.getParsedCommandLineOfConfigFile(config, {}, host) : undefined;
    const options = { moduleResolution: ts.ModuleResolutionKind.Bundler, ...parsed?.options };
    const files = all.filter((file) => SOURCE.test(file));
    const marked = all.filter((file) => EMBEDDED.test(file));
    answer.files += files.length + marked.length;
    const found = files.length > 0 ? await cruised(cruise, files, place, config, parsed) : [];
    for (const { file, line, specifier, resolved } of [...found, ...marked.flatMap((each) => embedded(each, options))]) {
      const target = resolved ?? owned(specifier, names);
      if (target !== null) answer.imports.push([file, line, specifier, target]);
      else if (!builtinModules.includes(specifier)) answer.unresolved.push([file, line, specifier]);
    }
  }
  fs.writeFileSync(values.out, JSON.stringify(answer));
}

main().catch((error) => {
  process.stderr.write(`shipway-imports: ${String(error?.message ?? error).split("\n")[0]}\n`);
  process.exitCode = 1;
});
