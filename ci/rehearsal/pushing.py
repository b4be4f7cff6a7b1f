"""The example as a commit on main: pushed with git, as a person does it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ci.errors import ToolError
from ci.processes import inherited, run

if TYPE_CHECKING:
    from pathlib import Path

    from ci.rehearsal.github.people import Person

MAIN = "main"


async def push(example: Path, checkout: Path, address: str, author: Person) -> str:
    """Commit the example as it is now, push it to main as its author does, and return the commit; the same, unchanged.

    Raises ToolError.
    """
    listed = await run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=example)
    if listed.code != 0:
        raise ToolError(f"{example} is in no git repository: {listed.complaint}")
    checkout.mkdir(exist_ok=True)
    login = base64.b64encode(f"{author.login}:{author.token}".encode()).decode()
    environment = {
        **inherited(),
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", author.login), ("EMAIL", author.email))},
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
        "GIT_DIR": str(checkout / ".git"),
        "GIT_WORK_TREE": str(example),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }  # fmt: skip

    async def git(*arguments: str, stdin: bytes | None = None) -> str:
        done = await run(["git", *arguments], cwd=example, environment=environment, stdin=stdin)
        if done.code != 0:
            raise ToolError(f"git {arguments[0]} failed: {done.complaint}")
        return done.text

    if not (checkout / ".git").exists():
        await git("init", "--quiet", f"--initial-branch={MAIN}")
    await git("add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed.stdout)
    if await git("status", "--porcelain", "--untracked-files=no"):
        await git("commit", "--quiet", "--message", "The example")
    await git("push", "--quiet", address, MAIN)
    return (await git("rev-parse", "HEAD")).strip()
