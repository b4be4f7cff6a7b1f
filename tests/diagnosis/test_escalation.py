"""How people are told of what nothing mends by itself: in the village."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci import config
from ci.diagnosis import judging
from ci.diagnosis.proposed import OUT_OF_ITS_BOX
from ci.errors import ExitCode
from ci.halves import telling
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.journal.notices import Kind
from ci.mended import incident_run
from ci.reporting.incident import told as incident_text
from ci.vendors.model import Prompt, Reply, saying
from tests.diagnosis.acts import only_fix, play, red, reviewed, stage, why
from tests.diagnosis.village import RIGHT, SOURCE, Village, mends

if TYPE_CHECKING:
    from pathlib import Path


ISSUES = """shadow = 0

[environments.development.notify]
issues = "github"
"""
PAGED = "[environments.production.notify.pagerduty]\nkey = 'env://KEY'\n"
ISSUED = "[environments.staging.notify]\nissues = 'github'\n"


class Singer:
    """A model that got out: it reads what lies beside its box, and says it."""

    name = "singer"

    def __init__(self, directory: Path) -> None:
        """Know where the box is."""
        self.directory = directory
        self.word = ""

    async def reply(self, _prompt: Prompt) -> Reply:
        """Say what it found."""
        (found,) = self.directory.glob("place-*/box/.git/shipway")
        self.word = found.read_text().strip().partition("=")[2]
        return saying(f"The customers' key is {self.word}.")

    async def most(self, _prompt: Prompt) -> float:
        """It is free."""
        return 0.0


def told(made: Village, incident: str) -> dict[str, Any]:
    """What people were told of an incident."""
    tale = made.journal.notices.tale(f"{incident}-escalated", Kind.OPENED)
    assert tale is not None
    found: dict[str, Any] = json.loads(tale.document)
    return found


@pytest.mark.parametrize(
    ("tables", "of_main"),
    [
        ("", "development"),
        (PAGED, "production"),
        (f"{ISSUED}{PAGED.replace('production', 'development')}", "staging"),
    ],
)
def test_of_main_people_are_told_where_issues_are_kept_or_else_where_anybody_is_told(tables: str, of_main: str) -> None:
    settings = config.loads(f"[github]\nrepository = 'a/b'\ntoken = 'env://T'\nlogin = 'bot'\n{tables}")
    assert (telling(settings, "main"), telling(settings, "production")) == (of_main, "production")


def test_a_model_that_left_its_box_wakes_somebody_and_no_word_of_it_is_told(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        singer = Singer(made.directory)
        await made.finds(incident, singer)
        ended = await made.judges(incident)
        assert ended.refusal is not None
        assert (why(ended), ended.refusal.code) == (f"{judging.PROPOSAL}: {OUT_OF_ITS_BOX}", ExitCode.ESCALATED)
        assert stage(made, incident) is Stage.ESCALATED
        story = told(made, incident.id)
        assert (story["severity"], story["safe"]) == ("critical", None)
        assert story["reason"].startswith(f"{judging.PROPOSAL}: {OUT_OF_ITS_BOX}")
        assert [each["name"] for each in story["excerpts"]] == ["what was tried"]
        (proposal,) = made.journal.proposals.of(incident.id)
        assert singer.word
        for text in (json.dumps(story), json.dumps(dict(proposal.document)), proposal.transcript):
            assert singer.word not in text
            assert "customers' key" not in text
        assert (proposal.patch, proposal.document["alarm"]) == (b"", True)

    play(tmp_path, acts)


def test_an_issue_is_what_came_of_a_cycle_that_people_have_to_go_on_with(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends(tier=3))
        ended = await made.judges(incident)
        assert ended.facts["people told"]["sent"]["issue"] == "sent"
        fix = only_fix(made, incident)
        address = f"/{made.github.state.slug}/issues/1"
        assert (fix.state, fix.tier, fix.author, fix.commit) == (Fate.ISSUE, 3, "model", None)
        assert fix.reference.endswith(address)
        (cycle,) = incident_run(made.journal, incident, cycles=3).cycles
        said = incident_text(incident_run(made.journal, incident, cycles=3))
        assert (cycle.tier, cycle.fate) == (3, "issue")
        assert "cycle 1 of 3: tier 3, issue\n" in said
        assert f"  see        {fix.reference}" in said
        assert made.journal.fixes.earned() == 0

    play(tmp_path, acts, more=ISSUES)


def test_an_issue_hides_nothing_that_is_known_of_a_fix(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends(tier=2))
        await made.judges(incident)
        await reviewed(made, merge=False)
        ended = await made.judges(incident)
        assert ended.facts["people told"]["sent"]["issue"] == "sent"
        assert only_fix(made, incident).state is Fate.DECLINED

    play(tmp_path, acts, more=ISSUES)


def test_what_fails_is_no_alarm(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, None)
        await made.judges(incident)
        assert told(made, incident.id)["severity"] == "warning"
        assert "cycle 1 of 3: left to a person\n" in incident_text(incident_run(made.journal, incident, cycles=3))

    play(tmp_path, acts)


def test_three_cycles_over_three_commits_are_one_story_told_once(tmp_path: Path) -> None:
    """Each fix is merged, and then main fails in another way: it is one failure's life all the same."""

    async def acts(made: Village) -> None:
        incident = first = await red(made)
        for number, word in enumerate(("one", "two", "three"), 1):
            await made.finds(incident, mends(f"{RIGHT} // {word}", old=_line(made)))
            ended = await made.judges(incident)
            assert ended.refusal is None, why(ended)
            flow = ended.flow
            assert (flow.asked["cycle"], flow.asked["beginning"]) == (number, first.id)
            await reviewed(made, merge=True)
            await made.judges(incident)
            assert stage(made, incident) is Stage.CLOSED
            made.git("pull", "-q", "origin", "main")
            made.forbids(f"// {word}")  # the next run of main finds something else
            incident = await made.opens(made.main())
            assert made.journal.cases.beginning(incident.id) == first.id
        assert len({made.journal.cases.signature(each) for each in _incidents(made)}) == 4
        for _ in range(2):
            await made.finds(incident, mends(f"{RIGHT} // four", old=_line(made)))
            ended = await made.judges(incident)
            assert f"3 cycles did not mend {first.id}" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED
        tried = next(each["text"] for each in told(made, first.id)["excerpts"] if each["name"] == "what was tried")
        assert [line.partition(" (")[0] for line in tried.splitlines()] == [f"cycle {n}" for n in (1, 2, 3, 4)]
        assert tried.count("merged") == 3
        assert [each for each in _incidents(made) if made.journal.notices.of(f"{each}-escalated")] == [first.id]

    play(tmp_path, acts, more="shadow = 9")


def _line(made: Village) -> str:
    """The line of the source that is to be mended."""
    return made.text(SOURCE).splitlines()[1].strip()


def _incidents(made: Village) -> list[str]:
    return [each.id for each in made.journal.incidents.recent()]
