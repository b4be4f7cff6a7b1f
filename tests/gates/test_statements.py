from __future__ import annotations

import pytest

from ci.gates.statements import findings

NEW = "create table n (id int primary key); "
MOVE = "with moved as (delete from t returning a) insert into n select a from moved"

# What each statement does to code that was written before it; the last finding counts.
TABLE = [
    # tables
    ("create table t (id int primary key, name text not null)", "expand"),
    ("create table if not exists t (id int)", "expand"),
    ("create temporary table t2 (a int)", "neutral"),
    ("create table t2 as select 1 as one", "expand"),
    ("select a into t2 from t", "expand"),
    ("create table p1 partition of t for values in (1)", "expand"),
    ("drop table t", "contract"),
    ("drop table if exists t cascade", "contract"),
    (NEW + "drop table n", "neutral"),
    ("truncate t", "contract"),
    ("alter table t rename to u", "contract"),
    ("alter table t set schema archive", "contract"),
    # columns
    ("alter table t add column c text", "expand"),
    ("alter table t add column c int not null default 0", "expand"),
    ("alter table t add column c int not null", "contract"),
    ("alter table t add column c int not null default null", "contract"),
    ("alter table t add column c int not null default null::int", "contract"),
    ("alter table t add column c int check (c is not null)", "contract"),
    ("alter table t add column c int check (c > 0)", "expand"),
    ("alter table t add column c bigserial not null", "expand"),
    ("alter table t add column c int generated always as identity", "expand"),
    ("alter table t add column c int not null generated always as (a + 1) stored", "expand"),
    ("alter table t add column c text unique", "expand"),
    ("alter table t add column c text default 'x' unique", "undecided"),
    ("alter table t add column c int primary key", "contract"),
    ("alter table t add column c uuid references u (id)", "expand"),
    ("alter table t drop column c", "contract"),
    ("alter table t drop column if exists c cascade", "contract"),
    ("alter table t rename column a to b", "contract"),
    ("alter table t rename a to b", "contract"),
    ("alter table t alter column c type bigint", "contract"),
    ("alter table t alter c set data type text using c::text", "contract"),
    ("alter table t alter c set not null", "contract"),
    ("alter table t alter c drop not null", "neutral"),
    ("alter table t alter c set default 3", "expand"),
    ("alter table t alter c drop default", "contract"),
    ("alter table t alter c set default null", "contract"),
    ("alter table t alter c drop identity", "contract"),
    ("alter table t alter c add generated always as identity", "expand"),
    ("alter table t alter c drop expression", "undecided"),
    ("alter table t alter c set statistics 500", "neutral"),
    (NEW + "alter table n alter id type bigint", "neutral"),
    (NEW + "alter table n rename column id to key", "neutral"),
    # constraints
    ("alter table t add constraint k check (a > 0)", "contract"),
    ("alter table t add constraint k check (a > 0) not valid", "expand"),
    ("alter table t add constraint k unique (a)", "contract"),
    ("alter table t add unique (a)", "contract"),
    ("alter table t add constraint k unique using index i", "neutral"),
    ("alter table t add primary key (a)", "contract"),
    ("alter table t add constraint k primary key using index i", "contract"),
    ("alter table t add constraint k foreign key (a) references u (id)", "contract"),
    ("alter table t add constraint k foreign key (a) references u (id) not valid", "expand"),
    ("alter table t add constraint k exclude using gist (r with &&)", "contract"),
    ("alter table t add constraint k not null a", "contract"),
    ("alter table t validate constraint k", "neutral"),
    ("alter table t drop constraint k", "neutral"),
    ("alter table t rename constraint k to l", "contract"),
    ("create table if not exists t (a int); alter table t add constraint k unique (a)", "neutral"),
    (NEW + "alter table n add constraint k check (id > 0)", "neutral"),
    # indexes
    ("create index i on t (a)", "expand"),
    ("create index concurrently if not exists i on t (a)", "expand"),
    ("create unique index i on t (a)", "contract"),
    ("create unique index concurrently i on t (a)", "contract"),
    (NEW + "create unique index i on n (id)", "expand"),
    ("drop index concurrently i", "neutral"),
    ("alter index i rename to j", "neutral"),
    ("reindex index concurrently i", "neutral"),
    # rows
    ("insert into t (a) values (1) on conflict do nothing", "data"),
    ("update t set a = 1 where a is null", "data"),
    ("delete from t where a is null", "data"),
    ("with gone as (delete from t returning a) select count(*) from gone", "data"),
    ("merge into t using u on t.id = u.id when matched then update set a = u.a", "data"),
    ("copy t from stdin", "data"),
    (NEW + "insert into n values (1)", "neutral"),  # noqa: S608 - parsed, not run
    (NEW + MOVE, "data"),
    # views, functions, triggers
    ("create view v as select 1 as one", "expand"),
    ("create or replace view v as select 1 as one", "expand"),
    ("drop view v", "contract"),
    ("create materialized view v as select 1 as one", "expand"),
    ("create function f() returns int language sql as 'select 1'", "expand"),
    ("create or replace function f() returns int language sql as 'select 1'", "undecided"),
    ("drop function f(int)", "contract"),
    ("alter function f() rename to g", "contract"),
    ("create trigger x before insert on t for each row execute function f()", "undecided"),
    (NEW + "create trigger x before insert on n for each row execute function f()", "expand"),
    ("drop trigger x on t", "undecided"),
    # types
    ("create type e as enum ('a')", "expand"),
    ("alter type e add value if not exists 'b'", "expand"),
    ("alter type e rename value 'a' to 'b'", "contract"),
    ("alter type e rename to f", "contract"),
    ("alter type pair drop attribute x", "contract"),
    ("drop type e", "contract"),
    ("create domain d as text check (value <> '')", "expand"),
    ("alter domain d set not null", "contract"),
    ("alter domain d add constraint k check (value <> '')", "contract"),
    ("alter domain d add constraint k check (value <> '') not valid", "neutral"),
    ("alter domain d drop not null", "neutral"),
    # rights and row-level security
    ("create policy p on t for select using (true)", "expand"),
    ("create policy p on t as restrictive using (true)", "contract"),
    (NEW + "alter table n enable row level security; create policy p on n as restrictive using (true)", "expand"),
    ("alter table t enable row level security", "contract"),
    ("alter table t force row level security", "contract"),
    ("alter table t disable row level security", "undecided"),
    ("drop policy p on t", "undecided"),
    ("alter policy p on t using (false)", "undecided"),
    ("grant select on t to app", "expand"),
    ("revoke select on t from app", "contract"),
    ("create function f() returns int language sql as 'select 1'; revoke all on function f() from public", "neutral"),
    ("create role app", "expand"),
    ("drop role app", "contract"),
    # the rest
    ("create extension if not exists pgcrypto", "expand"),
    ("drop extension pgcrypto", "contract"),
    ("create schema archive", "expand"),
    ("drop schema archive cascade", "contract"),
    ("create sequence s", "expand"),
    ("alter sequence s owned by t.id", "neutral"),
    ("alter sequence s restart with 1", "undecided"),
    ("comment on table t is 'x'", "neutral"),
    ("begin", "neutral"),
    ("set lock_timeout = '5s'", "neutral"),
    ("select set_config('lock_timeout', '5s', false)", "neutral"),
    ("select setval('s', 1)", "data"),
    ("select count(*) from t", "neutral"),
    ("alter schema s rename to r", "contract"),
    ("select rebuild_everything()", "undecided"),
    ("do $$ begin execute 'drop table t'; end $$", "undecided"),
    ("call fill()", "undecided"),
    ("alter table t attach partition p for values in (1)", "undecided"),
    ("alter table t detach partition p", "contract"),
    ("alter table t owner to somebody", "undecided"),
]


