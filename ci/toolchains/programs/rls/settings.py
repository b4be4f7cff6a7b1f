"""What the command is told, read strictly: a typo here would make every trial pass."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "SHIPWAY_RLS_CONFIG"
_PLACEHOLDER = re.compile(r"(?<!:):tenant\b")


class RefusalError(Exception):
    """Why nothing can be verified, in one line."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`set_tenant` is SQL that makes `:tenant` the tenant of the transaction; `exempt` gives a reason by table."""

    owner_url: str
    role_url: str
    role: str
    tenant_column: str
    set_tenant: str
    seed: Path | None
    exempt: Mapping[str, str]
    tenants: tuple[str, str] | None

    @property
    def set_tenant_query(self) -> str:
        """`set_tenant` with psycopg's placeholder."""
        return _PLACEHOLDER.sub("%(tenant)s", self.set_tenant.replace("%", "%%"))

    def exemption(self, *names: str) -> str | None:
        """Return the reason for which something with any of these names is exempt, None where it is not."""
        return next((self.exempt[name] for name in names if name in self.exempt), None)


def read(path: Path | None) -> Settings:
    """Read the JSON of `--config`, else that of the variable SHIPWAY_RLS_CONFIG, and the two addresses.

    Raises RefusalError, naming the key that is wrong.
    """
    name = VARIABLE if path is None else str(path)
    try:
        given = json.loads(os.environ.get(VARIABLE, "") if path is None else path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusalError(f"{name} cannot be read: {error}") from error
    unknown = sorted(set(given) - {"role", "tenant_column", "set_tenant", "seed", "exempt", "tenants"})
    if unknown:
        raise RefusalError(f"{name}: unknown key {unknown[0]!r}")
    set_tenant = _text(given, "set_tenant", name)
    if not _PLACEHOLDER.search(set_tenant):
        raise RefusalError(f"{name}: set_tenant has no :tenant in it, so it sets nothing")
    exempt = given.get("exempt") or {}
    for table, reason in exempt.items():
        if not isinstance(reason, str) or not reason.strip():
            raise RefusalError(f"{name}: {table} is exempt without a reason")
    tenants = given.get("tenants")
    if tenants is not None and (len(tenants) != 2 or tenants[0] == tenants[1]):  # noqa: PLR2004 - A and B
        raise RefusalError(f"{name}: tenants must be two that differ")
    return Settings(
        owner_url=_address("DATABASE_URL"),
        role_url=_address("APP_DATABASE_URL"),
        role=_text(given, "role", name),
        tenant_column=_text(given, "tenant_column", name),
        set_tenant=set_tenant,
        seed=Path(given["seed"]) if given.get("seed") else None,
        exempt=exempt,
        tenants=(str(tenants[0]), str(tenants[1])) if tenants else None,
    )


def _text(given: Mapping[str, Any], key: str, name: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RefusalError(f"{name}: {key} is missing")
    return value


def _address(name: str) -> str:
    if not os.environ.get(name):
        raise RefusalError(f"{name} is not set")
    return os.environ[name]
