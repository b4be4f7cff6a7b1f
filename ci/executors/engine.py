"""Where a Dagger engine may be, asked by trying: its address, whether it answers, and which program speaks to it.

Nothing of Dagger is imported here: that costs more than a second, and a host run must not pay it. The SDK would go
on trying for a minute where nobody answers, so the address is asked first:
https://docs.dagger.io/reference/configuration/custom-runner names the forms of it.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import anyio

from ci import processes
from ci.errors import NoExecutorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "0.21.8"  # of engine, command line and SDK alike; a test holds dagger.json and the SDK to it
SESSION = "DAGGER_SESSION_PORT"
RUNNER = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
CLI = "_EXPERIMENTAL_DAGGER_CLI_BIN"
QUICK = 0.1  # seconds that the choice may take
PATIENT = 2.0  # seconds for an engine that was asked for by name
NEAR = frozenset({"unix", "tcp"})  # whose socket can be tried from here
FAR = frozenset({"ssh", "tls", "kube-pod"})  # another program of the user's leads there
OWN = frozenset({"image", "container"})  # a container runtime of this machine starts it


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine by its address; empty inside a session, where Dagger itself has the way to it."""

    address: str
    session: bool = False

    @property
    def is_fetched(self) -> bool:
        """Whether a container runtime of this machine gets and starts it."""
        return _kind(self.address) in OWN

    @property
    def by_hand(self) -> str | None:
        """What shows whether the way is open that another program leads to; Dagger itself goes on trying in silence."""
        place = urlsplit(self.address)
        login = f"{place.username}@{place.hostname}" if place.username else place.hostname
        ways = {"ssh": f"try `ssh {login} buildctl --version`", "kube-pod": f"try `kubectl get pod {place.hostname}`"}
        return ways.get(_kind(self.address))

    @property
    def named(self) -> str:
        """How a message names it, without a password."""
        if self.session:
            return "the Dagger session that this runs in"
        return re.sub(r"//[^/@\s]+@", "//***@", self.address)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The executor and why it is that one; `engine` is None on the host."""

    reason: str
    engine: Engine | None = None


async def choose(asked: str, environment: Mapping[str, str] = os.environ) -> Choice:
    """Return where the checks run: `host`, `dagger`, or by `auto` on Dagger where an engine answers at once.

    Raises UsageError for another word, NoExecutorError where Dagger was asked for and does not answer.
    """
    if asked == "host":
        return Choice(reason="it was asked for")
    if asked not in {"auto", "dagger"}:
        raise UsageError(f"--executor {asked}: there is host, dagger and auto")
    found = _named(environment)
    if asked == "auto":
        return await _automatic(found)
    if found is None:
        raise NoExecutorError(
            f"no Dagger engine is known here: neither {SESSION} nor {RUNNER} is set",
            hint=f"run inside `dagger run`, or set {RUNNER} to the engine's address, as unix:///run/dagger/engine.sock",
        )
    if (why := silent(found, PATIENT)) is not None:
        raise NoExecutorError(f"{found.named} does not answer: {why}", hint="start it, or take --executor host")
    return Choice(engine=found, reason="it was asked for")


async def _automatic(found: Engine | None) -> Choice:
    if found is None:
        return Choice(reason=f"no Dagger engine is named: neither {SESSION} nor {RUNNER} is set")
    try:
        why = silent(found, QUICK)
        if why is None:
            await program(found)
    except (UsageError, NoExecutorError) as error:
        why = error.message
    if why is not None:
        return Choice(reason=f"{found.named} cannot be used: {why}")
    return Choice(engine=found, reason=f"{found.named} answers")


def _named(environment: Mapping[str, str]) -> Engine | None:
    if port := environment.get(SESSION):
        return Engine(address=f"tcp://127.0.0.1:{port}", session=True)
    address = environment.get(RUNNER)
    return Engine(address=address) if address else None


def silent(engine: Engine, seconds: float) -> str | None:
    """Return why the engine does not answer at its address; None where it does, or where only a session can tell.

    Raises UsageError for an address of no known form.
    """
    place, kind = urlsplit(engine.address), _kind(engine.address)
    if kind in FAR | OWN:
        return None
    if kind not in NEAR:
        raise UsageError(
            f"{RUNNER}={engine.named} is no engine's address",
            hint=f"it begins with {', '.join(f'{known}://' for known in sorted(NEAR | FAR | OWN))}",
        )
    try:
        _knock(place, seconds)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None


def _kind(address: str) -> str:
    return urlsplit(address).scheme.partition("+")[0]


def _knock(place: SplitResult, seconds: float) -> None:
    if place.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(seconds)
            probe.connect(place.path)
    else:
        if place.hostname is None or place.port is None:
            raise UsageError(f"{RUNNER}={place.geturl()} names no host and port", hint="as in tcp://127.0.0.1:1234")
        socket.create_connection((place.hostname, place.port), timeout=seconds).close()


async def program(engine: Engine) -> str | None:
    """Return the path of the `dagger` command that will speak to the engine; None inside a session.

    The SDK would download one where it finds none; Shipway uses what is installed. Raises NoExecutorError where there
    is none, or one of another version.
    """
    if engine.session:
        return None
    sdk = importlib.metadata.version("dagger-io")
    if sdk != VERSION:
        raise NoExecutorError(
            f"Dagger's SDK is installed in version {sdk}, Shipway speaks {VERSION}",
            hint=f"pip install dagger-io=={VERSION}, or take --executor host",
        )
    named = os.environ.get(CLI)
    found = shutil.which(named or "dagger")
    if found is None:
        missing = f"{named}, which {CLI} names, is not there" if named else "the command `dagger` is not on PATH"
        raise NoExecutorError(missing, hint=f"install Dagger {VERSION}, or take --executor host")
    said = "it says nothing"
    with anyio.move_on_after(10):
        try:
            done = await processes.run((found, "version"))
            said = done.stdout.decode(errors="replace").strip() or done.complaint
        except OSError as error:
            said = str(error)
    version = re.search(r"\bv(\d+\.\d+\.\d+\S*)", said)
    if version is None or version[1] != VERSION:
        what = f"is version {version[1]}" if version else f"does not tell its version: {said.splitlines()[0][:200]}"
        raise NoExecutorError(f"{found} {what}, Shipway speaks {VERSION}", hint=f"install Dagger {VERSION}")
    return found
