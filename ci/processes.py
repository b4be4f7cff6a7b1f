"""The only place that starts and kills processes.

Every child gets an argv list, an environment built for it, no standard input unless it is handed one,
and dies with Shipway: on Linux through the parent-death signal, which `setpriv` arms before the exec
(a Python pre-exec hook would not be safe beside threads).
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.abc

from ci.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

# What a helper command of Shipway's own (git, npm) may see of the caller's environment.
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A short command that ended: its exit code (negative: the signal) and both streams, whole."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """The last line that says why it failed, from standard error or else standard output."""
        lines = (self.stderr.decode(errors="replace").strip() or self.text.strip()).splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


def inherited(*extra: str) -> dict[str, str]:
    """Return the part of the caller's environment that helper commands may see, and the `extra` names."""
    return {name: os.environ[name] for name in (*PASSED_ON, *extra) if name in os.environ}


@functools.cache
def _death_signal() -> tuple[str, ...]:
    """Return the prefix that makes a child die with Shipway, where the machine has one."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


async def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 600.0,
    most: int | None = None,
) -> Completed:
    """Run a short command to its end and return what it said; `stdin` is all it gets to read.

    Of a stream that comes to more than `most` bytes the last `most` + 1 are kept, by which it is known for too long.
    Raises ToolError when the program is not there or `timeout` seconds were not enough;
    a non-zero exit code is a value. Cancelling kills it.
    """
    found = dict(inherited() if environment is None else environment)
    # A program named by a relative path is one from where it is to run, as for a shell there.
    program = str(cwd / argv[0]) if cwd is not None and "/" in argv[0] else argv[0]
    if shutil.which(program, path=found.get("PATH")) is None:  # setpriv would end with 127, and a program may too
        raise ToolError(f"{argv[0]} is not on this machine", hint="install it, or put it on PATH")
    try:
        kind = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        async with _process(argv, cwd=cwd, environment=environment, stdin=kind) as process:
            out: list[bytes] = []
            err: list[bytes] = []
            with anyio.fail_after(timeout):
                async with anyio.create_task_group() as group:
                    group.start_soon(_feed, process.stdin, stdin)
                    group.start_soon(drain, process.stdout, out, most)
                    group.start_soon(drain, process.stderr, err, most)
                code = await process.wait()
    except TimeoutError as error:
        raise ToolError(f"{' '.join(argv[:3])} gave no answer within {timeout:.0f} s") from error
    return Completed(argv=tuple(argv), code=code, stdout=b"".join(out), stderr=b"".join(err))


async def attached(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdout: int | None = None,
    grace: float = 60.0,
    cut: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Run a command that speaks to whoever speaks to us, on the same terminal, and return its exit code.

    What it prints goes to the file descriptor `stdout`, where one is given. Cancelling interrupts it, as Ctrl-C does;
    it has `grace` seconds to clean up, then it is killed. Once `cut` returns it is killed at once, as by a power cut.
    """
    prefix = _death_signal()
    process = await anyio.open_process(
        [*prefix, *argv],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=None,
        start_new_session=True,
    )
    try:
        if cut is None:
            return await process.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(_cut, process.pid, cut)
            code = await process.wait()
            group.cancel_scope.cancel()
        return code
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
                with anyio.move_on_after(grace):
                    await process.wait()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _cut(group: int, cut: Callable[[], Awaitable[None]]) -> None:
    """Kill a group of processes once `cut` returns."""
    await cut()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextlib.asynccontextmanager
async def supervised(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    dies_with_us: bool = True,
    grace: float = 3.0,
) -> AsyncIterator[anyio.abc.Process]:
    """Start a long-lived child with a pipe on its standard input, which it takes for Shipway's pulse.

    A child with a tree of its own to end is not killed by our death (`dies_with_us`): it sees the pipe close.
    On leaving, the pipe is closed; the child has `grace` seconds to end its tree and itself, then it is killed.
    Its end is always awaited, so that mounts of its namespaces are gone when this returns.
    """
    async with _process(
        argv, cwd=cwd, environment=environment, stdin=subprocess.PIPE, dies_with_us=dies_with_us
    ) as process:
        try:
            yield process
        finally:
            with anyio.CancelScope(shield=True):
                if process.stdin is not None:
                    with contextlib.suppress(anyio.BrokenResourceError, OSError):
                        await process.stdin.aclose()
                with anyio.move_on_after(grace):
                    await process.wait()


@contextlib.asynccontextmanager
async def _process(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None,
    stdin: int,
    dies_with_us: bool = True,
) -> AsyncIterator[anyio.abc.Process]:
    process = await anyio.open_process(
        [*(_death_signal() if dies_with_us else ()), *argv],
        cwd=cwd,
        env=dict(inherited() if environment is None else environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(anyio.BrokenResourceError, OSError):
                        await stream.aclose()
            # Where a process outside the group holds a pipe, asyncio waits for its end before it closes ours.
            if transport := getattr(getattr(process, "_process", None), "_transport", None):
                transport.close()


async def _feed(stream: anyio.abc.ByteSendStream | None, content: bytes | None) -> None:
    if stream is not None and content is not None:
        with contextlib.suppress(anyio.BrokenResourceError, OSError):  # it may end without having read all
            await stream.send(content)
            await stream.aclose()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now, for a server that is to be started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def drain(stream: anyio.abc.ByteReceiveStream | None, into: list[bytes], most: int | None = None) -> None:
    """Read a stream to its end, so that its writer never waits; of more than `most` bytes keep the end, `most` + 1."""
    if stream is None:
        return
    kept = bytearray()
    async for chunk in stream:
        kept += chunk
        if most is not None and len(kept) > 2 * most:  # not at each chunk: it moves all that is kept
            del kept[: -(most + 1)]
    if most is not None:
        del kept[: -(most + 1)]
    into.append(bytes(kept))


async def lines(stream: anyio.abc.ByteReceiveStream | None) -> AsyncIterator[bytes]:
    """Yield a stream's lines, without their ends, as they come."""
    rest = b""
    if stream is not None:
        async for chunk in stream:
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line
    if rest:
        yield rest
