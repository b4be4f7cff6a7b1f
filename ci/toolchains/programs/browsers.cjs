// shipway-browsers PROJECT_DIR OUT_DIR: makes OUT_DIR a PLAYWRIGHT_BROWSERS_PATH for the project's own Playwright.
//
// Each copy of playwright-core that the project can resolve names the revisions it wants. A browser that Playwright
// has downloaded itself is linked; for Chromium, else, a directory of the expected shape starts SHIPWAY_CHROMIUM.
// Prints {"browsers": {"chromium": "playwright" | "shipway" | "missing", ...}, "playwright": VERSION}.
"use strict";
const fs = require("node:fs");
const { createRequire } = require("node:module");
const os = require("node:os");
const path = require("node:path");

// Where Playwright looks inside a browser's directory: its newer and its older layout.
const EXECUTABLES = {
  chromium: ["chrome-linux64/chrome", "chrome-linux/chrome"],
  "chromium-headless-shell": ["chrome-headless-shell-linux64/chrome-headless-shell", "chrome-linux/headless_shell"],
};
const SHOWN = ["chromium", "firefox", "webkit"];
const COMPLETE = "INSTALLATION_COMPLETE";

function fail(message) {
  process.stderr.write(`shipway-browsers: ${message}\n`);
  process.exit(1);
}

function resolve(from, request) {
  try {
    return fs.realpathSync(createRequire(path.join(from, "package.json")).resolve(`${request}/package.json`));
  } catch {
    return undefined; // not installed there
  }
}

/** The directories of all playwright-core copies that tests in `project` can come to load. */
function cores(project) {
  const found = new Set();
  for (const name of ["@playwright/test", "playwright", "playwright-core"]) {
    const manifest = resolve(project, name);
    if (manifest === undefined) continue;
    const places = [path.dirname(manifest)];
    const inner = resolve(places[0], "playwright");
    if (inner !== undefined) places.push(path.dirname(inner));
    if (name === "playwright-core") found.add(places[0]);
    for (const place of places) {
      const core = resolve(place, "playwright-core");
      if (core !== undefined) found.add(path.dirname(core));
    }
  }
  return [...found];
}

/** Where Playwright keeps its own downloads, most specific first. */
function downloads(core) {
  const named = process.env.PLAYWRIGHT_BROWSERS_PATH;
  if (named === "0") return [path.join(core, ".local-browsers")];
  const home = os.homedir();
  const usual =
    process.platform === "darwin" ? path.join(home, "Library/Caches/ms-playwright")
    : path.join(process.env.XDG_CACHE_HOME || path.join(home, ".cache"), "ms-playwright");
  return named ? [named, usual] : [usual];
}

function wrap(file, target) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\nexec '${target.replaceAll("'", "'\\''")}' "$@"\n`);
  fs.chmodSync(file, 0o755);
}

/** Put one browser into `out` and say whose it is. */
function place(browser, core, out, chromium) {
  const directory = `${browser.name.replaceAll("-", "_")}-${browser.revision}`;
  const target = path.join(out, directory);
  const own = downloads(core).map((where) => path.resolve(where, directory)).find((where) => fs.existsSync(path.join(where, COMPLETE)));
  if (own === target && fs.lstatSync(target).isSymbolicLink()) return "playwright"; // linked by an earlier call
  if (own !== undefined && own !== target) {
    fs.rmSync(target, { recursive: true, force: true });
    fs.symlinkSync(fs.realpathSync(own), target);
    return "playwright";
  }
  if (chromium === undefined || !Object.hasOwn(EXECUTABLES, browser.name)) return "missing";
  for (const executable of EXECUTABLES[browser.name]) wrap(path.join(target, executable), chromium);
  fs.writeFileSync(path.join(target, COMPLETE), "");
  return "shipway";
}

function main() {
  const [project, out, ...rest] = process.argv.slice(2);
  if (project === undefined || out === undefined || rest.length > 0) fail("usage: shipway-browsers PROJECT_DIR OUT_DIR");
  const found = cores(path.resolve(project));
  if (found.length === 0) fail(`no playwright-core can be resolved from ${project}: is the project installed?`);
  fs.mkdirSync(out, { recursive: true });
  const chromium = process.env.SHIPWAY_CHROMIUM || undefined;
  const browsers = {};
  for (const core of found) {
    const { browsers: wanted } = JSON.parse(fs.readFileSync(path.join(core, "browsers.json"), "utf8"));
    for (const browser of wanted) {
      const whose = place(browser, core, path.resolve(out), chromium);
      // where two copies differ, the poorer answer is the true one
      if (SHOWN.includes(browser.name) && browsers[browser.name] !== "missing") browsers[browser.name] = whose;
    }
  }
  const { version } = JSON.parse(fs.readFileSync(path.join(found[0], "package.json"), "utf8"));
  process.stdout.write(`${JSON.stringify({ browsers, playwright: version })}\n`);
}

main();
