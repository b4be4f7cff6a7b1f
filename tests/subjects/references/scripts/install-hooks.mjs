// Points this repository at its own hooks, and never a repository around it.
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";

const here = realpathSync(new URL("..", import.meta.url));
const git = (...args) =>
  execFileSync("git", args, { cwd: here, encoding: "utf8" }).trim();

if (realpathSync(git("rev-parse", "--show-toplevel")) !== here) {
  throw new Error(
    "the hooks can only be installed at the root of a git repository",
  );
}
git("config", "core.hooksPath", ".hooks");
