"""What a promotion to production says and leaves alone: release notes, the team's own window, unchanged apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci import promoted
from ci.journal import State
from ci.promotion.news import notes_of
from ci.reporting.document import from_document, to_document
from tests.promotion.test_production import LIVE, played, proven
from tests.promotion.town import SKIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.promotion.town import Town

EVIL = "[click](https://evil.example) @everyone `code`"


def test_whoever_must_approve_reads_what_is_new_on_the_pull_request_and_in_the_report(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        add = "alter table receipts add column note text;\n"
        commit = await proven(place, place.push(EVIL, **{"migrations/0002.sql": add}))
        waiting = await LIVE(place, commit, skip_soak=SKIPPED)
        assert (waiting.flow.state, waiting.refusal) == (State.PAUSED, None)
        notes = notes_of(waiting.facts)
        assert notes is not None
        assert [(each.sha, each.subject, each.author) for each in notes.commits] == [
            (commit, EVIL, "Test"),
            (place.second, "two", "Test"),
        ]
        assert (notes.since, notes.total, notes.more, notes.lost) == ((place.first,), 2, 0, 0)
        assert [(each.name, each.phase) for each in notes.migrations] == [("0002.sql", "expand")]
        assert {each.changed for each in notes.apps} == {None}
        assert {each.reason for each in notes.apps} == {"no pnpm workspace here: no package.json"}
        (pull,) = (place.github.state.issues[number] for number in place.github.state.pulls)
        assert f"`{place.second[:12]}`](<" in pull["body"]
        assert f"`` {EVIL} ``" in pull["body"]
        assert "migration `0002.sql`: `expand`" in pull["body"]
        report = promoted.report_of(waiting, place.journal, repository="town", order=[])
        assert report.release_notes == notes
        assert from_document(to_document(report)) == report

    played(tmp_path, scene, approval="person")
