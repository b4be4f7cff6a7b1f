"""Every call of every adapter under hostile answers: bounded, obedient, without a second write, without a secret.

The answers come from the real stand-ins over real connections. What a write left there is counted.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import httpx
import pytest

from ci.errors import ShipwayError, Trouble, UsageError, VendorError
from ci.rehearsal.serving import serving
from ci.vendors.exchange import Patience
from tests.vendors.subjects import subjects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from ci.rehearsal.standin import StandIn
    from tests.vendors.hostile import Asked, Subject

QUICK = Patience(request=5.0, whole=20.0, first=0.01, tries=3)  # long enough for a machine that is busy


def cases() -> Iterator[Any]:
    """Yield every call of every vendor. In a short run there are two of each: its first read and its first write."""
    for subject in subjects():
        met: set[bool] = set()
        for name, asked in subject.asked.items():
            writes = asked.effects is not None
            marks = [pytest.mark.long] if writes in met else []
            met.add(writes)
            yield pytest.param(subject, asked, id=f"{subject.name} {name}", marks=marks)


each = pytest.mark.parametrize(("subject", "asked"), [*cases()])


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of a call: the error, how many requests there were, how many effects, and the seconds it took."""

    error: VendorError | None
    requests: int
    effects: int
    seconds: float


@contextlib.asynccontextmanager
async def standing(subject: Subject, asked: Asked, directory: Path) -> AsyncIterator[tuple[StandIn, str]]:
    """Give the stand-in and its address, with what the call needs made."""
    stand_in = subject.stand_in(directory)
    async with serving(stand_in) as address:
        if asked.prepare is not None:
            async with subject.connect(address, QUICK, None) as client:
                await asked.prepare(client)
        stand_in.calls.clear()
        yield stand_in, address
        stand_in.faults.clear()


def ask(
    subject: Subject, asked: Asked, directory: Path, fault: Mapping[str, Any], *, patience: Patience = QUICK
) -> Told:
    """Ask while the stand-in fails."""

    async def run() -> Told:
        async with standing(subject, asked, directory) as (stand_in, address):
            before = asked.effects(stand_in) if asked.effects else 0
            whole = {"times": 1000, **fault}
            stand_in.faults.add(**whole)
            began = time.monotonic()
            error: VendorError | None = None
            async with subject.connect(address, patience, None) as client:
                try:
                    await asked.run(client)
                except VendorError as caught:
                    error = caught
            seconds = time.monotonic() - began
            await anyio.sleep(whole["seconds"] + 0.3 if whole["kind"] == "late" else 0)
            failed = whole["times"] - sum(waiting.times for waiting in stand_in.faults.waiting)
            kept_away = failed if fault["kind"] in {"status", "hang", "reset"} else 0
            after = asked.effects(stand_in) if asked.effects else 0
            return Told(error=error, requests=kept_away + len(stand_in.calls), effects=after - before, seconds=seconds)

    return anyio.run(run)


def tells_nothing(subject: Subject, error: ShipwayError) -> bool:
    """Whether no secret stands in what a person or a log would see of the error."""
    told = f"{error} {error!r} {error.hint} {error.__cause__!r} {error.__cause__}"
    return not any(secret in told or quote(secret, safe="") in told for secret in subject.secrets)


def limit(subject: Subject, headers: Mapping[str, str], times: int) -> dict[str, Any]:
    status, body = subject.limited_status, subject.limited_body
    return {"kind": "status", "status": status, "headers": dict(headers), "body": body, "times": times}


