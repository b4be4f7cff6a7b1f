// shipway-playwright --config FILE --out DIR --timeout SECONDS [--tags A,B] [--only ID,ID] [-- MORE...]
//
// Runs the project's own Playwright, in the working directory, with its own configuration. It is asked first which
// projects and tests there are: those with one of the tags are run, else all; projects whose browser cannot be had
// are left out. `--only` runs the tests with these ids, and what must run together with them. MORE goes to Playwright.
//
// DIR/playwright.json is the document of reporter.cjs and beside it {"tier1": whether tags chose, "listed": tests there
// are, "left_out": [{"project", "browser"}], "ran": whether the tests were started, "tools": which Playwright, and which
// browsers are its own downloads, by version}; DIR/test-results has what failed tests attached. Exit code: Playwright's own; 3 when no browser can be had for any of the tests.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

const HERE = import.meta.dirname;
const NO_BROWSER = 3;
const NOT_FOUND = 127;
const SPARE = 15; // seconds, at most, for Playwright to end servers and for us to look at what it left
const ATTACHED = 40 * 1024 * 1024; // bytes of attachments that are kept
// Where branded browsers are installed on Linux.
const CHANNELS = { chrome: "/opt/google/chrome/chrome", msedge: "/opt/microsoft/msedge/msedge" };

const began = performance.now();
const { values: asked, positionals: more } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: "string" },
    out: { type: "string" },
    timeout: { type: "string" },
    tags: { type: "string", default: "" },
    only: { type: "string", default: "" },
  },
});

function end(code, message) {
  process.stderr.write(`shipway-playwright: ${message}\n`);
  process.exit(code);
}

if (!asked.config || !asked.out || !(Number(asked.timeout) > 0)) {
  end(2, "usage: shipway-playwright --config FILE --out DIR --timeout SECONDS [--tags A,B] [--only ID,ID] [-- MORE...]");
}
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "shipway-playwright-"));
const browsers = path.join(scratch, "browsers");
const results = path.join(scratch, "test-results");

function provide() {
  const made = spawnSync("shipway-browsers", [process.cwd(), browsers], { encoding: "utf8" });
  if (made.error !== undefined) end(NOT_FOUND, `shipway-browsers could not be run: ${made.error.code}`);
  if (made.status !== 0) end(NOT_FOUND, made.stderr.trim().split("\n").at(-1));
  return JSON.parse(made.stdout);
}

/** Run Playwright to its end; its document, and its exit code. */
async function playwright(words, { preload = false } = {}) {
  const report = path.join(scratch, "report.json");
  fs.rmSync(report, { force: true });
  const options = [process.env.SHIPWAY_NODE_OPTIONS ?? ""];
  if (preload) options.push(`--require=${JSON.stringify(process.env.SHIPWAY_PLAYWRIGHT_PRELOAD)}`);
  const reporters = `${words.includes("--list") ? "" : "list,"}${path.join(HERE, "reporter.cjs")}`;
  const child = spawn("playwright", ["test", "--config", asked.config, "--forbid-only", `--reporter=${reporters}`, ...words, ...more], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      DEBUG: "pw:webserver", // what a server says on its standard output is lost without
      ...process.env,
      NO_COLOR: undefined, // Playwright has its servers and workers colour, and Node complains of both
      NODE_OPTIONS: options.join(" ").trim(),
      PLAYWRIGHT_BROWSERS_PATH: browsers,
      SHIPWAY_PLAYWRIGHT_REPORT: report,
    },
  });
  const code = await new Promise((resolve) => {
    child.on("error", (error) => end(NOT_FOUND, `playwright could not be run in this package: ${error.code}`));
    child.on("exit", (status) => resolve(status ?? 1));
  });
  if (!fs.existsSync(report)) end(code || 1, "Playwright ended without a report");
  return { code, document: JSON.parse(fs.readFileSync(report, "utf8")) };
}

/** The projects that cannot run here: for their own browser, or that of a project they depend on. */
function withoutBrowser(projects, had) {
  const own = new Map(projects.filter(({ browser }) => had[browser] === "missing").map(({ name, browser }) => [name, browser]));
  for (let grown = true; grown; ) {
    grown = false;
    for (const { name, needs } of projects) {
      const need = own.has(name) ? undefined : needs.find((each) => own.has(each));
      if (need !== undefined) {
        own.set(name, own.get(need));
        grown = true;
      }
    }
  }
  return own;
}

