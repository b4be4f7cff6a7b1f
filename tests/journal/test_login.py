"""Who diagnoses has a login of its own: a diagnosis works with it, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.errors import UsageError, VendorError
from ci.journal import Journal
from ci.journal.incidents import Stage
from tests.diagnosis.acts import BROKEN, play
from tests.diagnosis.village import FILES, SOURCE, mends
from tests.journal.logins import limited
from tests.journal.servers import database

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sql

    from ci.journal.incidents import Incident
    from tests.diagnosis.village import Village

COMMIT = "c0ffee" + "0" * 34
NO = "permission denied|policy|held by|must be owner"
# What somebody tries who has this login and no good in mind, while a diagnosis of main-1 goes on and main-2 waits.
FORBIDDEN = {
    "a pin": "insert into pins values ('c', null, 'r', 0)",
    "a pin taken out": "delete from pins",
    "a freeze": "insert into freezes values ('staging', 'r', 0)",
    "a freeze taken out": "delete from freezes",
    "an approval": "insert into approvals values ('staging-1', 'approval', 'me', 'r', 0)",
    "evidence": "insert into evidence values ('e', 'c', null, 0, '{}')",
    "a release": "delete from releases",
    "what serves": "delete from servings",
    "a case": "update cases set document = '{}'",
    "a fix": "insert into fixes values ('main-1', 1, 1, 'model', 'd', 'merged', '', null, 0)",
    "a secret key": "select * from keys",
    "another incident": "insert into incidents values ('x', 'main', 'c', 'unit', 'r', 'waiting', 0, null)",
    "an incident's words": "update incidents set reason = 'none'",
    "an incident closed": "update incidents set state = 'closed' where id = 'main-2'",
    "an incident taken out": "delete from incidents",
    "a promotion begun": "insert into flows values ('p', 'promotion', 'dev', 'c', '{}', 'running', null, 0, 9, null)",
    "a promotion's entry": "insert into entries values ('staging-1', 9, 'switch', 'result', 1, 0, '{}')",
    "a late entry": "insert into entries values ('diagnosis-old-1', 9, 's', 'result', 1, 0, '{}')",
    "an entry changed": "update entries set facts = '{}'",
    "a refusal": "insert into refusals values ('staging-1', 's', 'm', null, 11, 'blocked', '[]', 0)",
    "a proposal for another": "insert into proposals values ('main-2', 1, '{}', '', '', 0)",
    "a proposal changed": "update proposals set patch = ''",
    "another's budget used": "insert into spendings values ('s', 'main-2', 1, 2.0, null, extract(epoch from now()))",
    "a call that cost nothing": "insert into spendings values ('s', 'main-1', 1, 2.0, 0, extract(epoch from now()))",
    "a call of yesterday": "insert into spendings values ('s', 'main-1', 1, 2.0, null, 0)",
    "what a call may cost": "update spendings set reserved = 0",
    "a call taken out": "delete from spendings",
    "an environment's lease": "insert into leases values ('production', 1, 'diagnosis-main-1-1', 'me', 0)",
    "a lease for ever": "update leases set expires = 9e12 where environment = 'incident main-1'",
    "the lease of who judges": "update leases set expires = 0 where environment = 'incident main-3'",
    "another's lease": "update leases set epoch = epoch + 1, holder = 'me' where flow = 'diagnosis-main-1-1'",
    "a table": "create table t (n int)",
    "a policy": "drop policy diagnosis_inserts on flows",
    "another role": "set role shipway",
}  # fmt: skip
# What is left as it is without a word: the login does not even see it as something that it may change.
UNTOUCHED = {
    "a promotion ended": "update flows set state = 'done' where kind = 'promotion'",
    "a diagnosis opened again": "update flows set state = 'running' where id = 'diagnosis-old-1'",
    "another's call settled": "update spendings set spent = 0 where incident = 'main-2'",
    "a settled call settled again": "update spendings set spent = 0 where id = 'settled'",
    "an environment's lease given back": "update leases set expires = 0 where environment = 'staging'",
}


def incident(journal: Journal, name: str) -> Incident:
    """Open an incident."""
    return journal.incidents.open(name, environment="main", commit=COMMIT, what="unit", reason="red")


def begin(journal: Journal, name: str, kind: str = "diagnosis") -> None:
    """Begin a half of its first cycle, and lease it."""
    asked = {"incident": name, "beginning": name, "cycle": 1}
    where, flow = f"incident {name}", f"{kind}-{name}-1"
    journal.flows.begin(flow, kind=kind, environment=where, commit=COMMIT, asked=asked, lasting=9e6)
    journal.leases.take(where, flow=flow, holder="a")


@pytest.fixture(scope="module")
def login(server: int) -> sql.Engine:
    """Return the limited login to a journal in which much goes on."""
    url = database(server, "login")
    journal = Journal.remote(url)
    for name in ("main-1", "main-2", "main-3", "old"):
        incident(journal, name)
    begin(journal, "main-2")
    begin(journal, "main-3", kind="fix")
    begin(journal, "old")
    address = limited(url)
    begin(Journal.remote(address), "main-1")
    with journal.store.writing() as connection:
        for statement in (
            "update flows set state = 'done' where id = 'diagnosis-old-1'",
            "update leases set expires = 1 where environment = 'incident main-2'",
            "insert into flows values ('staging-1', 'promotion', 'staging', 'c', '{}', 'running', null, 0, 9e9, null)",
            "insert into leases values ('staging', 1, 'staging-1', 'a', 9e9)",
            "insert into spendings values ('other', 'main-2', 1, 2.0, null, 0), ('settled', 'main-1', 1, 2.0, 1.0, 0)",
            "insert into entries values ('staging-1', 1, 'switch', 'intent', 1, 0, '{}')",
            "insert into pins values ('c', null, 'r', 0)",
        ):
            connection.exec_driver_sql(statement)
    return Journal.remote(address).store.engine


@pytest.mark.parametrize("what", FORBIDDEN)
def test_who_diagnoses_is_refused(what: str, login: sql.Engine) -> None:
    with login.begin() as connection, pytest.raises(VendorError, match=NO):
        connection.exec_driver_sql(FORBIDDEN[what])


def test_what_who_diagnoses_may_not_change_stays(login: sql.Engine) -> None:
    for statement in UNTOUCHED.values():
        with login.begin() as connection:
            assert connection.exec_driver_sql(statement).rowcount == 0, statement


def test_a_diagnosis_works_with_the_limited_login_and_its_judgement_with_the_owners(tmp_path: Path, url: str) -> None:
    async def acts(made: Village) -> None:
        owner = Journal.remote(url)
        opened = await made.opens(made.push("faster", BROKEN), owner)
        ended = await made.finds(opened, mends(), Journal.remote(limited(url)))
        assert (ended.refusal, owner.incidents.get(opened.id).state) == (None, Stage.PROPOSED)  # type: ignore[union-attr]
        calls = owner.spendings.of(opened.id, 1)
        assert [each.spent for each in calls] == [0.01, 0.01]
        judged = await made.judges(opened, owner)
        assert (judged.refusal, made.text(SOURCE)) == (None, FILES[SOURCE])

    play(tmp_path, acts)


def test_a_journal_that_has_to_be_renewed_is_for_its_owner(url: str) -> None:
    address = limited(url)
    with Journal.remote(url).store.writing() as connection:
        connection.exec_driver_sql("update about set version = version - 1")
    with pytest.raises(UsageError, match="may not renew it"):
        Journal.remote(address)
    Journal.remote(url)
    Journal.remote(address)
