"""What statements about rows do to code that was written before them."""

from __future__ import annotations

from ci.gates.effects import Effect, Finding, Known, Node, contract, named, neutral, of_kind, undecided

CHANGING = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
# Functions that a SELECT of a migration calls and that change nothing.
_HARMLESS = frozenset({
    "count", "current_setting", "max", "min", "now", "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_xact_lock",
    "pg_sleep", "set_config", "to_regclass", "version",
})  # fmt: skip


def change_rows(kind: str, node: Node, known: Known) -> Finding:
    """INSERT, UPDATE, DELETE and MERGE."""
    table, verb = named(node["relation"]), kind.removesuffix("Stmt").lower()
    if known.is_new(table) and not of_kind(node.get("withClause"), *CHANGING):
        return neutral(f"{verb} of rows in {table}, which is new")
    what = f"{verb} of rows in {table}"
    everything = kind == "DeleteStmt" and "whereClause" not in node
    return Finding(effect=Effect.DATA, what=what, warning=f"it deletes all rows of {table}" if everything else "")


def copy(node: Node, _: Known) -> list[Finding]:
    """COPY, in or out."""
    if not node.get("is_from"):
        return [neutral("copies rows out")]
    return [Finding(effect=Effect.DATA, what=f"copies rows into {named(node.get('relation'))}")]


def truncate(node: Node, known: Known) -> list[Finding]:
    """TRUNCATE: there is no way back."""
    old = [name for name in map(named, node["relations"]) if name not in known.made]
    return [contract(f"empties table {', '.join(old)}") if old else neutral("empties a new table")]


def select(node: Node, _: Known) -> list[Finding]:
    """SELECT: what it calls may do anything."""
    if of_kind(node, *CHANGING):
        return [Finding(effect=Effect.DATA, what="changes rows in a query")]
    calls = {named(call["funcname"]) for call in of_kind(node, "FuncCall")}
    if calls == {"setval"}:
        return [Finding(effect=Effect.DATA, what="sets a sequence")]
    strangers = sorted(calls - _HARMLESS)
    return [undecided(f"calls {', '.join(strangers)}") if strangers else neutral("reads rows")]
