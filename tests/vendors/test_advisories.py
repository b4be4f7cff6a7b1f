"""The advisory service's stand-in within the frame of all stand-ins; as a program it is in tests/standins."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.advisories import BULK, QUICK, Advisories, Known
from ci.rehearsal.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

TREE = {"dependencies": {".": {"dependencies": {"left": {"version": "1.0.0", "dependencies": {"deep": {}}}}}}}


def test_what_it_knows_changes_while_it_runs_and_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Advisories(tmp_path)) as address, httpx.AsyncClient(base_url=address) as http:
            assert (await http.post(BULK, json={"left": ["1.0.0"]})).json() == {}
            told = {"mode": "vulnerable", "package": "left", "severity": "critical"}
            assert (await http.put("/_stand-in/known", json=told)).status_code == 204
            assert list((await http.post(BULK, json={"left": ["1.0.0"], "a": ["1.0.0"]})).json()) == ["left"]
        assert Advisories(tmp_path).known == Known(mode="vulnerable", package="left", severity="critical")
        async with serving(Advisories(tmp_path)) as address, httpx.AsyncClient(base_url=address) as http:
            for path in QUICK:
                answer = (await http.post(path, json=TREE)).json()
                assert answer["metadata"]["vulnerabilities"]["critical"] == 1
                assert answer["advisories"]["1"]["module_name"] == "left"

    anyio.run(calls)


@pytest.mark.parametrize("told", [{"mode": "angry"}, {"severity": "grave"}, {"colour": "red"}, [], None])
def test_what_it_could_not_answer_by_is_refused(tmp_path: Path, told: Any) -> None:
    async def calls() -> None:
        async with serving(Advisories(tmp_path)) as address, httpx.AsyncClient(base_url=address) as http:
            headers = {"content-type": "application/json"}
            answer = await http.put("/_stand-in/known", content=json.dumps(told), headers=headers)
            assert answer.status_code == 400
            assert (await http.get("/left")).status_code == 404

    anyio.run(calls)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", gzip.compress(b"{}", mtime=0)[:-4], b"\x1f\x8b nothing"])
def test_a_body_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    async def calls() -> None:
        headers = {"content-encoding": "gzip"} if body.startswith(b"\x1f") else {}
        async with serving(Advisories(tmp_path)) as address, httpx.AsyncClient(base_url=address) as http:
            assert (await http.post(BULK, content=body, headers=headers)).status_code == 400

    anyio.run(calls)


def test_its_calls_are_told(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Advisories(tmp_path)) as address, httpx.AsyncClient(base_url=address) as http:
            await http.post(BULK, json={"left": ["1.0.0"]})
            (call,) = (await http.get("/_stand-in/calls")).json()
            assert (call["path"], json.loads(call["body"])) == (BULK, {"left": ["1.0.0"]})

    anyio.run(calls)
