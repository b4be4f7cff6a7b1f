"""What the statements of a migration do to code that was written before it, as Postgres' own parser reads them.

A statement that is not known here is undecided: it is named, and a person says which phase it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import postgast
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from ci.gates.effects import Finding, Known, Node, contract, expand, named, neutral, undecided
from ci.gates.rows import CHANGING, change_rows, copy, select, truncate
from ci.gates.tables import alter_table

_NEUTRAL = frozenset({
    "AlterDefaultPrivilegesStmt", "CheckPointStmt", "CommentStmt", "ConstraintsSetStmt", "DiscardStmt", "ListenStmt",
    "LockStmt", "NotifyStmt", "SecLabelStmt", "VacuumStmt", "VariableShowStmt",
})  # fmt: skip
_ADDING = frozenset({
    "CompositeTypeStmt", "CreateAmStmt", "CreateCastStmt", "CreateConversionStmt", "CreateDomainStmt", "CreateEnumStmt",
    "CreateExtensionStmt", "CreateFdwStmt", "CreateForeignServerStmt", "CreateOpClassStmt", "CreateOpFamilyStmt",
    "CreatePublicationStmt", "CreateRangeStmt", "CreateRoleStmt", "CreateSchemaStmt", "CreateSeqStmt",
    "CreateStatsStmt", "CreateUserMappingStmt", "DefineStmt", "ImportForeignSchemaStmt",
})  # fmt: skip
_LOCKING = {
    "ReindexStmt": "rebuilds an index",
    "RefreshMatViewStmt": "refreshes a view",
    "ClusterStmt": "rewrites a table",
}
_GONE = frozenset({"DropRoleStmt", "DropOwnedStmt", "DropTableSpaceStmt", "DropdbStmt", "DropUserMappingStmt"})
_RELATIONS = frozenset({"table", "view", "matview", "foreign table", "sequence"})
_NAMES_ONLY_OF_RULES = frozenset({"OBJECT_INDEX", "OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE"})


def findings(sql: str) -> tuple[Finding, ...]:
    """Return what each statement does. Raises ValueError, in words for a person, where this is not SQL."""
    if "\0" in sql:
        raise ValueError("it holds a zero byte")
    try:
        statements = MessageToDict(postgast.parse(sql)).get("stmts", ())
    except postgast.PgQueryError as error:
        raise ValueError(f"Postgres' parser says: {error.args[0]}") from error
    except (RecursionError, DecodeError) as error:
        raise ValueError("it is nested too deeply") from error
    known = Known()
    return tuple(found for each in statements for found in _statement(each["stmt"], known))


def _statement(statement: Mapping[str, Any], known: Known) -> list[Finding]:
    (kind, node), *_ = statement.items()
    if kind in _NEUTRAL:
        return [neutral(_words(kind))]
    if kind in _ADDING:
        return [expand(_words(kind))]
    if kind in CHANGING:
        return [change_rows(kind, node, known)]
    if kind in _LOCKING:
        warning = "" if node.get("concurrent") else f"it {_LOCKING[kind]} under a lock"
        return [neutral(_LOCKING[kind], warning=warning)]
    if kind in _GONE:
        return [contract(_words(kind))]
    reader = _READERS.get(kind)
    return [undecided(_words(kind))] if reader is None else reader(node, known)


def _words(kind: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.removesuffix("Stmt"))
    return f"{words.strip()} statement"


def _table(node: Node, known: Known) -> list[Finding]:
    return [_made(node["relation"], node, known)]


def _table_of_rows(node: Node, known: Known) -> list[Finding]:
    return [_made(node["into"]["rel"], node, known)]


def _made(relation: Node, node: Node, known: Known) -> Finding:
    name = named(relation)
    (known.perhaps if node.get("if_not_exists") else known.made).add(name)
    if relation.get("relpersistence") == "t":
        return neutral(f"creates temporary table {name}")
    return expand(f"creates table {name}")


def _transaction(node: Node, known: Known) -> list[Finding]:
    if "ROLLBACK" in node["kind"]:  # what was made is perhaps not there
        known.forget()
    return [neutral("begins or ends a transaction")]


def _setting(node: Node, known: Known) -> list[Finding]:
    if node.get("name") == "search_path":  # the same names may now mean other things
        known.forget()
    return [neutral(f"sets {node.get('name', 'all settings')}")]


def _view(node: Node, known: Known) -> list[Finding]:
    name = named(node["view"])
    if node.get("replace"):
        return [expand(f"replaces view {name}", warning=f"view {name} keeps its columns, but may show other rows")]
    known.made.add(name)
    return [expand(f"creates view {name}")]


def _function(node: Node, known: Known) -> list[Finding]:
    name = named(node["funcname"])
    if node.get("replace"):
        return [undecided(f"creates or replaces function {name}, which served code may use")]
    known.made.add(f"{name}()")
    return [expand(f"creates function {name}")]


def _index(node: Node, known: Known) -> list[Finding]:
    table = named(node["relation"])
    what = f"creates {'unique ' if node.get('unique') else ''}index {node.get('idxname', '')}".rstrip() + f" on {table}"
    if known.is_new(table):
        return [expand(what)]
    if node.get("unique"):
        return [contract(f"{what}, which existing writes may break")]
    return [expand(what, warning="" if node.get("concurrent") else f"{what} without CONCURRENTLY: writes wait for it")]


def _drop(node: Node, known: Known) -> list[Finding]:
    kind = node["removeType"].removeprefix("OBJECT_").lower().replace("_", " ")
    names = [named(each) for each in node["objects"]]
    if kind == "index":
        warning = f"queries and ON CONFLICT may need index {', '.join(names)}"
        return [neutral(f"drops index {', '.join(names)}", warning=warning)]
    if kind in {"policy", "trigger", "rule"}:
        if all(name.rpartition(".")[0] in known.made for name in names):
            return [neutral(f"drops {kind} {', '.join(names)} of a new table")]
        return [undecided(f"drops {kind} {', '.join(names)}")]
    old = [name for name in names if kind not in _RELATIONS or name not in known.made]
    known.made.difference_update(names)
    if not old:
        return [neutral(f"drops {kind} {', '.join(names)}, which is new")]
    return [contract(f"drops {kind} {', '.join(old)}", *old)]


def _rename(node: Node, known: Known) -> list[Finding]:
    whole = named(node["relation"]) if "relation" in node else named(node.get("object"))
    part = node.get("subname", "")
    name = ".".join(filter(None, (whole, part)))
    if "relation" in node and whole in known.made:
        if not part:
            known.made.add(node["newname"])
        return [neutral(f"renames {name}, which is new")]
    kind = node["renameType"]
    what = f"renames {kind.removeprefix('OBJECT_').lower().replace('tabc', 'c')} {name} to {node['newname']}"
    return [neutral(what) if kind in _NAMES_ONLY_OF_RULES else contract(what, name)]


def _moved(node: Node, known: Known) -> list[Finding]:
    name = named(node["relation"]) if "relation" in node else named(node.get("object"))
    if "relation" in node and name in known.made:
        return [neutral(f"moves {name}, which is new")]
    return [contract(f"moves {name} to schema {node['newschema']}", name)]


def _enum(node: Node, _: Known) -> list[Finding]:
    name = named(node["typeName"])
    if "oldVal" in node:
        return [contract(f"renames value {node['oldVal']} of {name}", f"{name}.{node['oldVal']}")]
    return [expand(f"adds value {node['newVal']} to {name}", warning=f"served code may not know {node['newVal']}")]


def _domain(node: Node, _: Known) -> list[Finding]:
    name, subtype = named(node["typeName"]), node["subtype"]
    valid = not node.get("def", {}).get("Constraint", {}).get("skip_validation")
    if subtype == "O" or (subtype == "C" and valid) or (subtype == "T" and "def" not in node):
        return [contract(f"narrows domain {name}, which existing writes may break")]
    return [neutral(f"widens domain {name}")]


def _select(node: Node, known: Known) -> list[Finding]:
    if "intoClause" in node:
        return _table_of_rows({"into": node["intoClause"]}, known)
    return select(node, known)


def _policy(node: Node, known: Known) -> list[Finding]:
    what = f"creates policy {node['policy_name']} on {named(node['table'])}"
    if node.get("permissive") or known.is_new(named(node["table"])):
        return [expand(what)]
    return [contract(f"{what}, which is restrictive")]


def _grant(node: Node, known: Known) -> list[Finding]:
    if node.get("is_grant"):
        return [expand("grants rights")]
    names = [f"{named(each)}{'()' * ('ObjectWithArgs' in each)}" for each in node.get("objects", ())]
    if names and all(known.is_new(name) for name in names):
        return [neutral("takes rights on what is new")]
    return [contract(f"takes rights{' on ' if names else ''}{', '.join(names)}")]


def _trigger(node: Node, known: Known) -> list[Finding]:
    table = named(node["relation"])
    what = f"creates trigger {node['trigname']} on {table}"
    return [expand(what) if known.is_new(table) else undecided(what)]


def _sequence(node: Node, _: Known) -> list[Finding]:
    name = named(node["sequence"])
    if {option["DefElem"]["defname"] for option in node.get("options", ())} <= {"owned_by", "cache"}:
        return [neutral(f"alters sequence {name}")]
    return [undecided(f"alters sequence {name}")]


_READERS: Mapping[str, Callable[[Node, Known], list[Finding]]] = {
    "AlterDomainStmt": _domain,
    "AlterEnumStmt": _enum,
    "AlterObjectSchemaStmt": _moved,
    "AlterSeqStmt": _sequence,
    "AlterTableStmt": alter_table,
    "CopyStmt": copy,
    "CreateFunctionStmt": _function,
    "CreatePolicyStmt": _policy,
    "CreateStmt": _table,
    "CreateTableAsStmt": _table_of_rows,
    "CreateTrigStmt": _trigger,
    "DropStmt": _drop,
    "GrantRoleStmt": _grant,
    "GrantStmt": _grant,
    "IndexStmt": _index,
    "RenameStmt": _rename,
    "SelectStmt": _select,
    "TransactionStmt": _transaction,
    "TruncateStmt": truncate,
    "VariableSetStmt": _setting,
    "ViewStmt": _view,
}
