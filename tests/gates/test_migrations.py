from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci.gates.migrations import (
    Applied,
    Mention,
    MigrationsObserved,
    Pending,
    bars_rollback,
    removed_names,
    rule,
)
from ci.gates.phases import read_migration, spellings
from ci.model import Outcome, Ruling

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/receipts/packages/db/migrations"
ADD = "alter table receipts add column note text;"
DROP = "alter table receipts drop column note_text;"
FILL = "update receipts set note = '' where note is null;"


def declared(phase: str, sql: str) -> str:
    """Return the migration with its phase on the first line."""
    return f"-- shipway: phase={phase}\n\n{sql}\n"


def ruled(*sql: str, **more: Any) -> Ruling:
    """Return the ruling on these migrations: 1.sql, 2.sql and so on."""
    pending = tuple(Pending(name=f"{at}.sql", sql=each) for at, each in enumerate(sql, 1))
    return rule(MigrationsObserved(pending=pending, **more), environment="production")


SEARCHED: dict[str, Any] = {"looked_for": ("receipts.note_text",)}


@pytest.mark.parametrize(
    ("sql", "phase"),
    [
        (ADD, "expand"),
        (ADD + FILL, "data"),
        (FILL, "data"),
        (DROP, "contract"),
        (FILL + DROP, "contract"),
        ("begin; " + DROP + " commit;", "contract"),
        (declared("contract", ADD), "contract"),
        (declared("data", FILL), "data"),
        ("\ufeff" + declared("data", ADD), "data"),
        ("-- shipway: phase=expand\r\n" + ADD, "expand"),
        ("-- migrate:up\n" + ADD + "\n-- migrate:down\n" + DROP, "expand"),
        ("-- +goose Up\n" + ADD + "\n-- +goose Down\n" + DROP, "expand"),
        ("", "expand"),
        (FILL + "\n-- migrate:down\n" + DROP, "contract"),  # a comment where nothing says that the file has two ways
        ("-- migrate:up\n" + FILL + "\n-- +goose Down\n" + DROP, "contract"),
    ],
)
def test_a_migrations_phase(sql: str, phase: str) -> None:
    found = read_migration("1.sql", sql)
    assert (found.phase, found.problems) == (phase, ())


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (declared("expand", DROP), "drops column receipts.note_text in an expand"),
        (declared("data", DROP), "drops column receipts.note_text in a data migration"),
        (declared("expand", "alter table t add c int not null"), "NOT NULL without a default in an expand"),
        (declared("expand", "alter table t rename a to b"), "renames column t.a to b in an expand"),
        (declared("expand", "alter table t alter a type text"), "changes the type of t.a in an expand"),
        ("do $$ begin end $$", "cannot be decided, declare its phase: do statement"),
        (ADD + DROP, "both phases in one: it adds column receipts.note and drops column receipts.note_text"),
        (declared("later", ADD), "its first line names no phase"),
        ("-- shipway: face=expand\n" + ADD, "its first line names no phase"),
        (ADD + "\n-- shipway: phase=contract", "a line for Shipway that is not its first one"),
        (declared("expand", "alter tabel t"), "it cannot be read: Postgres' parser says"),
        (declared("contract", "alter tabel t"), "it cannot be read: Postgres' parser says"),
    ],
)
def test_what_is_refused_is_named(sql: str, problem: str) -> None:
    found = ruled(sql, **SEARCHED)
    assert found.ruling is Outcome.FAIL
    assert problem in found.reason
    assert "1.sql: " in found.reason


def test_a_person_decides_what_sql_does_not_and_is_told_so() -> None:
    found = ruled(declared("expand", "create or replace function f() returns int language sql as 'select 1'"))
    assert found.ruling is Outcome.PASS
    assert "taken as declared: creates or replaces function f" in found.reason


def test_both_phases_in_one_promotion_are_refused() -> None:
    found = ruled(ADD, DROP, **SEARCHED)
    assert found.ruling is Outcome.FAIL
    assert "both phases in one promotion: 1.sql before it, 2.sql after it" in found.reason
    assert ruled(FILL, DROP, **SEARCHED).ruling is Outcome.FAIL
    assert ruled(ADD, FILL).ruling is Outcome.PASS


def test_a_contract_waits_until_served_source_names_nothing_of_it() -> None:
    mention = Mention(name="receipts.note_text", places=("apps/api/src/receipts.ts:12",))
    found = ruled(DROP, **SEARCHED, mentions=(mention,))
    assert found.ruling is Outcome.FAIL
    assert "1.sql: served source still names receipts.note_text (apps/api/src/receipts.ts:12)" in found.reason
    assert ruled(DROP, **SEARCHED).ruling is Outcome.PASS


def test_a_contract_whose_names_nobody_looked_for_is_no_data() -> None:
    found = ruled(DROP)
    assert found.ruling is Outcome.NODATA
    assert "1.sql takes receipts.note_text away: served source was not searched for it" in found.reason


def test_an_applied_migration_is_neither_edited_nor_removed() -> None:
    same, edited, gone = (Applied(name=f"{now}.sql", digest="a", now=now) for now in ("a", "b", None))
    assert ruled(applied=(same,)).ruling is Outcome.PASS
    found = ruled(applied=(same, edited, gone))
    assert (found.ruling, found.reason) == (
        Outcome.FAIL,
        "b.sql was edited after it was applied; None.sql was applied and is gone",
    )


def test_nothing_pending_passes() -> None:
    assert (ruled().ruling, ruled().reason) == (Outcome.PASS, "no migration is pending")


def test_warnings_are_told_and_refuse_nothing() -> None:
    found = ruled("create index i on receipts (note)")
    assert found.ruling is Outcome.PASS
    assert "warning: 1.sql: creates index i on receipts without CONCURRENTLY" in found.reason


def test_a_rollback_goes_back_over_expands_only() -> None:
    expand, data, contract = (read_migration(f"{at}.sql", sql) for at, sql in enumerate((ADD, FILL, DROP)))
    unknown = read_migration("3.sql", "do $$ begin end $$")
    assert bars_rollback([]) == bars_rollback([expand, expand]) == ()
    assert bars_rollback([expand, data, contract, unknown]) == (
        '"1.sql" is data',
        '"2.sql" is contract',
        '"3.sql" is of no phase that could be decided',
    )


def test_names_to_look_for_and_how_source_spells_them() -> None:
    assert removed_names([Pending(name="1", sql=DROP), Pending(name="2", sql=ADD)]) == ("receipts.note_text",)
    assert spellings("receipts.note_text") == ("note_text", "noteText", "NoteText")
    assert spellings("receipts") == ("receipts", "Receipts")


def test_the_examples_migrations_are_what_they_declare_and_what_their_sql_says() -> None:
    files = sorted(EXAMPLE.glob("*.sql"))
    assert len(files) >= 6
    for file in files:
        sql = file.read_text(encoding="utf-8")
        found = read_migration(file.name, sql)
        assert (found.declared, found.problems) == (True, ())
        assert found.phase == "expand"