function isTier1(test, tags) {
  return test.tags.some((tag) => tags.includes(tag));
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** The words that make Playwright run the chosen tests, in the given projects. */
function selection({ tests, projects }, { tags, only, missing }) {
  const words = [];
  let chosen = tests;
  if (only.length > 0) {
    const groups = new Set(tests.filter(({ id }) => only.includes(id)).map(({ group }) => group).filter(Boolean));
    chosen = tests.filter(({ id, group }) => only.includes(id) || groups.has(group));
    const places = chosen.map(({ file, line }) => `${escaped(path.relative(process.cwd(), file))}$:${line}`);
    words.push(...new Set(places));
    if (projects.every(({ trace }) => !trace)) words.push("--trace=retain-on-failure");
  } else if (tags.length > 0) {
    chosen = tests.filter((test) => isTier1(test, tags));
    words.push(`--grep=/(?:${tags.map(escaped).join("|")})(?![\\w-])/`);
  }
  const here = [...new Set(chosen.map(({ project }) => project))].filter((name) => !missing.has(name));
  if (missing.size > 0 || only.length > 0) {
    const needed = new Set(projects.flatMap(({ needs }) => needs));
    const tops = here.filter((name) => !needed.has(name));
    if (projects.length > 1) words.push(...(tops.length > 0 ? tops : here).map((name) => `--project=${name}`));
  }
  return { words, here };
}

/** Keep what the failed tests attached, as much as there is room for, and say under which name. */
function keepAttachments(document) {
  let room = ATTACHED;
  for (const test of document.tests) {
    for (const attachment of test.attachments) {
      const within = path.relative(results, attachment.path);
      attachment.kept = null;
      if (within.startsWith("..") || path.isAbsolute(within)) continue;
      const size = fs.statSync(attachment.path, { throwIfNoEntry: false })?.size ?? Infinity;
      if (size > room) continue;
      room -= size;
      attachment.kept = path.join("test-results", within);
      fs.mkdirSync(path.dirname(path.join(asked.out, attachment.kept)), { recursive: true });
      fs.copyFileSync(attachment.path, path.join(asked.out, attachment.kept));
    }
  }
}

function write(document, facts) {
  fs.writeFileSync(path.join(asked.out, "playwright.json"), JSON.stringify({ ...document, ...facts }));
}

async function main() {
  const { browsers: had, playwright: version } = provide();
  const { code, document: listing } = await playwright(["--list"]);
  const facts = { tools: {}, tier1: false, listed: listing.tests.length, left_out: [], ran: false };
  if (code !== 0 || listing.tests.length === 0) {
    write(listing, facts);
    return code;
  }
  const wanted = asked.tags.split(",").filter(Boolean);
  const tags = listing.tests.some((test) => isTier1(test, wanted)) ? wanted : [];
  const only = asked.only.split(",").filter(Boolean);
  const missing = withoutBrowser(listing.projects, had);
  const { words, here } = selection(listing, { tags, only, missing });
  const concerned = new Set(listing.tests.map(({ project }) => project));
  const used = listing.projects.map(({ browser }) => browser).filter((browser) => had[browser] === "playwright");
  facts.tools = { playwright: version, ...Object.fromEntries(used.map((browser) => [browser, `of Playwright ${version}`])) };
  facts.tier1 = tags.length > 0;
  facts.left_out = [...missing].filter(([project]) => concerned.has(project)).map(([project, browser]) => ({ project, browser }));
  if (here.length === 0) {
    write({ ...listing, tests: [] }, facts);
    return NO_BROWSER;
  }
  const branded = listing.projects.some(({ channel }) => channel in CHANNELS && !fs.existsSync(CHANNELS[channel]));
  const left = Number(asked.timeout) - (performance.now() - began) / 1000;
  const seconds = Math.max(left - SPARE, left * 0.8);
  const limit = Math.min(seconds * 1000, listing.timeout || Infinity);
  const done = await playwright([...words, `--output=${results}`, `--global-timeout=${Math.round(limit)}`], {
    preload: branded && Boolean(process.env.SHIPWAY_CHROMIUM),
  });
  keepAttachments(done.document);
  write({ ...done.document, projects: listing.projects }, { ...facts, ran: true });
  return done.code;
}

main().then(
  (code) => process.exit(code),
  (error) => end(1, String(error.message).split("\n", 1)[0]),
);
