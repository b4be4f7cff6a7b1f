"""The warden in a container: what the host executor does around it outside, done here, in the check's one exec.

Started as `python3 -I -S contained.py SPECIFICATION RESULT`. Beside what the warden itself reads, the specification
names `check` (its id), `top` (where the repository's workspace lies), `files` (its files there, which become a git
repository's one commit), `inherited` (variables of the container to hand on, the secrets among them), `given` (those
of them that steps may name, as the values of a service), `settings` (a variable that holds more of them as JSON, or
null), `reports` (regular expressions over paths from `root`) and `limit` (bytes to bring back).

What differs from run to run and must not make a new layer stands in variables that the engine calls volatile:
SHIPWAY_RUN, the run's id, and SHIPWAY_COMMIT, message, author, address and branch of the commit as JSON.

The result is one file, JSON that is compressed and in base64, because the engine hands over text:

    run           the value of SHIPWAY_RUN when this really ran: another one now means that it came out of a cache
    seconds       from start to end
    events        the warden's own, in order
    logs          by step: head, tail (both base64) and the number of bytes between them
    files         by path, base64: what lies in the out directory, and the reports
    notices       one line each
    changed       as `git status` has it, without what was there before

The exit code is 0 whenever the result was written; how the steps ended is in it.
"""

import base64
import json
import os
import re
import select
import shutil
import stat
import subprocess
import sys
import time
import zlib

TYPE_CHECKING = False  # as in program.py
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HEAD, TAIL = 20_000, 60_000
LOOK = 0.25
SHOWN = 300  # bytes of a running step's output that are told at once
CLOSED = frozenset({".git", "node_modules"})
MARK = "shipway-tail"  # begins the lines by which the live view hears of a running step
OBSERVER = "/tmp/.shipway/observer"


def main(path: str, result: str) -> int:
    """Run the steps of the specification at `path` and leave what is to be known of them in the file `result`."""
    began = time.monotonic()
    with open(path, encoding="utf-8") as file:
        specification: dict[str, Any] = json.load(file)
    for name in ("out", "logs"):
        os.makedirs(specification[name], exist_ok=True)
    os.makedirs(specification["environment"]["HOME"], exist_ok=True)
    inherited = {name: os.environ[name] for name in specification["inherited"] if name in os.environ}
    settings = json.loads(os.environ[specification["settings"]]) if specification["settings"] else {}
    specification["environment"] = {**specification["environment"], **settings, **inherited}
    specification["values"] |= {name: inherited[name] for name in specification["given"]}
    notices: list[str] = []
    before = _commit(specification, notices)
    events, complaint = _guard(specification)
    found = {
        "run": os.environ["SHIPWAY_RUN"],
        "seconds": time.monotonic() - began,
        "events": events,
        "complaint": complaint,
        "logs": _logs(specification["logs"]),
        "files": _files(specification, notices),
        "changed": [] if before is None else [change for change in _status(specification) if change not in before],
        "notices": notices,
    }
    packed = base64.b64encode(zlib.compress(json.dumps(found).encode(), 1))
    with open(result, "wb") as written:
        written.write(packed)
    return 0


