"""The report's directory: report.json, what is drawn from it, logs and artifacts; all of it, or nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ci.errors import NO_ROOM, DiskFullError, UsageError
from ci.reporting.document import to_json
from ci.reporting.html import to_html
from ci.reporting.junit import to_junit
from ci.reporting.paths import artifact_path, log_path, with_safe_names
from ci.reporting.sarif import to_sarif
from ci.reporting.summary import to_summary
from ci.reporting.wording import listed, one_line
from ci.text import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.model import RunReport

FILES = ("report.json", "index.html", "junit.xml", "results.sarif", "summary.md")
COMMANDS = "commands"  # of a rehearsal: the report of each
FOLDERS = ("logs", "artifacts", COMMANDS)
UNFINISHED = ".shipway-"  # what a killed run left is no stranger's
IGNORE = ".gitignore"  # holds "*": a report written into a repository is no change of it


def write_report(
    report: RunReport,
    directory: Path,
    *,
    artifacts: Mapping[str, bytes],
    logs: Mapping[str, str],
    keep: str | None = None,
) -> tuple[Path, ...]:
    """Write the whole report and return its files, report.json first.

    `artifacts` are contents by the names that the report's checks and failures use, `logs` are texts by the id of
    their check. `keep` is a folder of the earlier report that stays, the earlier one being of the same run. The new
    report is written whole before an earlier one in `directory` is touched, and that one comes back where the new
    one cannot take its place. Who is killed in the instant between the two renames leaves both of them in a hidden
    directory beside, which git does not see.
    Raises UsageError when `directory` holds anything else or cannot be written, DiskFullError when there is no room.
    """
    with _said_plainly(directory):
        directory = directory.resolve()
        _refuse_strangers(directory)
        contents = _contents(report, artifacts, logs)
        if keep is not None or _is_fixed(directory):
            _fill(directory, contents, keep=keep)
        else:
            _exchange(directory, contents)
    return tuple(directory / name for name in contents)


def refuse(directory: Path) -> None:
    """Raise UsageError or DiskFullError where no report could be written, as far as that can be told beforehand.

    A directory is made and removed where the report's own would be made; nothing is left.
    """
    with _said_plainly(directory):
        directory = directory.resolve()
        _refuse_strangers(directory)
        ground = directory if _is_fixed(directory) else directory.parent
        while not ground.exists():
            ground = ground.parent
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=ground):
            pass


def _is_fixed(directory: Path) -> bool:
    """Say whether a directory can be filled and not be renamed: a mount point, as in a container, or another's."""
    return directory.is_mount() or (directory.exists() and not os.access(directory.parent, os.W_OK))


def _contents(report: RunReport, artifacts: Mapping[str, bytes], logs: Mapping[str, str]) -> dict[str, bytes]:
    files = {artifact_path(name): content for name, content in artifacts.items()}
    files |= {log_path(name): clean(text).encode() for name, text in logs.items()}
    folders = {parent.as_posix() for name in files for parent in Path(name).parents}
    lost = sorted(folders & files.keys())
    if lost:
        notice = f"{count(len(lost), 'file')} could not be kept, a folder has the same name: {listed(lost)}"
        report = replace(report, notices=(*report.notices, notice))
    report = with_safe_names(report)
    page = to_html(report, artifacts=artifacts, logs=logs.keys())
    texts = (to_json(report), page, to_junit(report), to_sarif(report), to_summary(report))
    drawn = {name: text.encode() for name, text in zip(FILES, texts, strict=True)}
    kept = {name: content for name, content in files.items() if name not in lost}
    return {**drawn, IGNORE: b"*\n", **kept}


def _refuse_strangers(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file", hint="give --report a directory")
    if not directory.exists():
        return
    held = sorted(entry.name for entry in directory.iterdir() if not entry.name.startswith(UNFINISHED))
    if not held:
        return
    try:
        document = json.loads((directory / "report.json").read_text(encoding="utf-8"))
        ours = str(document["tool"]).startswith("shipway")
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise UsageError(f"{directory} is not empty and holds no report of Shipway", hint="give --report another DIR")
    strange = [one_line(name) for name in held if name not in (*FILES, *FOLDERS, IGNORE)]
    if strange:
        raise UsageError(
            f"{directory} holds {listed(strange)} beside a report of Shipway", hint="move it away, or give another DIR"
        )


def _exchange(directory: Path, contents: Mapping[str, bytes]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        Path(beside, IGNORE).write_bytes(b"*\n")  # first of all: a killed run leaves no change in a repository
        _write(new, contents)
        if directory.exists():
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise


def _fill(directory: Path, contents: Mapping[str, bytes], *, keep: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=directory) as within:
        new = Path(within, "new")
        _write(new, contents)
        for name in (*FOLDERS, IGNORE, *reversed(FILES)):  # report.json comes last: it says that this is whole
            if name != keep and (directory / name).is_dir():
                shutil.rmtree(directory / name)
            if (new / name).exists():
                (new / name).replace(directory / name)


def _write(directory: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextlib.contextmanager
def _said_plainly(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFullError(
                f"no room is left for the report in {directory}", hint="free some space, or give another DIR"
            ) from error
        raise UsageError(
            f"{directory} cannot be written: {error.strerror or error}", hint="give --report another DIR"
        ) from error
    except RuntimeError as error:  # Path.resolve
        raise UsageError(f"{directory} is a link that leads to itself", hint="give --report another DIR") from error
