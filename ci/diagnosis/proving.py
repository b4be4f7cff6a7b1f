"""What the gates of a fix are shown: what is known beside its patch, and what runs say with it and without it.

Tests and configurations are those of what failed, and the patch's source is put over them: so a patch cannot prove
itself by tests of its own. All of it is run here, whatever the proposal says was run before.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ci.diagnosis import seen
from ci.diagnosis.cases import packages_of
from ci.diagnosis.cycle import off_thread, whole_files
from ci.diagnosis.limits import is_bot, is_ours
from ci.diagnosis.proposed import MODEL
from ci.diagnosis.trying import Tree
from ci.gates import integrity, tier
from ci.gates.integrity import Affected, IntegrityObserved, Tried
from ci.gates.judges import judges_by_content
from ci.gates.places import CONFIG, FIXTURES, SNAPSHOTS, TESTS, places
from ci.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.diagnosis.cycle import Cycle
    from ci.diagnosis.patch import Patched
    from ci.diagnosis.proposed import Proposed
    from ci.model import CheckRun, Ruling, RunReport

TIMES = 3
LOOKED_AT = 100  # commits since what was well
# What judges the code. It stays as it was while the source is proven; a regression test is proven by itself.
JUDGES = frozenset({TESTS, SNAPSHOTS, FIXTURES, CONFIG})
TESTING = frozenset({"unit", "integration", "e2e"})
PROVING = frozenset({"lint", "typecheck", "unit", "integration"})  # the rest comes with all seven stages


async def rule_tier(cycle: Cycle, proposed: Proposed, patched: Patched) -> Ruling:
    """Rule how far a fix may go. Raises VendorError, where GitHub does not say who may write."""
    trusted, foreign = await _authors(cycle)
    return await look(cycle, proposed, patched, trusted=trusted, foreign=foreign)


async def look(
    cycle: Cycle, proposed: Proposed, patched: Patched, *, trusted: bool = True, foreign: bool = False
) -> Ruling:
    """Rule how far a fix may go by what is here; where nobody else's word is asked for, all are trusted."""
    own = cycle.own
    migrations = cycle.settings.migrations
    observed = tier.TierObserved(
        changes=patched.changes,
        named=cycle.facts.packages,
        packages=await packages_of(cycle.history, cycle.commit) or (".",),
        author="model" if proposed.author == MODEL else "fixer",
        trusted=trusted,
        wished=proposed.tier,
        prefix=await cycle.history.prefix(),
        apps=tuple(app.path for app in cycle.settings.apps),
        migrations=(migrations.directory,) if migrations else (),
        protected=own.protected,
        alike=patched.alike,
        foreign=foreign,
    )
    return tier.rule(observed, environment=cycle.incident.environment)


async def prove(cycle: Cycle, patched: Patched) -> Ruling:
    """Run all that a proof takes, and rule on it. Raises UsageError, ToolError, NoExecutorError."""
    files = await whole_files(cycle, patched)
    source = await source_of(cycle, patched, files)
    tests = {path: each for path, each in files.items() if path not in source and _may_test(path)}
    bad, mended, both = (Tree(commit=cycle.commit, files=each) for each in ({}, source, files))
    red = cycle.facts.checks
    scope = await _scope(cycle, both, tuple(files), red)
    trials = cycle.trials
    before = await trials.run(bad, scope, anew=True)
    after = await trials.run(mended, scope, anew=True)
    failing = failed(before, among=red)
    repeats = [await trials.run(mended, red, anew=True) for _ in range(TIMES)] if red else []
    without = await trials.run(bad, red, anew=True) if red else None
    whole = after if source == files else await trials.run(both, scope, anew=True)
    untold = any(_is_untold(each) for each in seen.red(before) if each.id in red)
    good = cycle.facts.good if untold else None
    is_here = good is not None and await cycle.history.has(good)
    well = await trials.run(Tree(commit=good), scope, anew=True) if good is not None and is_here else None
    written: tuple[str, ...] = ()
    bare, green = None, None
    if not failing:  # it has no test: the patch brings one
        bare = await trials.run(Tree(commit=cycle.commit, files=tests), scope, anew=True)
        green = await trials.run(both, scope, anew=True)
        known = set(executed(before))
        written = tuple(each for each in executed(green) if each not in known)
    observed = IntegrityObserved(
        changes=patched.changes,
        failing=failing,
        before=tried(before, red_is_an_end=True),
        after=tried(after),
        repeats=tuple(tried(each) for each in repeats),
        affected=tuple(Affected(id=each.id, status=each.status) for each in seen.checks(whole)),
        without=None if without is None else tried(without, red_is_an_end=True),
        written=written,
        red=None if bare is None else tried(bare, red_is_an_end=True),
        green=None if green is None else tried(green),
        untold=untold,
        known=None if well is None else tried(well),
        times=TIMES,
    )
    return integrity.rule(observed, environment=cycle.incident.environment)


