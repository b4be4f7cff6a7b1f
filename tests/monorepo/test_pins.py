from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.errors import UsageError
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]
SHA512 = "sha512." + "0123456789abcdef" * 8


@pytest.mark.parametrize(
    ("manifest", "version", "hashed", "source"),
    [
        ({"packageManager": "pnpm@10.34.9"}, "10.34.9", None, "package.json:2"),
        ({"packageManager": f"pnpm@11.0.0-rc.1+{SHA512}"}, "11.0.0-rc.1", SHA512, "package.json:2"),
        ({"packageManager": "pnpm@9.1.0", "engines": {"pnpm": "^10"}}, "9.1.0", None, "package.json:2"),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "^11.2"}}},
            "11.28.11",
            None,
            "package.json:2 devEngines.packageManager",
        ),
        (
            {"devEngines": {"packageManager": [{"name": "yarn"}, {"name": "pnpm", "version": f"10.1.0+{SHA512}"}]}},
            "10.1.0",
            SHA512,
            "package.json:2 devEngines.packageManager",
        ),
        ({"volta": {"pnpm": "9.5.0"}}, "9.5.0", None, "package.json:3 volta.pnpm"),
        ({"engines": {"node": ">=20", "pnpm": ">= 9"}}, "10.34.9", None, "package.json:4 engines.pnpm"),
        ({"engines": {"pnpm": ">=11.0.0"}}, "12.21.0", None, "package.json:3 engines.pnpm"),
        ({"engines": {"pnpm": "9.x || ^8"}}, "9.15.9", None, "package.json:3 engines.pnpm"),
        ({"engines": {"node": ">=20"}}, "10.34.9", None, "pnpm-lock.yaml lockfileVersion"),
    ],
)
def test_the_pin_is_found_where_it_stands(
    workspace_of: Build, manifest: dict[str, Any], version: str, hashed: str | None, source: str
) -> None:
    pin = workspace_of({"package.json": manifest}).pnpm
    assert (pin.version, pin.hash, pin.source) == (version, hashed, source)
    assert pin.why


@pytest.mark.parametrize(
    ("lockfile", "version"),
    [("'9.0'", "10.34.9"), ("9.0", "10.34.9"), ("'6.0'", "8.15.9"), ("5.4", "7.33.7"), ("5.3", "6.35.1")],
)
def test_without_a_pin_the_lockfile_decides(workspace_of: Build, lockfile: str, version: str) -> None:
    pin = workspace_of({"pnpm-lock.yaml": f"lockfileVersion: {lockfile}\n"}).pnpm
    assert pin.version == version
    assert pin.why.startswith("nothing pins pnpm")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"packageManager": "yarn@4.1.0"}, "package.json:2: packageManager is 'yarn@4.1.0', not pnpm"),
        ({"packageManager": "pnpm"}, "package.json:2: malformed pin 'pnpm'"),
        ({"packageManager": "pnpm@latest"}, "malformed pin"),
        ({"packageManager": "pnpm@10"}, "malformed pin"),
        ({"packageManager": "pnpm@^10.0.0"}, "malformed pin"),
        ({"packageManager": "pnpm@10.0.0 --evil"}, "malformed pin"),
        ({"packageManager": "pnpm@https://evil.example/x.tgz"}, "malformed pin"),
        ({"packageManager": "pnpm@10.0.0+sha512.xyz"}, "malformed hash"),
        ({"packageManager": "pnpm@10.0.0+md5.0123"}, "malformed hash"),
        ({"packageManager": 10}, "packageManager is not a string"),
        ({"devEngines": {"packageManager": {"name": "npm"}}}, "devEngines.packageManager is 'npm', not pnpm"),
        ({"devEngines": {"packageManager": {"name": "pnpm", "version": "ten"}}}, "malformed version 'ten'"),
        ({"engines": {"pnpm": ">=99"}}, "no known pnpm satisfies '>=99'"),
    ],
)
def test_a_pin_that_is_not_pnpm_or_malformed_is_refused(
    workspace_of: Build, manifest: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        workspace_of({"package.json": manifest})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