@pytest.mark.parametrize(("sql", "effect"), TABLE, ids=[sql for sql, _ in TABLE])
def test_a_statement_does_to_served_code(sql: str, effect: str) -> None:
    assert findings(sql)[-1].effect == effect


def test_each_part_of_a_statement_and_each_statement_counts() -> None:
    found = findings("alter table t add column a int, drop column b; drop table if exists u, v.w")
    assert [(each.effect, each.removed) for each in found] == [
        ("expand", ()),
        ("contract", ("t.b",)),
        ("contract", ("u", "v.w")),
    ]


@pytest.mark.parametrize(
    ("sql", "removed"),
    [
        ('alter table "Order" drop column "Total"', ("Order.Total",)),
        ("alter table public.t drop c", ("t.c",)),
        ("alter table t rename column a to b", ("t.a",)),
        ("drop view if exists a, b", ("a", "b")),
        ("alter type e rename value 'old' to 'new'", ("e.old",)),
        ("alter table t alter c set not null", ()),
    ],
)
def test_what_is_gone_is_named(sql: str, removed: tuple[str, ...]) -> None:
    assert tuple(name for each in findings(sql) for name in each.removed) == removed


@pytest.mark.parametrize(
    ("sql", "warning"),
    [
        ("create index i on t (a)", "creates index i on t without CONCURRENTLY: writes wait for it"),
        ("create index concurrently i on t (a)", ""),
        (NEW + "create index i on n (id)", ""),
        ("delete from t", "it deletes all rows of t"),
        ("drop index i", "queries and ON CONFLICT may need index i"),
        ("alter table t alter c drop not null", "served code may not expect NULL in t.c"),
        ("alter type e add value 'b'", "served code may not know b"),
    ],
)
def test_what_breaks_nobody_and_may_still_hurt_is_a_warning(sql: str, warning: str) -> None:
    assert findings(sql)[-1].warning == warning


def test_a_table_of_the_same_name_that_may_be_old_is_not_dropped_freely() -> None:
    assert findings("create table if not exists t (a int); drop table t")[-1].effect == "contract"


@pytest.mark.parametrize(
    "sql",
    [
        "set search_path = archive; create table t (a int); set search_path = public; drop table t",
        "begin; create table t (a int); rollback; drop table t",
        "create function t() returns int language sql as 'select 1'; drop table t",
        "create table s (a int); drop schema s cascade",
        "create table f (a int); drop function f()",
        "create table t (a int); drop table t; drop table t",
    ],
)
def test_a_name_that_only_looks_new_is_not_dropped_freely(sql: str) -> None:
    assert findings(sql)[-1].effect == "contract"


@pytest.mark.parametrize(
    ("sql", "words"),
    [("alter tabel t", "syntax error"), ("select 1;\0drop table t", "zero byte"), (r"\i other.sql", "syntax error")],
)
def test_what_is_no_sql_is_an_error_in_words(sql: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        findings(sql)


@pytest.mark.parametrize("sql", ["select " + "-(1+" * depth + "1" + ")" * depth for depth in (100, 400, 3000)])
def test_deep_nesting_is_read_or_an_error_and_never_a_crash(sql: str) -> None:
    try:
        assert findings(sql)[-1].effect == "neutral"
    except ValueError as error:
        assert "nested too deeply" in str(error) or "Postgres' parser says" in str(error)  # noqa: PT017 - or no error


def test_nothing_is_nothing() -> None:
    assert findings("") == findings("-- only a comment\n;;") == ()