async def source_of(cycle: Cycle, patched: Patched, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Return the files of a patch that are judged, and judge nothing, by their names and by what stands in them."""
    below = await cycle.history.prefix()
    judging = {posixpath.relpath(each.path, below) for each in patched.changes if judges_by_content(each)}
    return {path: each for path, each in files.items() if path not in judging and not JUDGES & set(places(path))}


def _may_test(path: str) -> bool:
    """Whether a file that judges holds tests: it is a test, or source by its name."""
    kinds = JUDGES & set(places(path))
    return TESTS in kinds or not kinds


def tried(report: RunReport, *, red_is_an_end: bool = False) -> Tried:
    """Return what a run showed. `red_is_an_end`: what could not even be run there is how the failure shows."""
    errors = [each for each in seen.checks(report) if each.status is Status.ERROR]
    broken = "; ".join(f"{each.id}: {each.reason}" for each in errors)
    return Tried(
        executed=executed(report), failed=failed(report), ended=red_is_an_end or not errors, reason=broken or None
    )


def executed(report: RunReport) -> tuple[str, ...]:
    """Return the ids of all that ran: of checks, and of their tests."""
    ran = [each for each in seen.checks(report) if each.status is not Status.SKIPPED]
    return tuple(dict.fromkeys(name for each in ran for name in (each.id, *each.executed)))


def failed(report: RunReport, among: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the ids of all that failed, `among` some checks where they are named."""
    wanted = None if among is None else set(among)
    reds = [each for each in seen.red(report) if wanted is None or each.id in wanted]
    return tuple(dict.fromkeys(name for each in reds for name in _complaints(each)))


def _is_untold(check: CheckRun) -> bool:
    """Whether a check of tests failed by something else than a test of its own."""
    return check.stage in TESTING and not (check.failures and all(each.test_id for each in check.failures))


def _complaints(check: CheckRun) -> tuple[str, ...]:
    """Return what failed in a check: its tests, else what it complains of, else the check itself."""
    found = []
    for failure in check.failures:
        said = " ".join(filter(None, (failure.rule, failure.file))) or failure.message
        found.append(failure.test_id or f"{check.id} > {said}")
    return tuple(found) or (check.id,)


async def _scope(cycle: Cycle, tree: Tree, paths: tuple[str, ...], red: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of the checks that the patch touches, and of those that failed."""
    touched = await cycle.trials.checks_of(tree, paths)
    return tuple(dict.fromkeys((*red, *(each for each in touched if each.partition("/")[0] in PROVING))))


async def _authors(cycle: Cycle) -> tuple[bool, bool]:
    """Return whether everyone who committed since it was well may write, and whether a bot is among them.

    Where no commit is known to be well, those are asked that the commit itself brought to main. What we committed is
    known by the journal: anybody may write our trailer.
    """
    behind = cycle.facts.good or await cycle.history.parent(cycle.commit)
    if behind is None or not await cycle.history.has(behind):
        return False, False
    entries = await cycle.history.log(cycle.commit, without=(behind,), most=LOOKED_AT)
    people = await off_thread(lambda: [each for each in entries if not is_ours(cycle.journal, each)])
    logins: Mapping[str, str | None] = {each.sha: await _login(cycle, each.sha) for each in people}
    allowed = {login: await cycle.hub.pulls.may_write(login) for login in set(logins.values()) if login is not None}
    trusted = len(entries) < LOOKED_AT and all(login is not None and allowed[login] for login in logins.values())
    return trusted, any(map(is_bot, people))


async def _login(cycle: Cycle, sha: str) -> str | None:
    found = await cycle.hub.commits.get(sha)
    return None if found is None else found.author
