"""The commit that takes a fix back: main's files as they were before it, on top of whatever main has by now.

It is made by GitHub out of the blobs that main had, with a moment of its own. Whoever was killed in the middle reads
what main has, and makes no second one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.diagnosis import mainline
from ci.diagnosis.cycle import bench
from ci.diagnosis.limits import TRAILER
from ci.diagnosis.publishing import LONGEST_SUBJECT
from ci.errors import ExitCode
from ci.promotion.admission import REVERTS
from ci.promotion.flow import BlockedError, PausedError
from ci.reporting.markdown import code, set_in
from ci.text import clean, few, first_line

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.promotion.flow import Doing

TRIES = 5  # while others push to main
LOOKED_AT = 200  # commits since the fix
Files = dict[str, tuple[str, str]]  # mode and blob by path


async def take_back(cycle: Cycle, doing: Doing) -> dict[str, Any]:
    """Have main take the fix back, or ask for it by a pull request where main is protected.

    Raises BlockedError where main changed what the fix touched, PausedError where main does not stand still,
    VendorError.
    """
    earlier = await before(cycle)
    for _ in range(TRIES):
        head = await cycle.hub.refs.sha(cycle.main)
        if head is None:
            raise BlockedError(f"there is no branch {cycle.main} at GitHub")
        await cycle.history.obtain(head, cycle.main)
        was, made, now = [await _files(cycle, earlier, each) for each in (earlier, cycle.commit, head)]
        if now != made:
            return {"commit": await _taken_by(cycle, head, was=was, made=made, now=now)}
        fix = await cycle.hub.objects.commit(cycle.commit)
        if fix is None:
            raise BlockedError(f"GitHub does not have {cycle.commit[:12]}")
        files = {path: was.get(path) for path in {*was, *made}}
        commit = await mainline.make(cycle, doing, head, files, message(cycle, fix.message))
        if (why := await mainline.move(cycle, commit)) is None:
            return {"commit": commit}
        if await cycle.hub.refs.sha(cycle.main) == head:
            return await _request(cycle, commit, why)
    raise PausedError(f"{cycle.main} does not stand still", hint="`shipway tick` goes on")


async def before(cycle: Cycle) -> str:
    """Return the commit that the fix stands on. Raises UsageError."""
    (entry,) = await cycle.history.log(cycle.commit, without=(), most=1)
    return entry.parents[0]


def message(cycle: Cycle, subject: str) -> str:
    """Return the message of the commit; text of others is indented, so that it is no trailer."""
    line = f'Revert "{first_line(clean(subject))}"'
    line = line if len(line) <= LONGEST_SUBJECT else f'{line[: LONGEST_SUBJECT - 4].rstrip()}..."'
    why = "\n".join(f"    {each}".rstrip() for each in clean(f"{cycle.facts.what}: {cycle.facts.reason}").splitlines())
    return (
        f"{line}\n\nThis reverts commit {cycle.commit}.\n\nMain is red with it:\n\n{why}\n\n"
        f"{TRAILER} {cycle.beginning}/{cycle.number}\n"
    )


async def _taken_by(cycle: Cycle, head: str, *, was: Files, made: Files, now: Files) -> str:
    """Return the commit that took it back already, ours or a person's. Raises BlockedError where none did."""
    for entry in await cycle.history.log(head, without=(cycle.commit,), most=LOOKED_AT):
        if any(cycle.commit.startswith(each) for each in REVERTS.findall(entry.message)):
            return entry.sha
    if now == was:
        return head
    moved = sorted(path for path in {*made, *now} if made.get(path) != now.get(path))
    raise BlockedError(
        f"{cycle.main} changed {few(moved)} since {cycle.commit[:12]}, which therefore was not taken back",
        hint=f"git revert {cycle.commit[:12]}",
        code=ExitCode.ESCALATED,
    )


async def _files(cycle: Cycle, earlier: str, commit: str) -> Files:
    """Return the files that the fix touched, as a commit has them."""
    read = (await bench(cycle)).read
    changed = await read("diff-tree", "-r", "-z", "--name-only", "--no-renames", earlier, cycle.commit)
    paths = [each.decode() for each in changed.split(b"\0") if each]
    found: Files = {}
    for line in (await read("ls-tree", "-z", "--full-tree", commit, "--", *paths)).split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if path:
            mode, _, blob = facts.decode().split(" ")
            found[path.decode()] = (mode, blob)
    return found


async def _request(cycle: Cycle, commit: str, why: str) -> dict[str, Any]:
    """Open the pull request, or find it: what was asked for first stays. Raises VendorError, BlockedError."""
    branch = f"shipway/revert/{cycle.beginning}/{cycle.number}"
    there = await cycle.hub.refs.sha(branch)
    if there is not None and there != commit:
        known, ours = await cycle.hub.objects.commit(there), await cycle.hub.objects.commit(commit)
        if known is None or ours is None or known.message != ours.message:
            raise BlockedError(f"somebody else has the branch {branch}", hint="delete it", code=ExitCode.ESCALATED)
        commit = there
    await cycle.hub.refs.create(branch, commit)
    pull = await cycle.hub.pulls.ensure(
        head=branch,
        base=cycle.main,
        title=f"Take {cycle.commit[:12]} back: {cycle.main} is red with it",
        body="\n\n".join(
            (
                f"Made by Shipway for the incident {code(cycle.incident.id)}: {why}.",
                f"{cycle.commit} was a fix that went to {cycle.main} by itself, and the next run failed.",
                set_in(clean(f"{cycle.facts.what}: {cycle.facts.reason}")),
            )
        ),
        sha=commit,
    )
    return {"number": pull.number, "url": pull.url, "why": why}
