"""The documents of the Neon stand-in, in the vendor's own shape."""

from __future__ import annotations

import datetime
from types import MappingProxyType
from typing import Any

REGION, PROVISIONER = "aws-eu-central-1", "k8s-neonvm"
HOST = "127.0.0.1"
MOST_BRANCHES = 10  # of a project
USER = MappingProxyType(
    {
        "active_seconds_limit": 0,
        "auth_accounts": [],
        "email": "founder@example.test",
        "id": "629982cc-de05-43db-ae16-28f2399c4910",
        "image": "",
        "login": "founder",
        "name": "A",
        "last_name": "Founder",
        "projects_limit": 10,
        "branches_limit": MOST_BRANCHES,
        "max_autoscaling_limit": 2,
        "plan": "launch",
    }
)


def project_document(project: str, version: int) -> dict[str, Any]:
    """Return a new project."""
    numbers = ("active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes",
               "data_storage_bytes_hour", "cpu_used_sec", "branch_logical_size_limit",
               "branch_logical_size_limit_bytes")  # fmt: skip
    moments = ("consumption_period_start", "consumption_period_end", "created_at", "updated_at")
    return {
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(moments, _now()),
        "id": project,
        "platform_id": "aws",
        "region_id": REGION,
        "name": project,
        "pg_version": version,
        "proxy_host": HOST,
        "store_passwords": True,
        "provisioner": PROVISIONER,
        "creation_source": "console",
        "history_retention_seconds": 86_400,
        "owner_id": USER["id"],
    }


def branch_document(
    branch: str,
    project: str,
    name: str,
    *,
    parent: str | None = None,
    expires: str | None = None,
    source: str | None = None,
    first: bool = False,
) -> dict[str, Any]:
    """Return a new branch; `first` is a project's own, which is ready."""
    numbers = ("cpu_used_sec", "active_time_seconds", "compute_time_seconds", "written_data_bytes",
               "data_transfer_bytes")  # fmt: skip
    told = {"parent_id": parent, "expires_at": expires, "init_source": source}
    return {
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(("created_at", "updated_at", "state_changed_at"), _now()),
        **{key: value for key, value in told.items() if value is not None},
        "id": branch,
        "project_id": project,
        "name": name,
        "current_state": "ready" if first else "init",
        "creation_source": "console",
        "default": first,
        "protected": False,
    }


def endpoint_document(endpoint: str, project: str, branch: str, *, state: str = "init") -> dict[str, Any]:
    """Return a new compute."""
    return {
        **dict.fromkeys(("created_at", "updated_at"), _now()),
        "host": HOST,
        "id": endpoint,
        "project_id": project,
        "branch_id": branch,
        "region_id": REGION,
        "autoscaling_limit_max_cu": 0.25,
        "autoscaling_limit_min_cu": 0.25,
        "type": "read_write",
        "current_state": state,
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": True,
        "creation_source": "console",
        "settings": {},
        "proxy_host": HOST,
        "suspend_timeout_seconds": 0,
        "provisioner": PROVISIONER,
    }


def operation_document(operation: str, project: str, branch: str, action: str, endpoint: str | None) -> dict[str, Any]:
    """Return something that is still to be done."""
    return {
        **dict.fromkeys(("created_at", "updated_at"), _now()),
        **({} if endpoint is None else {"endpoint_id": endpoint}),
        "id": operation,
        "project_id": project,
        "branch_id": branch,
        "action": action,
        "status": "scheduling",
        "failures_count": 0,
        "total_duration_ms": 0,
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
