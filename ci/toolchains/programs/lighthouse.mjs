// shipway-lighthouse --out FILE --runs N --categories A,B [--server FILE] URL...: Lighthouse's scores of each page.
//
// With --server the URLs may be paths of the server whose place shipway-listen has written to that file. The answer:
// {"lighthouse": VERSION, "pages": [{"url": as given, "runs": [{"scores": {CATEGORY: 0..1}, "seconds"}],
//   "audits": [{"id", "title", "category", "score", "value"}]}]}; `audits` are those of the last run that are not
// passed, worst first. Low scores are no failure; no browser or no page is one: exit 1 and one line.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const CATEGORIES = "performance,accessibility,best-practices,seo";
const START = 30_000; // milliseconds a browser may take on a busy machine
const QUIET = [
  "--headless", "--remote-debugging-port=0", "--no-first-run", "--no-default-browser-check", "--disable-sync",
  "--disable-extensions", "--disable-component-update", "--disable-background-networking", "--disable-dev-shm-usage",
];

class Refusal extends Error {}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string" },
      runs: { type: "string", default: "1" },
      categories: { type: "string", default: CATEGORIES },
      server: { type: "string" },
    },
  });
  const runs = Number(values.runs);
  if (!values.out || positionals.length === 0 || !Number.isInteger(runs) || runs < 1) {
    throw new Refusal("usage: shipway-lighthouse --out FILE [--runs N] [--categories A,B] [--server FILE] URL...");
  }
  const base = values.server === undefined ? undefined : JSON.parse(fs.readFileSync(values.server, "utf8")).url;
  return { out: values.out, runs, categories: values.categories.split(","), base, urls: positionals };
}

async function library() {
  const place = process.env.SHIPWAY_LIGHTHOUSE;
  if (!place) throw new Refusal("SHIPWAY_LIGHTHOUSE is not set: it names the directory that holds Lighthouse");
  const entry = createRequire(path.join(place, "package.json")).resolve("lighthouse");
  const { version } = JSON.parse(fs.readFileSync(path.join(path.dirname(entry), "../package.json"), "utf8"));
  return { lighthouse: (await import(pathToFileURL(entry).href)).default, version };
}

/** Start a browser on a port of its own choice, in a process group of its own. */
async function startBrowser() {
  const program = process.env.SHIPWAY_CHROMIUM;
  if (!program) throw new Refusal("SHIPWAY_CHROMIUM is not set: it names the browser to start");
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "shipway-lighthouse-"));
  const child = spawn(program, [...QUIET, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const end = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has ended by itself
    }
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { port: await debuggingPort(child), end };
  } catch (error) {
    end();
    throw error;
  }
}

function debuggingPort(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const refuse = (why) => reject(new Refusal(`the browser cannot be started: ${why}`));
    const lastLine = () => said.trim().split("\n").at(-1) || "nothing said";
    const timer = setTimeout(() => refuse(`no answer within ${START / 1000} s: ${lastLine()}`), START);
    child.stderr.on("data", (data) => {
      if (said.length < 100_000) said += data;
      const found = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said);
      if (found === null) return;
      clearTimeout(timer);
      resolve(Number(found[1]));
    });
    child.on("error", (error) => refuse(error.message));
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      refuse(`it ended with ${signal ?? code}: ${lastLine()}`);
    });
  });
}

/** Say at once that a page is not there, or is an error page; Lighthouse itself takes half a minute to. */
async function checkAnswer(url) {
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(START) });
    await response.body?.cancel();
  } catch (error) {
    throw new Refusal(`${url} does not answer: ${error.cause?.code || error.cause?.message || error.message}`);
  }
  if (!response.ok) throw new Refusal(`${url} answers ${response.status}, an error page`);
}

async function measure(lighthouse, url, port, { runs, categories, base }) {
  const page = { url, runs: [], audits: [] };
  for (let run = 0; run < runs; run += 1) {
    const began = performance.now();
    const flags = { port, output: "json", logLevel: "silent", onlyCategories: categories, throttlingMethod: "simulate" };
    const { lhr } = await lighthouse(new URL(url, base).href, flags);
    if (lhr.runtimeError) throw new Refusal(`${url} cannot be measured: ${lhr.runtimeError.message.split("\n", 1)[0]}`);
    const scores = Object.fromEntries(Object.entries(lhr.categories).map(([name, { score }]) => [name, score]));
    page.runs.push({ scores, seconds: (performance.now() - began) / 1000 });
    page.audits = unsatisfied(lhr);
  }
  return page;
}

function unsatisfied(lhr) {
  const found = [];
  for (const [category, { auditRefs }] of Object.entries(lhr.categories)) {
    for (const { id, weight } of auditRefs) {
      const { title, score, displayValue } = lhr.audits[id];
      if (score === null || score >= 0.9) continue;
      found.push({ id, title, category, score, weight, value: displayValue ?? null });
    }
  }
  return found.sort((one, other) => other.weight * (1 - other.score) - one.weight * (1 - one.score));
}

async function main() {
  const asked = options();
  const { lighthouse, version } = await library();
  for (const url of asked.urls) await checkAnswer(new URL(url, asked.base).href);
  const browser = await startBrowser();
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      browser.end();
      process.exit(1);
    });
  }
  try {
    const pages = [];
    for (const url of asked.urls) pages.push(await measure(lighthouse, url, browser.port, asked));
    fs.writeFileSync(asked.out, `${JSON.stringify({ lighthouse: version, pages }, null, 1)}\n`);
  } finally {
    browser.end();
  }
}

// Lighthouse leaves timers behind, so the end is said aloud.
main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`shipway-lighthouse: ${String(error.message).split("\n", 1)[0]}\n`);
    process.exit(1);
  },
);
