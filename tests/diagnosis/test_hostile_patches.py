from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import anyio
import pytest

from ci.diagnosis.patch import Patched, Refused, apply
from ci.gates.denials import denials
from ci.gates.integrity import IntegrityObserved
from ci.gates.integrity import rule as prove
from ci.gates.replay import replay
from ci.gates.tier import TierObserved, rule
from ci.model import Outcome
from tests.diagnosis.honest_patches import HONEST
from tests.diagnosis.honest_sources import SOURCES
from tests.diagnosis.hostile_disguises import DISGUISES
from tests.diagnosis.hostile_headers import HEADERS
from tests.diagnosis.hostile_names import LOOKS
from tests.diagnosis.hostile_patches import EDITS
from tests.diagnosis.hostile_reaches import REACHES
from tests.diagnosis.hostile_silence import SILENCE
from tests.diagnosis.patches import NOT_AT_ALL
from tests.diagnosis.shop import APPS, PACKAGES, git

if TYPE_CHECKING:
    from tests.diagnosis.conftest import Shop
    from tests.diagnosis.patches import Case

HOSTILE = (*EDITS, *DISGUISES, *REACHES, *SILENCE, *LOOKS, *HEADERS)
SOUND = (*HONEST, *SOURCES)
ALL = (*HOSTILE, *SOUND)


def observed(case: Case, patched: Patched, *, wished: int = 1) -> TierObserved:
    """Return what the gate gets to see of a patch that could be applied."""
    return TierObserved(
        changes=patched.changes,
        named=case.named,
        packages=PACKAGES,
        apps=APPS,
        author=cast("Literal['fixer', 'model']", case.author),
        trusted=True,
        wished=wished,
        alike=patched.alike,
    )


_TRIED: dict[str, Patched | Refused] = {}


def tried(shop: Shop, case: Case) -> Patched | Refused:
    """Return what git makes of a patch; each is tried once."""
    if case.name not in _TRIED:
        _TRIED[case.name] = anyio.run(apply, shop.bench, shop.commit, case.patch)
    return _TRIED[case.name]


def judged(shop: Shop, case: Case) -> tuple[int, str, list[str]]:
    """Return how far a patch may go, in which words, and what denies its proof."""
    patched = tried(shop, case)
    if isinstance(patched, Refused):
        assert len(patched.reason.splitlines()) == 1
        return NOT_AT_ALL, patched.reason, []
    ruling = rule(observed(case, patched))
    assert replay(ruling) == ruling
    tier = ruling.values["tier"]
    assert isinstance(tier, int)
    denied = [each for change in patched.changes for each in denials(change)]
    return tier if ruling.ruling is Outcome.PASS else NOT_AT_ALL, ruling.reason, denied


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_no_hostile_patch_gets_further_than_it_may(shop: Shop, case: Case) -> None:
    tier, words, denied = judged(shop, case)
    assert tier == case.least, words
    assert case.denied in "; ".join(denied)
    assert case.denied or case.least > 1 or case.name in HARMLESS


# Strange to look at, and all that comes of them is a fix.
HARMLESS = {
    "junk-behind", "new-twice", "returns-into-a-file", "tab-and-a-date",
    "two-names-in-one-header",
}  # fmt: skip


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.name)
def test_an_honest_fix_gets_as_far_as_it_may(shop: Shop, case: Case) -> None:
    tier, words, denied = judged(shop, case)
    assert (tier, denied) == (case.least, []), words


def test_the_corpus_is_as_large_as_it_should_be_and_names_nothing_twice() -> None:
    assert len(HOSTILE) >= 90
    assert len(SOUND) >= 20
    assert len({case.name for case in ALL}) == len(ALL)


def test_no_patch_left_anything_in_the_repository_or_beside_it(shop: Shop) -> None:
    for case in HEADERS:
        tried(shop, case)
    assert not git(shop.root, "status", "--porcelain", "--ignored")
    assert git(shop.root, "rev-parse", "HEAD") == shop.commit
    assert not (shop.root.parent / "x.ts").exists()
    assert not Path("/usr/shipway-x").exists()


@pytest.fixture(scope="session")
def patched(shop: Shop) -> list[tuple[Case, Patched]]:
    """Return every patch of the corpus that git can apply."""
    found = [(case, tried(shop, case)) for case in ALL]
    return [(case, each) for case, each in found if isinstance(each, Patched)]


def tier_of(seen: TierObserved) -> int:
    """Return the tier; one that goes nowhere is beyond them all."""
    ruling = rule(seen)
    return cast("int", ruling.values["tier"]) if ruling.ruling is Outcome.PASS else NOT_AT_ALL


def test_a_file_that_is_added_to_a_patch_never_lowers_its_tier(patched: list[tuple[Case, Patched]]) -> None:
    chance = random.Random("more files")  # noqa: S311 - the same pairs each time
    for case, each in patched:
        _, other = chance.choice(patched)
        seen = observed(case, each)
        more = replace(seen, changes=(*each.changes, *other.changes), alike=(*each.alike, *other.alike))
        assert tier_of(more) >= tier_of(seen), (case.name, more)


def test_what_is_wished_for_makes_it_less_and_never_more(patched: list[tuple[Case, Patched]]) -> None:
    for case, each in patched:
        tiers = [tier_of(observed(case, each, wished=wished)) for wished in (1, 2, 3)]
        assert tiers == [max(tiers[0], wished) for wished in (1, 2, 3)], case.name
        assert tiers[2] >= 3


def test_a_denied_patch_is_never_proven_and_the_ruling_says_so_apart(patched: list[tuple[Case, Patched]]) -> None:
    for case, each in patched:
        seen = IntegrityObserved(
            changes=each.changes, failing=("a",), before=None, after=None, repeats=(), affected=(), without=None
        )
        ruling = prove(seen)
        assert ruling.ruling is (Outcome.FAIL if ruling.values["denied"] else Outcome.NODATA)
        assert bool(ruling.values["denied"]) or not case.denied
        assert replay(ruling) == ruling