def _guard(specification: "dict[str, Any]") -> "tuple[list[dict[str, Any]], str]":
    """Start the warden, tell what the running step prints, and return the warden's events and its last words."""
    place = "/tmp/.shipway/warden.json"
    with open(place, "w", encoding="utf-8") as file:
        json.dump(specification, file)
    warden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    events: list[dict[str, Any]] = []
    with subprocess.Popen(
        [sys.executable, "-I", "-S", warden, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        assert process.stderr is not None  # noqa: S101 - as above
        descriptor = process.stdout.fileno()
        kept = b""
        shown = b""
        while True:
            readable, _, _ = select.select([descriptor], [], [], LOOK)
            if readable:
                data = os.read(descriptor, 65_536)
                if not data:
                    break
                *lines, kept = (kept + data).split(b"\n")
                events += [json.loads(line) for line in lines]
            else:
                shown = _tell(specification, shown)
        complaint = process.stderr.read().decode(errors="replace")
    return events, complaint


def _tell(specification: "dict[str, Any]", shown: bytes) -> bytes:
    """Print the end of what the newest step printed, where it is new, for the live view."""
    logs = specification["logs"]
    steps = [int(name[:-4]) for name in os.listdir(logs) if name.endswith(".log") and name[:-4].isdigit()]
    if not steps:
        return shown
    with open(os.path.join(logs, f"{max(steps)}.log"), "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - SHOWN))
        tail = file.read()
    if tail and tail != shown:
        who = base64.b64encode(specification["check"].encode()).decode()
        print(MARK, who, base64.b64encode(tail).decode(), flush=True)  # noqa: T201 - the engine takes it to the client
    return tail


def _logs(place: str) -> "dict[str, list[Any]]":
    found: dict[str, list[Any]] = {}
    for name in os.listdir(place):
        with open(os.path.join(place, name), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= HEAD + TAIL:
                head, tail, omitted = file.read(), b"", 0
            else:
                head = file.read(HEAD)
                file.seek(size - TAIL)
                tail, omitted = file.read(), size - HEAD - TAIL
        found[name[:-4]] = [base64.b64encode(head).decode(), base64.b64encode(tail).decode(), omitted]
    return found


def _files(specification: "dict[str, Any]", notices: "list[str]") -> "dict[str, str]":
    """Read what is to be brought back, up to the limit; say what was too large."""
    found: dict[str, str] = {}
    left = specification["limit"]
    patterns = [re.compile(pattern) for pattern in specification["reports"]]
    sources = list(_walk(specification["out"]))
    if patterns:
        sources += [
            (path, place)
            for path, place in _walk(specification["root"])
            if any(pattern.match(path) for pattern in patterns)
        ]
    for path, place in sources:
        size = os.lstat(place).st_size
        if size > left:
            notices.append(f"{path} ({size // 1024} kB) is too large to keep with the report")
            continue
        left -= size
        os.chmod(place, 0o600)
        with open(place, "rb") as file:
            found[path] = base64.b64encode(file.read()).decode()
    return found


def _walk(base: str) -> "Iterator[tuple[str, str]]":
    """Yield the regular files below `base` by their path from there; no link is followed."""
    for directory, names, files in os.walk(base):
        names[:] = sorted(name for name in names if name not in CLOSED)
        for name in sorted(files):
            place = os.path.join(directory, name)
            if stat.S_ISREG(os.lstat(place).st_mode):
                yield os.path.relpath(place, base), place


def _commit(specification: "dict[str, Any]", notices: "list[str]") -> "list[str] | None":
    """Make the workspace a git repository with one commit of the files that the check is given, for tools that ask git.

    Return what git calls changed all the same, None where the image has no git.
    """
    if shutil.which("git") is None:
        notices.append("the image has no git, so what the check wrote beside its outputs is not known")
        return None
    message, name, email, branch = json.loads(os.environ["SHIPWAY_COMMIT"])
    top = specification["top"]
    _git(top, "init", "--quiet", f"--initial-branch={branch}")
    files = "\0".join(specification["files"]).encode(errors="surrogateescape")
    _git(top, "--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=files)
    identity = ("-c", f"user.name={name}", "-c", f"user.email={email}", "-c", "commit.gpgsign=false")
    _git(top, *identity, "commit", "--quiet", "--no-verify", "--allow-empty", "--cleanup=verbatim",
         f"--message={message}")  # fmt: skip
    shutil.copytree(os.path.join(top, ".git"), OBSERVER)
    return _status(specification)


def _status(specification: "dict[str, Any]") -> "list[str]":
    """Return `M path`, `A path`, `D path` from the workspace's root, without what lies in other packages' trees."""
    top, root = specification["top"], specification["root"]
    repository = (f"--git-dir={OBSERVER}", f"--work-tree={top}")
    said = _git(top, *repository, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", root)
    prefix = "" if root == top else f"{os.path.relpath(root, top)}/"
    found = []
    for entry in filter(None, said.decode(errors="surrogateescape").split("\0")):
        letters, path = entry[:2], entry[3:].removeprefix(prefix)
        if CLOSED.isdisjoint(path.split("/")):
            found.append(f"{'A' if '?' in letters else 'D' if 'D' in letters else 'M'} {path}")
    return found


def _git(top: str, *words: str, stdin: bytes = b"") -> bytes:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=top, env=environment, input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise OSError(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
