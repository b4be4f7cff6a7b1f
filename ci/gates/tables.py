"""What the parts of an ALTER TABLE do to code that was written before it."""

from __future__ import annotations

from typing import Any

from ci.gates.effects import Effect, Finding, Known, Node, contract, expand, named, neutral, undecided

_UNKNOWN = (Effect.UNDECIDED, "{subtype} on {table}")
# What needs no look at the rest of the statement. The last ones change how rows are stored or found, nothing else.
_PLAIN = {
    "AT_AlterColumnType": (Effect.CONTRACT, "changes the type of {column}"),
    "AT_SetNotNull": (Effect.CONTRACT, "sets {column} NOT NULL"),
    "AT_ColumnDefault": (Effect.CONTRACT, "drops the default of {column}"),
    "AT_EnableRowSecurity": (Effect.CONTRACT, "turns row-level security of {table} on"),
    "AT_ForceRowSecurity": (Effect.CONTRACT, "turns row-level security of {table} on for its owner"),
    "AT_DetachPartition": (Effect.CONTRACT, "detaches a partition of {table}"),
    "AT_DropIdentity": (Effect.CONTRACT, "drops the identity of {column}"),
    "AT_AddIdentity": (Effect.EXPAND, "makes {column} an identity"),
    **dict.fromkeys(
        (
            "AT_ClusterOn",
            "AT_DropCluster",
            "AT_ReplicaIdentity",
            "AT_ResetOptions",
            "AT_ResetRelOptions",
            "AT_SetAccessMethod",
            "AT_SetCompression",
            "AT_SetLogged",
            "AT_SetOptions",
            "AT_SetRelOptions",
            "AT_SetStatistics",
            "AT_SetStorage",
            "AT_SetTableSpace",
            "AT_ValidateConstraint",
        ),
        (Effect.NEUTRAL, "{subtype} on {table}"),
    ),
}
_FILLED = frozenset({"CONSTR_IDENTITY", "CONSTR_GENERATED"})
_SERIAL = frozenset({"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"})
_CONSTRAINTS = {
    "CONSTR_CHECK": "check constraint",
    "CONSTR_UNIQUE": "unique constraint",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_EXCLUSION": "exclusion constraint",
    "CONSTR_NOTNULL": "not-null constraint",
}


def alter_table(node: Node, known: Known) -> list[Finding]:
    """Return a finding for each part of the statement."""
    table = named(node["relation"])
    if table in known.made:
        return [neutral(f"alters {table}, which is new")]
    return [_part(command["AlterTableCmd"], table, node, known) for command in node["cmds"]]


def _part(command: Node, table: str, node: Node, known: Known) -> Finding:
    subtype, name = command["subtype"], command.get("name", "")
    column = f"{table}.{name}"
    if node.get("objtype") == "OBJECT_TYPE" and subtype == "AT_AddColumn":
        return undecided(f"adds an attribute to type {table}")
    match subtype:
        case "AT_AddColumn":
            return _added(command["def"]["ColumnDef"], table)
        case "AT_DropColumn":
            return contract(f"drops column {column}", column)
        case "AT_DropNotNull":
            return neutral(f"allows NULL in {column}", warning=f"served code may not expect NULL in {column}")
        case "AT_ColumnDefault" if "def" in command and not _is_null(command["def"]):
            return expand(f"sets the default of {column}")
        case "AT_AddConstraint":
            return _constraint(command["def"]["Constraint"], table, known)
        case "AT_DropConstraint":
            warning = f"a statement with ON CONFLICT may need constraint {name}"
            return neutral(f"drops constraint {name} of {table}", warning=warning)
        case _:
            effect, what = _PLAIN.get(subtype, _UNKNOWN)
            said = what.format(subtype=subtype.removeprefix("AT_"), table=table, column=column)
            return Finding(effect=effect, what=said)


def _added(definition: Node, table: str) -> Finding:
    name = f"{table}.{definition['colname']}"
    constraints = [each["Constraint"] for each in definition.get("constraints", ())]
    types = {each["contype"] for each in constraints}
    default = any(each["contype"] == "CONSTR_DEFAULT" and not _is_null(each["raw_expr"]) for each in constraints)
    serial = named(definition["typeName"]["names"]) in _SERIAL
    filled = default or serial or bool(types & _FILLED)
    checks = [each for each in constraints if each["contype"] == "CONSTR_CHECK"]
    if types & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} and not filled:
        return contract(f"adds column {name} NOT NULL without a default")
    if not filled and any("NullTest" in each["raw_expr"] for each in checks):
        return contract(f"adds column {name} with a check that it is not null, without a default")
    if default and types & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        return undecided(f"adds unique column {name} with a default")
    rewrites = serial or bool(types & _FILLED)
    return expand(f"adds column {name}", warning=f"adding {name} rewrites {table} under a lock" if rewrites else "")


def _constraint(constraint: Node, table: str, known: Known) -> Finding:
    kind = _CONSTRAINTS.get(constraint["contype"])
    if kind is None:
        return undecided(f"adds a constraint to {table}")
    what = f"adds {kind} {constraint.get('conname', '')}".rstrip() + f" to {table}"
    if known.is_new(table):
        return neutral(what)
    if constraint["contype"] == "CONSTR_UNIQUE" and "indexname" in constraint:
        return neutral(what)  # the index has been unique before
    if constraint.get("skip_validation"):
        return expand(f"{what} NOT VALID", warning=f"{what}: new rows are held to it at once")
    if constraint["contype"] in {"CONSTR_CHECK", "CONSTR_FOREIGN"} and not constraint.get("is_enforced", False):
        return expand(f"{what} NOT ENFORCED")
    return Finding(effect=Effect.CONTRACT, what=f"{what}, which existing writes may break")


def _is_null(expression: Any) -> bool:
    while isinstance(expression, dict) and "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg", {})
    return isinstance(expression, dict) and bool(expression.get("A_Const", {}).get("isnull"))
