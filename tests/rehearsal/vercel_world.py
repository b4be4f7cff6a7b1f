"""A stand-in of Vercel with a project of a repository, whose app is a server in Python."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx

from ci.rehearsal.serving import serving
from ci.rehearsal.vercel import Order, Project, Site, Vercel
from ci.rehearsal.vercel.building import call
from ci.vendors import vercel
from ci.vendors.pace import Pace, until
from ci.vendors.vercel import VercelPlatform
from tests.conftest import IDENTITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ci.rehearsal.vercel.building import Say

TOKEN = "vercel-token-0123456789"  # noqa: S105 - of a stand-in
TEAM = "team_rehearsal"
QUICK = Pace(first=0.02, most=0.1, whole=60.0)
BUILDING = Pace(first=0.02, most=0.2, whole=500.0)
SERVER = """
import http.server, json, os, sys
if os.environ.get("BROKEN"): sys.exit("cannot start")
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die": os._exit(3)
        print("asked for", self.path, file=sys.stderr, flush=True)
        known = ("VERCEL_GIT_COMMIT_SHA", "VERCEL_ENV", "GREETING", "VERCEL_DEPLOYMENT_ID")
        body = json.dumps({name: os.environ.get(name) for name in known} | {"pid": os.getpid()}).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Server).serve_forever()
"""


async def clone(order: Order, say: Say) -> Site:
    """Build as the real one does, but without an install."""
    place = order.directory / "source"
    await call(["git", "clone", "--quiet", order.repository, str(place)], order, say)
    await call(["git", "-C", str(place), "checkout", "--quiet", order.commit], order, say)
    if order.build:
        await call(order.build, order, say, cwd=place)
    return Site(argv=order.start, directory=place, environment={"PATH": os.environ["PATH"]})


def repository(root: Path, files: dict[str, str]) -> str:
    """Make a repository, or another commit in it, and return the commit."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return found.stdout.strip()


@contextlib.asynccontextmanager
async def world(directory: Path, source: Path, **more: Any) -> AsyncIterator[tuple[Vercel, VercelPlatform, str]]:
    """Give the stand-in with a project of `source`, its platform, and the address of the project's domain."""
    settings: dict[str, Any] = {"build": clone, **more}
    project = Project(
        name="web",
        repository=str(source),
        start=settings.pop("start", (sys.executable, "server.py")),
        build=(*settings.pop("command", ()),),
        root=settings.pop("root", "."),
        variables=settings.pop("variables", {"production": {"GREETING": "live"}, "preview": {"GREETING": "draft"}}),
    )
    stand_in = Vercel(directory, token=TOKEN, **settings)
    async with serving(stand_in) as address, vercel.connect(TOKEN, team=TEAM, address=address) as client:
        document = await stand_in.add(project)
        platform = VercelPlatform(client, {"web": "web"}, build_pace=BUILDING, move_pace=QUICK)
        yield stand_in, platform, f"http://{document['domains'][0]}"


async def pushed(it: Vercel, platform: VercelPlatform, commit: str, branch: str = "main") -> Any:
    """Push, and return the deployment when it has ended."""
    it.pushed(branch, commit)
    (found, *_) = await platform.client.deployments("web", commit=commit)
    return await platform.wait(platform.told("web", found))


async def get(address: str) -> dict[str, Any]:
    """Ask a deployment what it is."""
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def has_ended(pid: int) -> bool:
    """Wait until a process is gone."""

    async def gone() -> bool | None:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return None

    return await until(gone, QUICK) is True
