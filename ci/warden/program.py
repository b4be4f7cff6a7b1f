"""The warden's main loop: steps one after another, servers beside them, one eye on the pipe to Shipway.

The specification is a JSON file: `root` (the workspace, absolute), `out`, `logs`, `environment`, `steps`,
and at most one of `sandbox` and `landlock`. It holds the check's secrets, so it is removed once it was read.
Events go to standard output, one JSON object a line:

    {"event": "entered"}                                      the sandbox stands
    {"event": "refused", "why": ...}                          it cannot be made here; nothing was run
    {"event": "started", "step": 0}
    {"event": "ended", "step": 0, "seconds": ..., "exit_code" | "signal" | "timed_out" | "error": ...}
    {"event": "done", "left_behind": [...]}                   all steps ran that were to run
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time

from ci.warden import kernel, landlock, sandbox, tree

TYPE_CHECKING = False  # as `typing` has it, without its import: this program starts once per check
if TYPE_CHECKING:
    from typing import Any, BinaryIO

OUTPUT_LIMIT = 64 * 1024 * 1024  # bytes a step may print before it is ended
TICK = 0.25
MOMENT = 0.5  # seconds that children of an ended step have to end by themselves


class Running:
    """A step that was started and has not been seen to end."""

    def __init__(
        self, index: int, specification: dict[str, Any], process: subprocess.Popen[bytes], log: BinaryIO
    ) -> None:
        """Note when it was started: now. The log stays open, because what lies at its path may be another file."""
        self.index = index
        self.specification = specification
        self.process = process
        self.log = log
        self.began = time.monotonic()


class Warden:
    """Runs the steps of one specification, with their logs in the open directory `logs`."""

    def __init__(self, specification: dict[str, Any], logs: int) -> None:
        """Prepare; nothing is started."""
        self.specification = specification
        self.logs = logs
        self.root: str = specification["root"]
        self.servers: list[Running] = []
        self.statuses: dict[int, int] = {}
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        self.alarm = reader
        # A handler is reset by exec, so the steps start with the default; a blocked signal would be inherited.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def run(self) -> None:
        """Run all steps, each after the one before it ended with 0, or is a server that answers."""
        for index, step in enumerate(self.specification["steps"]):
            if not self._step(index, step) and not step.get("keep_going"):
                break
        for server in self.servers:
            self._note_end(server)
        emit("done", left_behind=self._left_behind())

    def _step(self, index: int, step: dict[str, Any]) -> bool:
        emit("started", step=index)
        try:
            running = self._start(index, step)
        except OSError as error:
            reason = f"{step['argv'][0]}: command not found" if isinstance(error, FileNotFoundError) else str(error)
            emit("ended", step=index, seconds=0.0, error=reason)
            return False
        if step.get("background"):
            self.servers.append(running)
            return self._await_ready(running)
        return self._await_end(running)

    def _start(self, index: int, step: dict[str, Any]) -> Running:
        environment = {**self.specification["environment"], **step.get("environment", {})}
        directory = os.path.normpath(os.path.join(self.root, step["cwd"]))
        if not os.path.isdir(directory):
            raise NotADirectoryError(f"the step's directory {step['cwd']} is not there")
        local = [os.path.join(directory, "node_modules/.bin"), os.path.join(self.root, "node_modules/.bin")]
        tools = environment.get("SHIPWAY_TOOLS", "")
        environment["PATH"] = ":".join(
            [*filter(None, [tools]), *dict.fromkeys(local), environment.get("PATH", os.defpath)]
        )
        replace = self.specification.get("values", {})
        argv = [expand(word, replace) for word in step["argv"]]
        environment = {name: expand(value, replace) for name, value in environment.items()}
        log = open_to_append(f"{index}.log", self.logs)
        out = log
        if step.get("stdout"):
            path = os.path.join(self.specification["out"], step["stdout"])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            out = open_to_append(path)
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
        return Running(index, step, process, log)

    def _await_end(self, running: Running) -> bool:
        deadline = running.began + running.specification["timeout"]
        while True:
            self._turn(min(TICK, max(0.0, deadline - time.monotonic())))
            if running.process.pid in self.statuses:
                return self._note_end(running)
            if time.monotonic() >= deadline:
                self._abandon(running, timed_out=True)
                return False
            if os.fstat(running.log.fileno()).st_size > OUTPUT_LIMIT:
                self._abandon(running, error=f"printed more than {OUTPUT_LIMIT // 1024 // 1024} MB and was ended")
                return False

    def _await_ready(self, running: Running) -> bool:
        deadline = running.began + running.specification["timeout"]
        while True:
            if ready(expand(running.specification["ready"], self.specification.get("values", {}))):
                return True
            self._turn(0.05)
            if running.process.pid in self.statuses:
                self.servers.remove(running)
                self._note_end(running)
                return False
            if time.monotonic() >= deadline:
                self.servers.remove(running)
                self._abandon(running, error=f"did not answer at {running.specification['ready']} in time")
                return False

    def _turn(self, seconds: float) -> None:
        """Wait for a child's end, the pipe's end or the time, whichever is first."""
        readable, _, _ = select.select([self.alarm, sys.stdin.fileno()], [], [], seconds)
        if self.alarm in readable:
            while True:
                try:
                    if not os.read(self.alarm, 4096):
                        break
                except BlockingIOError:
                    break
        if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096):
            tree.end_all()
            os._exit(137)
        self.statuses.update(tree.reap())

    def _note_end(self, running: Running) -> bool:
        status = self.statuses.get(running.process.pid)
        seconds = round(time.monotonic() - running.began, 3)
        if status is None:  # a server that served to the end
            emit("ended", step=running.index, seconds=seconds, exit_code=0)
            return True
        running.process.returncode = os.waitstatus_to_exitcode(status)
        if running.process.returncode < 0:
            emit("ended", step=running.index, seconds=seconds, signal=-running.process.returncode)
        else:
            emit("ended", step=running.index, seconds=seconds, exit_code=running.process.returncode)
        return running.process.returncode == 0

    def _abandon(self, running: Running, **how: object) -> None:
        """End a step that does not end by itself; the check ends with it, so the whole tree may go."""
        living = [command for pid, command in tree.descendants().items() if pid != running.process.pid]
        seconds = round(time.monotonic() - running.began, 3)
        tree.end_all()
        running.process.returncode = -signal.SIGKILL
        self.servers.clear()
        emit("ended", step=running.index, seconds=seconds, living=living[:5], **how)

    def _left_behind(self) -> list[str]:
        """Name the processes that outlive the last step by more than a moment and are no server of the check."""
        servers = {server.process.pid for server in self.servers}
        deadline = time.monotonic() + MOMENT
        while True:
            self._turn(0.02)
            left = tree.descendants(without=servers)
            if not left or time.monotonic() >= deadline:
                return list(left.values())


def ready(place: str) -> bool:
    """Whether a server answers at an http URL (any status), at `tcp:PORT` of the loopback, or left its `file:PATH`."""
    kind, _, rest = place.partition(":")
    if kind == "file":
        return os.path.exists(rest)
    if kind == "tcp":
        return talk(int(rest), b"", b"")
    authority, _, path = rest.removeprefix("//").partition("/")
    request = f"GET /{path} HTTP/1.0\r\nHost: {authority}\r\n\r\n".encode()
    return talk(int(authority.rpartition(":")[2]), request, b"HTTP/")


def talk(port: int, request: bytes, answer: bytes) -> bool:
    """Whether somebody on the loopback takes the request and its answer begins so.

    By hand: urllib alone would take as long to import as all the rest of the warden.
    """
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), timeout=0.3) as connection:
                connection.sendall(request)
                if not answer or connection.recv(len(answer)) == answer:
                    return True
        except OSError:
            continue
    return False


def open_to_append(path: str, directory: int | None = None) -> BinaryIO:
    """Open a regular file, made where there is none. Raises OSError where a step put a link or a pipe there."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o666, dir_fd=directory), "ab", buffering=0)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise OSError(errno.EINVAL, f"{path} is no regular file")
    return file


def expand(text: str, values: dict[str, str]) -> str:
    """Replace each `${NAME}` of the known names; anything else stays as it is."""
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    return text


def emit(event: str, **facts: object) -> None:
    """Tell Shipway."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def main(path: str) -> int:
    """Read the specification, make the sandbox, run the steps, leave nothing alive."""
    with open(path, encoding="utf-8") as file:
        specification = json.load(file)
    os.unlink(path)
    try:
        if os.getpid() != 1:
            kernel.adopt_orphans()
        if specification.get("sandbox"):
            logs = kernel.clone_tree(specification["logs"])  # stays writable where all else becomes read-only
            sandbox.enter(specification["sandbox"])
        else:
            logs = os.open(specification["logs"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            if specification.get("landlock"):
                landlock.restrict(**specification["landlock"])
    except OSError as error:
        emit("refused", why=str(error))
        return 0
    emit("entered")
    try:
        Warden(specification, logs).run()
    finally:
        tree.end_all()
    return 0
