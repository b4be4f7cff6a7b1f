"""The report's directory: report.json, what is drawn from it, logs and artifacts; all of it, or nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ci.errors import DiskFullError, UsageError
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
FOLDERS = ("logs", "artifacts")
IGNORE = ".gitignore"  # holds "*": a report written into a repository is no change of it


def write_report(
    report: RunReport, directory: Path, *, artifacts: Mapping[str, bytes], logs: Mapping[str, str]
) -> tuple[Path, ...]:
    """Write the whole report and return its files, report.json first.

    `artifacts` are contents by the names that the report's checks and failures use, `logs` are texts by the id of
    their check. An earlier report in `directory` is replaced in one step; until then it stays as it was.
    Raises UsageError when `directory` holds anything else or cannot be written, DiskFullError when there is no room.
    """
    directory = directory.resolve()
    with _said_plainly(directory):
        refuse_strangers(directory)
        contents = _contents(report, artifacts, logs)
        if directory.is_mount():  # as in a container: the directory itself cannot be renamed, what it holds can
            _fill(directory, contents)
        else:
            _exchange(directory, contents)
    return tuple(directory / name for name in contents)


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


def refuse_strangers(directory: Path) -> None:
    """Raise UsageError where a report would take the place of something that is none."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file", hint="give --report a directory")
    if not directory.exists() or not (held := sorted(entry.name for entry in directory.iterdir())):
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
        _write(new, contents)
        if directory.exists():
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise


def _fill(directory: Path, contents: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix=".shipway-", dir=directory) as within:
        new = Path(within, "new")
        _write(new, contents)
        for name in (*FOLDERS, IGNORE, *reversed(FILES)):  # report.json comes last: it says that this is whole
            if (directory / name).is_dir():
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
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"no room is left for the report in {directory}", hint="free some space, or give another DIR"
            ) from error
        raise UsageError(f"{directory} cannot be written: {error.strerror or error}") from error