@each
def test_a_limit_is_waited_out_as_the_vendor_asks(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    told = ask(subject, asked, tmp_path, limit(subject, subject.limited, 1))
    assert told.error is None
    assert told.seconds >= 0.9
    assert told.effects == (1 if asked.effects else 0)


@each
def test_a_limit_that_lasts_is_told_after_a_few_tries(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    told = ask(subject, asked, tmp_path, limit(subject, {}, 1000))
    assert told.error is not None
    assert told.error.trouble is Trouble.LIMITING
    assert (told.requests, told.effects) == (1 if subject.rests else QUICK.tries, 0)
    assert tells_nothing(subject, told.error)


@each
def test_a_vendor_that_is_broken_is_told_after_a_few_tries(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    told = ask(subject, asked, tmp_path, {"kind": "status", "status": 500, "body": "<h1>Oops</h1>"})
    assert told.error is not None
    assert (told.error.trouble, told.error.status) == (Trouble.BROKEN, 500)
    assert 1 <= told.requests <= QUICK.tries
    assert told.effects == 0
    assert tells_nothing(subject, told.error)


@each
@pytest.mark.parametrize("kind", ["reset", "lose", "cut"])
def test_a_connection_that_is_cut_once_does_not_have_it_done_twice(
    subject: Subject, asked: Asked, tmp_path: Path, kind: str
) -> None:
    told = ask(subject, asked, tmp_path, {"kind": kind, "times": 1})
    if told.error is None:
        assert told.effects == (1 if asked.effects else 0)
    else:
        assert asked.effects is not None, told.error
        assert (told.error.trouble, told.error.unsettled) == (Trouble.UNREACHABLE, True)
        assert told.effects == (0 if kind == "reset" else 1)
        assert tells_nothing(subject, told.error)


@pytest.mark.long
@pytest.mark.parametrize("subject", [pytest.param(subject, id=subject.name) for subject in subjects()])
@pytest.mark.parametrize("kind", ["reset", "late", "lose", "cut"])
def test_a_call_of_several_requests_is_cut_at_each_of_them_and_done_once(
    subject: Subject, tmp_path: Path, kind: str
) -> None:
    for name, asked in subject.asked.items():
        whole = ask(subject, asked, tmp_path / name, {"kind": kind, "after": 1000, "seconds": 0})
        for after in range(1, whole.requests):
            place = tmp_path / f"{name} {after}"
            told = ask(subject, asked, place, {"kind": kind, "times": 1, "after": after, "seconds": 0.5})
            if told.error is None:
                assert told.effects == whole.effects, (name, after)
            else:
                assert told.error.trouble is Trouble.UNREACHABLE, (name, after)
                assert told.effects <= whole.effects, (name, after)
                assert told.error.unsettled or told.effects == 0 or asked.effects is None, (name, after)
                assert tells_nothing(subject, told.error), (name, after)


@each
@pytest.mark.parametrize("kind", ["html", "garbage"])
def test_an_answer_that_cannot_be_read_is_told_and_it_is_done_once_at_most(
    subject: Subject, asked: Asked, tmp_path: Path, kind: str
) -> None:
    told = ask(subject, asked, tmp_path, {"kind": kind})
    assert told.requests <= QUICK.tries * asked.asks
    if told.error is None:  # the status alone, which can be read, says that it is done
        assert asked.effects is not None
        assert told.effects == 1
    else:
        assert told.error.trouble is Trouble.UNREADABLE
        assert told.effects <= 1
        assert tells_nothing(subject, told.error)


@each
def test_an_answer_without_its_fields_is_told(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    told = ask(subject, asked, tmp_path, {"kind": "status", "status": asked.status, "body": "{}"})
    assert told.effects == 0
    if told.error is None:
        assert asked.quiet
    else:
        assert told.error.trouble is Trouble.UNREADABLE
        assert tells_nothing(subject, told.error)


class Twisting(httpx.AsyncBaseTransport):
    """Hands on what is asked, and has the values inside the answers be of other kinds than they are."""

    def __init__(self, kind: str) -> None:
        """Twist as the kind says."""
        self.kind = kind
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and twist the answer."""
        answer = await self.inner.handle_async_request(request)
        content = await answer.aread()
        with contextlib.suppress(ValueError):
            content = json.dumps(self.twisted(json.loads(content))).encode()
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
        return httpx.Response(answer.status_code, headers=headers, content=content)

    def twisted(self, value: Any, depth: int = 0) -> Any:
        """Return the value with what the kind names turned into something else."""
        if self.kind == "lists" and isinstance(value, list):
            return [7, None, "x", {}] if value else [{}]
        if self.kind == "inner" and depth > 0 and isinstance(value, dict | list):
            return 7
        if isinstance(value, dict):
            return {name: self.twisted(each, depth + 1) for name, each in value.items()}
        if isinstance(value, list):
            return [self.twisted(each, depth + 1) for each in value]
        return ["x"] if self.kind == "words" and depth > 0 else value

    async def aclose(self) -> None:
        """Close what is behind."""
        await self.inner.aclose()


@each
@pytest.mark.parametrize("kind", ["words", "inner", "lists"])
def test_values_of_other_kinds_inside_an_answer_are_told_or_not_needed(
    subject: Subject, asked: Asked, tmp_path: Path, kind: str
) -> None:
    errors: list[ShipwayError] = []

    async def run() -> int:
        async with standing(subject, asked, tmp_path) as (stand_in, address):
            before = asked.effects(stand_in) if asked.effects else 0
            async with subject.connect(address, QUICK, Twisting(kind)) as client:
                try:
                    await asked.run(client)
                except (VendorError, UsageError) as error:  # the second: a token that seems to be somebody else's
                    errors.append(error)
            return (asked.effects(stand_in) if asked.effects else 0) - before

    assert anyio.run(run) <= 1
    assert all(tells_nothing(subject, error) for error in errors)


@each
def test_no_answer_at_all_is_told_in_time(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    impatient = Patience(request=0.3, whole=2.0, first=0.01, tries=2)
    told = ask(subject, asked, tmp_path, {"kind": "hang", "seconds": 60}, patience=impatient)
    assert told.error is not None
    assert told.error.trouble is Trouble.UNREACHABLE
    assert "no answer within 0.3 s" in str(told.error)
    assert told.requests <= impatient.tries
    assert told.effects == 0


@each
def test_a_key_that_is_refused_is_told_at_once_and_not_repeated(subject: Subject, asked: Asked, tmp_path: Path) -> None:
    body = json.dumps({"message": f"bad key {subject.secrets[0]}", "detail": subject.secrets[0]})
    told = ask(subject, asked, tmp_path, {"kind": "status", "status": 401, "body": body})
    assert told.error is not None
    assert told.error.trouble is Trouble.DENYING
    assert (told.requests, told.effects) == (1, 0)
    assert tells_nothing(subject, told.error)


@each
def test_a_vendor_that_is_not_there_is_told(subject: Subject, asked: Asked) -> None:
    async def run(address: str) -> None:
        async with subject.connect(address, QUICK, None) as client:
            await asked.run(client)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(VendorError) as raised:
            anyio.run(run, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (raised.value.trouble, raised.value.unsettled) == (Trouble.UNREACHABLE, False)
    assert tells_nothing(subject, raised.value)
