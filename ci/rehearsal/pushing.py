"""What a person does with git: the example as a commit on main, a clone of the repository, a further commit to main."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ci.errors import ToolError
from ci.processes import inherited, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from ci.rehearsal.github.people import Person
    from ci.rehearsal.world import World

MAIN = "main"
SETTINGS = "shipway.toml"
DIRECT = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


async def push(
    example: Path,
    kept: Path,
    address: str,
    author: Person,
    *,
    settings: str | None = None,
    branches: tuple[str, ...] = (),
) -> str:
    """Commit the example as it is now, push it to main as its author does, and return main; the same, where unchanged.

    `settings` take the place of its shipway.toml. `branches` begin at that commit, where they are not there yet. Where
    somebody pushed to main since, main stays as it is. `kept` is where git keeps the commits. Raises ToolError.
    """
    listed = await run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=example)
    if listed.code != 0:
        raise ToolError(f"{example} is in no git repository: {listed.complaint}")
    kept.mkdir(exist_ok=True)
    environment = {
        **_environment(author),
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", author.login), ("EMAIL", author.email))},
        "GIT_DIR": str(kept / ".git"),
        "GIT_WORK_TREE": str(example),
    }  # fmt: skip

    async def git(*words: str, stdin: bytes | None = None) -> str:
        return await _git(*words, cwd=example, environment=environment, stdin=stdin)

    if not (kept / ".git").exists():
        await git("init", "--quiet", f"--initial-branch={MAIN}")
    await git("add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed.stdout)
    if settings is not None:
        blob = await git("hash-object", "-w", "--stdin", stdin=settings.encode())
        await git("update-index", "--add", "--cacheinfo", f"100644,{blob},{SETTINGS}")
    there = await _there(git, address)
    known = await run(["git", "rev-parse", "--verify", "--quiet", MAIN], cwd=example, environment=environment)
    before = known.text.strip() or None
    if there.get(MAIN) not in {None, before}:
        words = ["git", "merge-base", "--is-ancestor", there[MAIN], MAIN]
        if (await run(words, cwd=example, environment=environment)).code != 0:
            return there[MAIN]
    if before is None or await git("write-tree") != await git("rev-parse", f"{before}^{{tree}}"):
        await git("commit", "--quiet", "--message", "The example")
    commit = await git("rev-parse", "HEAD")
    new = [f"{commit}:refs/heads/{name}" for name in (MAIN, *branches) if there.get(name) is None]
    if there.get(MAIN) not in {None, commit}:
        new.append(f"{commit}:refs/heads/{MAIN}")
    if new:
        await git("push", "--quiet", address, *new)
    return commit


async def clone(address: str, checkout: Path, author: Person) -> None:
    """Clone the repository, as a person has it who works on it: the clone knows who that is. Raises ToolError."""
    if (checkout / ".git").exists():
        return
    await _git("clone", "--quiet", address, str(checkout), cwd=checkout.parent, environment=_environment(author))
    place = checkout / ".git/config"
    place.chmod(0o600)
    with place.open("a", encoding="utf-8") as file:
        file.write(f"[user]\n\tname = {author.login}\n\temail = {author.email}\n[commit]\n\tgpgSign = false\n")
        file.write(f'[http "{address}"]\n\textraHeader = "{_header(author)}"\n\tproxy =\n')


async def push_commit(world: World, edits: Mapping[str, str | None], message: str) -> str:
    """Commit edits to main in the world's checkout and push them, as a person does; None deletes a file. Return it.

    Vercel deploys it to development by itself. Raises ToolError.
    """
    root = world.checkout
    if root is None:
        raise ToolError("this world has no checkout", hint="start it staged")
    environment = {**inherited(), **DIRECT}

    async def git(*words: str) -> str:
        return await _git(*words, cwd=root, environment=environment)

    await git("pull", "--quiet", "--ff-only", "origin", MAIN)
    for path, text in edits.items():
        place = root / path
        if text is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    await git("add", "--all", "--", *edits)
    await git("commit", "--quiet", "--message", message)
    await git("push", "--quiet", "origin", f"HEAD:{MAIN}")
    return await git("rev-parse", "HEAD")


async def _there(git: Callable[..., Awaitable[str]], address: str) -> dict[str, str]:
    """Return the branches that there are, with their commits."""
    lines = (await git("ls-remote", "--heads", address)).splitlines()
    return {name.removeprefix("refs/heads/"): sha for sha, _, name in (line.partition("\t") for line in lines)}


async def _git(*words: str, cwd: Path, environment: Mapping[str, str], stdin: bytes | None = None) -> str:
    done = await run(["git", *words], cwd=cwd, environment=environment, stdin=stdin)
    if done.code != 0:
        raise ToolError(f"git {words[0]} failed: {done.complaint}")
    return done.text.strip()


def _environment(author: Person) -> dict[str, str]:
    """Return what lets git in as its author, with nothing of it in a command line."""
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": _header(author)}
    return {**inherited(), **DIRECT, **given}


def _header(author: Person) -> str:
    login = base64.b64encode(f"{author.login}:{author.token}".encode()).decode()
    return f"Authorization: Basic {login}"
