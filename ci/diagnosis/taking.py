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
from ci.errors import ExitCode, UsageError
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


async def take_back(cycle: Cycle, doing: Doing, fix: str) -> dict[str, Any]:
    """Have main take the fix back, which is that commit, or ask for it by a pull request where main is protected.

    Raises BlockedError where main changed what the fix touched, PausedError where main does not stand still,
    VendorError.
    """
    earlier = await before(cycle, fix)
    for _ in range(TRIES):
        head = await cycle.hub.refs.sha(cycle.main)
        if head is None:
            raise BlockedError(f"there is no branch {cycle.main} at GitHub")
        await cycle.history.obtain(head, cycle.main)
        was, made, now = [await _files(cycle, earlier, fix, each) for each in (earlier, fix, head)]
        if now != made:
            return {"commit": await _taken_by(cycle, fix, head, was=was, made=made, now=now)}
        known = await cycle.hub.objects.commit(fix)
        if known is None:
            raise BlockedError(f"GitHub does not have {fix[:12]}")
        files = {path: was.get(path) for path in {*was, *made}}
        commit = await mainline.make(cycle, doing, head, files, message(cycle, fix, known.message))
        if (why := await mainline.move(cycle, commit)) is None:
            return {"commit": commit}
        if await cycle.hub.refs.sha(cycle.main) == head:
            return await _request(cycle, fix, commit, why)
    raise PausedError(f"{cycle.main} does not stand still", hint="`shipway tick` goes on")


async def before(cycle: Cycle, fix: str) -> str:
    """Return the commit that the fix stands on. Raises UsageError where this clone does not reach so far."""
    earlier = await cycle.history.parent(fix)
    if earlier is None:
        raise UsageError(f"this clone has no commit before {fix[:12]}", hint="git fetch --unshallow")
    return earlier


async def is_taken_back(cycle: Cycle, fix: str, head: str) -> bool:
    """Whether main took the fix back, as a person may have done. Raises UsageError."""
    earlier = await before(cycle, fix)
    was, now = [await _files(cycle, earlier, fix, each) for each in (earlier, head)]
    return now == was or await _revert_of(cycle, fix, head) is not None


def message(cycle: Cycle, fix: str, subject: str) -> str:
    """Return the message of the commit; text of others is indented, so that it is no trailer."""
    line = f'Revert "{first_line(clean(subject))}"'
    line = line if len(line) <= LONGEST_SUBJECT else f'{line[: LONGEST_SUBJECT - 4].rstrip()}..."'
    why = "\n".join(f"    {each}".rstrip() for each in clean(f"{cycle.facts.what}: {cycle.facts.reason}").splitlines())
    return (
        f"{line}\n\nThis reverts commit {fix}.\n\nMain is red with it:\n\n{why}\n\n"
        f"{TRAILER} {cycle.beginning}/{cycle.number}\n"
    )


async def _revert_of(cycle: Cycle, fix: str, head: str) -> str | None:
    """Return the commit that says that it takes the fix back, None where main has none."""
    for entry in await cycle.history.log(head, without=(fix,), most=LOOKED_AT):
        if any(fix.startswith(each) for each in REVERTS.findall(entry.message)):
            return entry.sha
    return None


async def _taken_by(cycle: Cycle, fix: str, head: str, *, was: Files, made: Files, now: Files) -> str:
    """Return the commit that took it back already, ours or a person's. Raises BlockedError where none did."""
    if (by := await _revert_of(cycle, fix, head)) is not None:
        return by
    if now == was:
        return head
    moved = sorted(path for path in {*made, *now} if made.get(path) != now.get(path))
    raise BlockedError(
        f"{cycle.main} changed {few(moved)} since {fix[:12]}, which therefore was not taken back",
        hint=f"git revert {fix[:12]}",
        code=ExitCode.ESCALATED,
    )


async def _files(cycle: Cycle, earlier: str, fix: str, commit: str) -> Files:
    """Return the files that the fix touched, as a commit has them."""
    read = (await bench(cycle)).read
    changed = await read("diff-tree", "-r", "-z", "--name-only", "--no-renames", earlier, fix)
    paths = [each.decode() for each in changed.split(b"\0") if each]
    found: Files = {}
    for line in (await read("ls-tree", "-z", "--full-tree", commit, "--", *paths)).split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if path:
            mode, _, blob = facts.decode().split(" ")
            found[path.decode()] = (mode, blob)
    return found


async def _request(cycle: Cycle, fix: str, commit: str, why: str) -> dict[str, Any]:
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
        title=f"Take {fix[:12]} back: {cycle.main} is red with it",
        body="\n\n".join(
            (
                f"Made by Shipway for the incident {code(cycle.incident.id)}: {why}.",
                f"{fix} was a fix that went to {cycle.main} by itself, and the next run failed.",
                set_in(clean(f"{cycle.facts.what}: {cycle.facts.reason}")),
            )
        ),
        sha=commit,
    )
    return {"number": pull.number, "url": pull.url, "why": why}
