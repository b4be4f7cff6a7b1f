// shipway-listen --ready FILE [--port N] -- COMMAND...: starts a server and finds out where it listens.
//
// FILE is written once a listening socket of the command, or of what it started, answers over HTTP (any status):
// {"url": "http://127.0.0.1:PORT"}. With --port only that port counts. Ends with the command, and with its exit code.
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const { parseArgs } = require("node:util");

const LISTEN = "0A"; // the kernel's word for it in /proc/net/tcp
const TICK = 100; // milliseconds
const HAS_PROC = fs.existsSync("/proc/self/stat");

function fail(code, message) {
  process.stderr.write(`shipway-listen: ${message}\n`);
  process.exit(code);
}

function read(file) {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    return ""; // it has just ended
  }
}

/** The process ids of a process and of all that it started. */
function family(root) {
  const children = new Map();
  for (const name of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = read(`/proc/${name}/stat`).split(") ").at(-1).split(" ")[1];
    children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const found = [String(root)];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The inodes of the sockets that the processes hold. */
function sockets(pids) {
  const found = new Set();
  for (const pid of pids) {
    let handles = [];
    try {
      handles = fs.readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue;
    }
    for (const handle of handles) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${handle}`));
        if (inode !== null) found.add(inode[1]);
      } catch {
        continue; // closed meanwhile
      }
    }
  }
  return found;
}

/** Where the processes listen: [[host, port]], the loopback of IPv4 first. */
function listening(root) {
  const held = sockets(family(root));
  const found = [];
  for (const [table, host] of [["tcp", "127.0.0.1"], ["tcp6", "[::1]"]]) {
    for (const line of read(`/proc/${root}/net/${table}`).split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== LISTEN || !held.has(inode)) continue;
      const [address, port] = local.split(":");
      // a socket on all addresses of IPv6 takes IPv4 too
      found.push([table === "tcp6" && /^0+$/.test(address) ? "127.0.0.1" : host, Number.parseInt(port, 16)]);
    }
  }
  return found;
}

function answers(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { timeout: 2000 }, (response) => {
      response.destroy();
      resolve(true);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

/** End the command and what it started; a shell does not pass a signal on. */
function endAll(signal) {
  for (const pid of HAS_PROC ? family(child.pid).reverse() : [child.pid]) {
    try {
      process.kill(Number(pid), signal);
    } catch {
      continue; // it has ended by itself
    }
  }
}

async function watch(child, ready, port) {
  for (;;) {
    const places = HAS_PROC ? listening(child.pid) : port ? [["127.0.0.1", port]] : [];
    for (const [host, number] of places) {
      const url = `http://${host}:${number}`;
      if ((port && number !== port) || !(await answers(url))) continue;
      fs.writeFileSync(`${ready}.new`, JSON.stringify({ url }));
      fs.renameSync(`${ready}.new`, ready);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ready: { type: "string" }, port: { type: "string" } },
});
const port = values.port === undefined ? undefined : Number(values.port);
if (!values.ready || positionals.length === 0 || Number.isNaN(port)) {
  fail(2, "usage: shipway-listen --ready FILE [--port N] -- COMMAND...");
}
const child = spawn(positionals[0], positionals.slice(1), {
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, NODE_OPTIONS: process.env.SHIPWAY_NODE_OPTIONS ?? "" },
});
child.on("error", (error) => fail(127, `${positionals[0]} could not be run: ${error.code}`));
child.on("exit", (code, signal) => {
  process.stderr.write(`shipway-listen: the server ended with ${signal ?? code}\n`);
  process.exit(code || 1);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => endAll(signal));
watch(child, values.ready, port).catch((error) => fail(1, error.message));
