// A Playwright reporter: all that a judge needs of a listing or a run, as one JSON document in SHIPWAY_PLAYWRIGHT_REPORT.
//
// {"playwright", "status", "timeout": ms, "projects": [{"name", "browser", "channel", "retries", "trace", "needs"}],
//  "errors": [ERROR], "output": the end of what belongs to no test (web servers), "tests": [{"id", "project", "file",
//  "line", "title": [...], "tags", "group", "outcome", "ran", "interrupted", "error": ERROR,
//  "attachments": [{"name", "type", "path"}]}]}
// ERROR is {"message", "file", "line", "snippet"}. Files are absolute, as Playwright has them.
"use strict";
const fs = require("node:fs");

const KEPT = 8_000; // characters of the output that belongs to no test

function told(error) {
  if (error === undefined) return null;
  const { message, value, location, snippet } = error;
  return {
    message: message ?? value ?? "no message",
    file: location?.file ?? null,
    line: location?.line ?? null,
    snippet: snippet ?? null,
  };
}

/** The tests that must run together with this one: those of the outermost serial group around it. */
function serialGroup(test) {
  let group = null;
  for (let suite = test.parent; suite !== undefined; suite = suite.parent) {
    if (suite._parallelMode === "serial") group = suite; // not in the public types; without it each test is alone
  }
  if (group === null) return null;
  return `${group.location?.file ?? ""}:${group.location?.line ?? 0}:${test.parent.project()?.name ?? ""}`;
}

function described(test, running) {
  // [root, project, file, describe..., title]
  const [, project, , ...title] = test.titlePath();
  return {
    id: test.id,
    project,
    file: test.location.file,
    line: test.location.line,
    title,
    tags: test.tags ?? title.join(" ").match(/@\S+/g) ?? [],
    group: serialGroup(test),
    outcome: test.outcome(),
    interrupted: running || test.results.some(({ status }) => status === "interrupted"),
    ran: test.results.some(({ status }) => status !== "skipped" && status !== "interrupted"),
    error: told(test.results.find(({ error }) => error !== undefined)?.error),
    attachments: test.results.flatMap(({ attachments, status }) =>
      status === "passed" || status === "skipped" ? []
      : attachments.filter((each) => each.path).map(({ name, contentType, path }) => ({ name, type: contentType, path })),
    ),
  };
}

class Reporter {
  errors = [];
  running = new Set();
  output = "";
  suite = undefined;
  config = undefined;

  onBegin(config, suite) {
    this.config = config;
    this.suite = suite;
  }

  onTestBegin(test) {
    this.running.add(test);
  }

  onTestEnd(test) {
    this.running.delete(test);
  }

  onError(error) {
    this.errors.push(told(error));
  }

  onStdOut(chunk, test) {
    if (!test) this.output = (this.output + chunk).slice(-KEPT);
  }

  onStdErr(chunk, test) {
    this.onStdOut(chunk, test);
  }

  onEnd({ status }) {
    const projects = this.config?.projects ?? [];
    const report = {
      playwright: this.config?.version ?? null,
      status,
      timeout: this.config?.globalTimeout ?? 0,
      projects: projects.map(({ name, use, retries, dependencies }) => ({
        name,
        browser: use.browserName ?? use.defaultBrowserType ?? "chromium",
        channel: use.channel ?? null,
        retries,
        trace: use.trace !== undefined && use.trace !== "off",
        needs: dependencies ?? [],
      })),
      errors: this.errors,
      output: this.output,
      tests: this.suite?.allTests().map((test) => described(test, this.running.has(test))) ?? [],
    };
    fs.writeFileSync(process.env.SHIPWAY_PLAYWRIGHT_REPORT, JSON.stringify(report));
  }

  printsToStdio() {
    return false;
  }
}

module.exports = Reporter;
