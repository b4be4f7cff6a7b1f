"""A hamlet to promote in from inside a Dagger function: real stages, and no more around them than a promotion needs.

GitHub stands in on the test's own loopback. A function finds that nowhere, and shipway.toml takes `http://` for this
machine alone: so the repository's own command for its token opens a door on the function's loopback. The platform is
commands of the repository, and its one server runs where they are run.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.rehearsal.github import APP, SLUG, GitHub
from ci.rehearsal.serving import serving
from tests.conftest import IDENTITY, ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SITE = 7003  # the port of what is served, where the platform's commands are run
WORLD = "/tmp/world"  # noqa: S108 - in a container of its own
DOOR = f'''
"""door.py PORT: open the way to GitHub, which is at another name, on this machine's loopback; print the token."""

import fcntl, json, os, pathlib, socket, subprocess, sys, threading, time

port, world = int(sys.argv[1]), pathlib.Path("{WORLD}")


def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def serve():
    world.mkdir()
    lock = (world / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    addresses = [f"http://127.0.0.1:{{each}}" for each in (port, {SITE})]
    (world / "rehearsal.json").write_text(json.dumps({{"addresses": addresses}}))
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        here, there = listener.accept()[0], socket.create_connection(("github", port))
        for pair in ((here, there), (there, here)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def is_open():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if sys.argv[2:] == ["serve"]:
    serve()
if not is_open():
    nowhere = subprocess.DEVNULL
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "serve"], start_new_session=True, stdin=nowhere,
                     stdout=nowhere, stderr=nowhere)
    while not is_open():
        time.sleep(0.05)
print(os.environ["HUB_TOKEN"])
'''
PLATFORM = f'''
"""platform.py deploy|status|switch|rollback|serve: a release is a commit's name, all are served by one server."""

import http.server, json, os, pathlib, subprocess, sys, time

home = pathlib.Path("/tmp/site")
home.mkdir(exist_ok=True)


def known():
    place = home / "known.json"
    return json.loads(place.read_text()) if place.exists() else {{"serving": None, "deployments": []}}


def keep(told):
    (home / "new.json").write_text(json.dumps(told))
    (home / "new.json").replace(home / "known.json")


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = self.path.strip("/").split("/")
        release = parts[1] if parts[0] == "releases" else known()["serving"]
        found = [each["commit"] for each in known()["deployments"] if each["id"] == release]
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps({{"commit": found[0]}} if found else {{}}).encode())


def deploy():
    told, number = known(), f"release-{{len(known()['deployments'])}}"
    if number == "release-0":
        subprocess.Popen([sys.executable, __file__, "serve"], start_new_session=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
    made = {{"id": number, "state": "ready", "address": f"http://127.0.0.1:{SITE}/releases/{{number}}",
            "created": time.time(), "commit": os.environ["SHIPWAY_COMMIT"], "key": os.environ["SHIPWAY_KEY"]}}
    keep({{**told, "deployments": [*told["deployments"], made]}})
    print(json.dumps(made))


match sys.argv[1]:
    case "serve":
        http.server.ThreadingHTTPServer(("127.0.0.1", {SITE}), Server).serve_forever()
    case "deploy":
        deploy()
    case "status":
        print(json.dumps(known()))
    case _:
        keep({{**known(), "serving": os.environ["SHIPWAY_DEPLOYMENT"]}})
'''
SETTINGS = f"""
[github]
repository = "{SLUG}"
login = "{APP.login}"
token = "cmd://python3 tools/door.py {{port}}"
address = "http://127.0.0.1:{{port}}"

[[apps]]
name = "web"
path = "packages/money"
serves = {{{{ path = "/version" }}}}

[promotion]
soak = 1
repeat = 1

[stages]
lint.allow_empty = true
integration.allow_empty = true
e2e.allow_empty = true
audit.allow_empty = true

[environments.staging]
addresses = {{{{ web = "http://127.0.0.1:{SITE}" }}}}
configured = {{{{ auth = "https://staging.example", database = "env://STAGING_DATABASE" }}}}

[environments.staging.commands]
deploy = ["python3", "tools/platform.py", "deploy"]
status = ["python3", "tools/platform.py", "status"]
switch = ["python3", "tools/platform.py", "switch"]
rollback = ["python3", "tools/platform.py", "rollback"]
"""
# What a promotion there must be handed.
SECRETS = {
    "HUB_TOKEN": APP.token,
    "STAGING_DATABASE": "postgres://owner:secret@db.example/receipts",
    "SHIPWAY_REHEARSAL": WORLD,
}


@dataclass(frozen=True, kw_only=True)
class Hamlet:
    """What is there while it is up: a clone with one commit on main, and GitHub's port on this machine."""

    root: Path
    commit: str
    github: GitHub
    port: int

    def commit_all(self) -> str:
        """Commit whatever was changed in the clone, and return the commit."""
        _git(self.root, "commit", "-qam", "three")
        return _git(self.root, "rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in GitHub's own repository."""
        return _git(self.github.state.bare.path, *arguments)


@contextlib.asynccontextmanager
async def hamlet(directory: Path) -> AsyncIterator[Hamlet]:
    """Give it. Staging's branch holds what main held before its newest commit."""
    root = directory / "no-root-scripts"
    shutil.copytree(ROOT / "tests/subjects/no-root-scripts", root, symlinks=True)
    github = GitHub(directory)
    async with serving(github) as address:
        port = urlsplit(address).port
        assert port is not None
        bare = str(github.state.bare.path)
        _git(root, "init", "-q", "-b", "main")
        _git(root, "add", "-A")
        _git(root, "commit", "-qm", "one")
        _git(root, "push", "-q", bare, "HEAD:main", "HEAD:staging")
        (root / "tools").mkdir()
        (root / "tools/door.py").write_text(DOOR)
        (root / "tools/platform.py").write_text(PLATFORM)
        (root / "shipway.toml").write_text(SETTINGS.format(port=port))
        _git(root, "add", "-A")
        _git(root, "commit", "-qm", "two")
        _git(root, "push", "-q", bare, "HEAD:main")
        yield Hamlet(root=root, commit=_git(root, "rev-parse", "HEAD"), github=github, port=port)


def _git(place: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=place, check=True, capture_output=True, text=True)
    return done.stdout.strip()
