"""A fix that was judged goes out: to main by itself, or as a pull request, never further than its tier.

The commit is made by GitHub out of blobs, with a moment of its own: made again, it is the same one. So whoever was
killed in the middle finds what is there already.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci.diagnosis import mainline
from ci.diagnosis.cycle import off_thread
from ci.diagnosis.limits import TRAILER
from ci.diagnosis.proposed import MODEL
from ci.errors import Trouble, VendorError
from ci.journal.fixes import Fate, Fix
from ci.promotion.admission import HOLDING
from ci.promotion.flow import BlockedError
from ci.reporting.markdown import code, set_in
from ci.text import clean, few, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.diagnosis.cycle import Cycle
    from ci.diagnosis.proposed import Proposed
    from ci.promotion.flow import Doing

PROVEN = "All seven stages are green with it; what failed passed three times, and fails again without it."
LONGEST_SUBJECT = 72
_PLAIN = re.compile(r"[^\w .,:;()'/-]+", re.ASCII)  # what could be a mention, a reference or a trailer in a subject


async def publish(
    cycle: Cycle, proposed: Proposed, made: Mapping[str, Any], *, tier: int, digest: str, denied: Sequence[str] = ()
) -> dict[str, Any]:
    """Have the commit that was `made` out, as far as it may go. Raises VendorError, BlockedError."""
    commit, head = str(made["commit"]), str(made["head"])
    why: str | None = None
    if not await _is_out(cycle, head, commit):
        why = await off_thread(lambda: held_back(cycle, proposed, tier)) or await _moved(cycle, made)
    if why is None:
        await off_thread(lambda: note(cycle, proposed, tier, digest, Fate.COMMITTED, commit=commit))
        return {"commit": commit, "how": Fate.COMMITTED.value}
    await _cut(cycle, commit)
    pull = await cycle.hub.pulls.ensure(
        head=cycle.branch,
        base=cycle.main,
        title=subject(cycle, proposed),
        body=body(cycle, proposed, tier, why, denied),
        sha=commit,
    )
    await off_thread(lambda: note(cycle, proposed, tier, digest, Fate.REQUESTED, reference=pull.url))
    return {"commit": commit, "how": Fate.REQUESTED.value, "number": pull.number, "url": pull.url, "why": why}


def held_back(cycle: Cycle, proposed: Proposed, tier: int) -> str | None:
    """Return why a fix does not go to main by itself, None where it does."""
    own, fixes = cycle.own, cycle.journal.fixes
    if tier != 1:
        return f"a fix of tier {tier} is for a person to review"
    if not own.tier1:
        return "shipway.toml lets no fix go to main by itself"
    if proposed.author == MODEL and (earned := fixes.earned()) < own.shadow:
        return f"{earned} of the model's first {own.shadow} fixes of tier 1 were merged: until then each is reviewed"
    if proposed.author == MODEL and fixes.is_on_probation():
        return "main was red with the model's last fix, which was taken back: the next one is reviewed"
    if (today := fixes.today()) >= own.commits_a_day:
        return f"{today} fixes went to main by themselves within a day, which is as many as may"
    return None


async def _is_out(cycle: Cycle, head: str, commit: str) -> bool:
    """Whether main has the commit: whoever moved it there may have died before that was noted. Raises VendorError."""
    now = await cycle.hub.refs.sha(cycle.main)
    return now == commit or (now is not None and now != head and await is_held(cycle, commit, now))


async def _moved(cycle: Cycle, made: Mapping[str, Any]) -> str | None:
    """Move main to the commit that was made; return why that cannot be. Raises VendorError."""
    head = str(made["head"])
    if made["moved"]:
        return f"{cycle.main} changed {few(made['moved'])} since {cycle.commit[:12]}"
    now = await cycle.hub.refs.sha(cycle.main)
    if now != head:
        return f"{cycle.main} moved to {str(now)[:12]} since it was tested on {head[:12]}"
    return await mainline.move(cycle, str(made["commit"]))


async def is_held(cycle: Cycle, commit: str, by: str) -> bool:
    """Whether a commit is held by another one, as GitHub has them. Raises VendorError."""
    compared = await cycle.hub.commits.compare(commit, by)
    return compared is not None and compared.status in HOLDING


async def make_commit(
    cycle: Cycle,
    doing: Doing,
    proposed: Proposed,
    base: str,
    files: Mapping[str, tuple[str, bytes] | None],
) -> str:
    """Make the commit on top of another, on no branch yet. Raises VendorError, BlockedError.

    `files` are modes and contents by path, None for one that is gone.
    """
    made: dict[str, tuple[str, str] | None] = {}
    for path, file in files.items():
        made[path] = None if file is None else (file[0], await cycle.hub.objects.make_blob(file[1]))
    return await mainline.make(cycle, doing, base, made, message(cycle, proposed))


async def _cut(cycle: Cycle, commit: str) -> None:
    """Have the branch at the commit. Raises BlockedError where somebody else has it."""
    try:
        await cycle.hub.refs.create(cycle.branch, commit)
    except VendorError as error:
        if error.trouble is not Trouble.REFUSING:
            raise
        raise BlockedError(error.message, hint=f"delete the branch {cycle.branch}") from None


def subject(cycle: Cycle, proposed: Proposed) -> str:
    """Return the first line: our words, and of others' only letters and figures."""
    said = " ".join(_PLAIN.sub(" ", clean(first_line(proposed.approach or proposed.cause))).split())
    line = f"Mend {cycle.facts.what}: {said}"
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 3].rstrip()}..."


def message(cycle: Cycle, proposed: Proposed) -> str:
    """Return the whole message. Its last lines say what it is; text of others is indented, so that it is no trailer."""
    cause = "\n".join(f"    {line}".rstrip() for line in clean(proposed.cause).splitlines())
    return (
        f"{subject(cycle, proposed)}\n\n{cause}\n\n"
        f"Shipway-Fixes: {cycle.incident.id}\n{TRAILER} {cycle.beginning}/{cycle.number}\n"
    )


def body(cycle: Cycle, proposed: Proposed, tier: int, why: str, denied: Sequence[str] = ()) -> str:
    """Return what a reviewer reads; text of others stands where nothing in it is read as Markdown."""
    parts = [
        f"Made by Shipway for the incident {code(cycle.incident.id)}, cycle {cycle.number} of {cycle.own.cycles}.",
        f"It is for you to review: {why}.",
        "### What failed",
        set_in(clean(f"{cycle.facts.what}: {cycle.facts.reason}")),
        "### Why",
        set_in(clean(proposed.cause)),
        "### What this does",
        set_in(clean(proposed.approach)),
        *(["### Look at this", set_in(clean("\n".join(denied)))] if denied else []),
        f"Tier {tier}, found by {code(proposed.author)}. {PROVEN}",
    ]
    return "\n\n".join(parts)


def note(
    cycle: Cycle,
    proposed: Proposed,
    tier: int,
    digest: str,
    state: Fate,
    *,
    reference: str = "",
    commit: str | None = None,
) -> None:
    """Note in the journal what became of the proposal."""
    fix = Fix(
        incident=cycle.beginning,
        cycle=cycle.number,
        tier=tier,
        author=proposed.author,
        digest=digest,
        state=state,
        reference=reference,
        commit=commit,
    )
    cycle.journal.fixes.record(fix)
