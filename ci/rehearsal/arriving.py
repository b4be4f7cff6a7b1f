"""Whether what was pushed or ordered at Vercel is there: waited for, and said why where it is not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from ci.errors import ToolError
from ci.rehearsal.vercel.standin import TEAM

if TYPE_CHECKING:
    from ci.rehearsal.vercel import Vercel
    from ci.rehearsal.vercel.account import Document

WITHIN = 180.0  # seconds in which the example must be built and served


async def order(vercel: Vercel, address: str, token: str, name: str, *, branch: str, commit: str) -> None:
    """Have Vercel deploy a commit to a project's users, as a person does on its pages. Raises ToolError."""
    project = vercel.account.project(name)
    source = {"type": "github", "repoId": project and project["repo_id"], "ref": branch, "sha": commit}
    body = {"name": name, "project": name, "target": "production", "gitSource": source}
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        headers = {"authorization": f"Bearer {token}"}
        answer = await client.post("/v13/deployments", params={"teamId": TEAM}, headers=headers, json=body)
    if not answer.is_success:
        raise ToolError(f"Vercel's stand-in refuses: {answer.text[:300]}")


async def deployed(vercel: Vercel, name: str, commit: str) -> None:
    """Wait until a commit of a project serves, or what took its place since. Raises ToolError where it fails."""
    with anyio.move_on_after(WITHIN):
        while True:
            project = vercel.account.project(name)
            found = _of(vercel, project, commit) if project else None
            if project and found and found["state"] == "READY" and project["production"]:
                return
            if found and found["state"] in {"ERROR", "CANCELED"}:
                raise ToolError(f"{name} was not deployed: {found.get('error')}", hint=_log(vercel, found["id"]))
            await anyio.sleep(0.1)
    raise ToolError(f"{name} was not deployed within {WITHIN:.0f} s")


async def answers(address: str) -> None:
    """Wait until the example answers: what was deployed before a restart is only now started again."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with anyio.move_on_after(WITHIN):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(address)).is_success:
                        return
                await anyio.sleep(0.1)
    raise ToolError(f"the example does not answer at {address}")


def _of(vercel: Vercel, project: Document, commit: str) -> Document | None:
    known = vercel.account.of(project)
    return next((each for each in known if each["commit"] == commit and each["target"] == "production"), None)


def _log(vercel: Vercel, deployment: str) -> str:
    lines: list[Any] = list(vercel.account.logs.get(deployment, []))
    return "\n".join(str(line.get("text", "")) for line in lines[-20:])
