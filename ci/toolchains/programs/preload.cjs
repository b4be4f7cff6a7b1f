// NODE_OPTIONS=--require: every Chromium launch of any Playwright copy takes the browser SHIPWAY_CHROMIUM, also
// where the project names a `channel` (a branded browser at a fixed place). No file of the project is touched.
"use strict";
const Module = require("node:module");

const executable = process.env.SHIPWAY_CHROMIUM;
const LAUNCHES = new Map([["launch", 0], ["launchPersistentContext", 1], ["launchServer", 0]]); // where options stand
const seen = new WeakSet();

function redirect(playwright) {
  const chromium = playwright.chromium;
  if (chromium === null || typeof chromium !== "object" || seen.has(chromium)) return;
  seen.add(chromium);
  for (const [method, position] of LAUNCHES) {
    const original = chromium[method];
    if (typeof original !== "function") continue;
    chromium[method] = function (...given) {
      const options = { ...given[position] };
      if (!options.executablePath) {
        options.executablePath = executable;
        delete options.channel;
      }
      given[position] = options;
      return original.apply(this, given);
    };
  }
}

if (executable) {
  const load = Module._load;
  Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    if (/playwright/.test(request) && loaded !== null && typeof loaded === "object") redirect(loaded);
    return loaded;
  };
}
