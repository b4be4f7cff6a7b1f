#!/usr/bin/env node
// A stand-in for Playwright's command line: `playwright test` over the suite of PLAYWRIGHT_SUITE, a JSON file
//
// {"projects": [{"name", "use", "retries", "dependencies"}], "serverError": text, "only": bool,
//  "tests": [{"project", "file", "line", "title", "tags", "outcomes": [status per try], "serial": bool}]}
//
// It knows --list, --project, --grep=/regex/, FILE:LINE and --output, and tells a real reporter what a run would.
// What it was called with, and the environment that matters, is added to PLAYWRIGHT_CALLS, one JSON object a line.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const argv = process.argv.slice(2);
const given = JSON.parse(fs.readFileSync(process.env.PLAYWRIGHT_SUITE, "utf8"));
const option = (name) => argv.filter((word) => word.startsWith(`--${name}=`)).map((word) => word.slice(name.length + 3));
const call = { argv, browsers: process.env.PLAYWRIGHT_BROWSERS_PATH, node: process.env.NODE_OPTIONS };
fs.appendFileSync(process.env.PLAYWRIGHT_CALLS, `${JSON.stringify(call)}\n`);

const listing = argv.includes("--list");
const projects = option("project");
const places = argv.filter((word) => /:\d+$/.test(word)).map((word) => /^(.*):(\d+)$/.exec(word));
const grep = option("grep").map((word) => new RegExp(word.slice(1, -1)));
const needed = new Set(given.projects.flatMap(({ dependencies }) => dependencies ?? []));

function isChosen(test) {
  if (listing) return true;
  const tops = given.projects.filter(({ name }) => projects.length === 0 || projects.includes(name));
  const closure = new Set(tops.flatMap(({ name, dependencies }) => [name, ...(dependencies ?? [])]));
  if (!closure.has(test.project)) return false;
  if (needed.has(test.project)) return true; // filters are not for dependencies
  if (places.length > 0 && !places.some(([, file, line]) => new RegExp(file).test(test.file) && Number(line) === test.line)) {
    return false;
  }
  return grep.every((pattern) => pattern.test([test.title, ...(test.tags ?? [])].join(" ")));
}

function attach(test, status) {
  if (status === "passed" || listing) return [];
  const file = path.join(option("output")[0], `${test.title}.png`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, "a screenshot");
  return [
    { name: "screenshot", contentType: "image/png", path: file },
    { name: "elsewhere", contentType: "text/plain", path: "/etc/hostname" },
    { name: "inline", contentType: "text/plain", body: Buffer.from("x") },
  ];
}

function made(test) {
  const tries = listing ? [] : (test.outcomes ?? ["passed"]);
  const results = tries.map((status) => ({
    status,
    error: status === "failed" ? { message: "Error: it is red", location: { file: test.file, line: 9 } } : undefined,
    attachments: attach(test, status),
  }));
  const parent = {
    _parallelMode: test.serial ? "serial" : "none",
    location: { file: test.file, line: 1 },
    parent: undefined,
    project: () => ({ name: test.project }),
  };
  const last = tries.at(-1);
  return {
    id: `${test.project}-${test.title}`,
    title: test.title,
    location: { file: test.file, line: test.line },
    tags: test.tags ?? [],
    parent,
    results,
    titlePath: () => ["", test.project, path.basename(test.file), test.title],
    outcome: () => (tries.length === 0 || last === "skipped" ? "skipped" : last !== "passed" ? "unexpected" : tries.length > 1 ? "flaky" : "expected"),
  };
}

const Reporter = require(option("reporter")[0].split(",").at(-1));
const reporter = new Reporter();
const tests = given.tests.map((test) => ({ ...test, file: path.resolve(test.file) })).filter(isChosen).map(made);
let red = tests.some((test) => test.outcome() === "unexpected");
if (given.only && argv.includes("--forbid-only")) {
  reporter.onError({ message: "Error: item focused with '.only' is not allowed", location: { file: path.resolve("e2e/a.spec.ts"), line: 3 } });
  red = true;
} else if (given.serverError && !listing) {
  reporter.onStdErr(Buffer.from(`[WebServer] ${given.serverError}\n`));
  reporter.onError({ message: "Error: Process from config.webServer was not able to start. Exit code: 1" });
  red = true;
} else {
  const config = { version: "1.65.1", globalTimeout: 0, projects: given.projects.map((each) => ({ retries: 0, dependencies: [], use: {}, ...each })) };
  reporter.onBegin(config, { allTests: () => tests });
}
reporter.onEnd({ status: red ? "failed" : "passed" });
process.exit(red ? 1 : 0);
