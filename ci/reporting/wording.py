"""Numbers put into words, and text fitted into lines: the same in every report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from ci.model import CheckRun, Counts, Measure, Status
from ci.text import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable

GLYPHS = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.ERROR: "!",
    Status.SKIPPED: "–",  # noqa: RUF001 - a dash of its own, so that a skip is no minus sign
    Status.FLAKY: "≈",
}


def one_line(text: str, limit: int = 300) -> str:
    """Return the cleaned text on one line, at most `limit` characters long."""
    flat = " ".join(clean(text[: 8 * limit]).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def fitted(text: str, cells: int) -> str:
    """Return one line of text cut to a width in terminal cells, which wide characters fill by two."""
    flat = one_line(text, max(4 * cells, 4))
    if cell_len(flat) <= cells:
        return flat
    return set_cell_size(flat, cells - 1).rstrip() + "…" if cells > 0 else ""


def shortened(text: str, *, lines: int, width: int) -> str:
    """Return the head and the tail of a cleaned text: at most `lines` lines of at most `width` characters."""
    kept = clean(text).strip("\n").split("\n")
    if len(kept) > lines:
        head = lines // 3
        left_out = len(kept) - lines
        kept = [*kept[:head], f"… {count(left_out, 'line')} left out …", *kept[left_out + head :]]
    return "\n".join(
        line if len(line) <= width else f"{line[:width]} … {len(line) - width} more characters" for line in kept
    )


def listed(names: Iterable[str], limit: int = 4) -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    every = list(names)
    if len(every) > limit:
        every = [*every[: limit - 1], f"{len(every) - limit + 1} more"]
    return " and ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else "".join(every)


def duration(seconds: float) -> str:
    """`0.4 s`, `41.2 s`, `7 m 05 s`, `1 h 02 m`."""
    tenths = round(seconds, 1)
    if tenths < 60:  # noqa: PLR2004 - a minute
        return f"{tenths:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


def against(seconds: float, target: float) -> str:
    """`6.8 s of 60 s`: what a stage took of what it may take."""
    return f"{duration(seconds)} of {target:g} s"


def size(amount: float) -> str:
    """Bytes as `812 B`, `42.3 kB`, `1.20 MB`: decimal, as budgets are written."""
    if abs(amount) < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{amount:.0f} B"
    if abs(amount) < 1_000_000:  # noqa: PLR2004 - a megabyte
        return f"{amount / 1000:.1f} kB"
    return f"{amount / 1_000_000:.2f} MB"


def measured(value: float, measure: Measure) -> str:
    """The value in the measure's unit; a Lighthouse score as the number out of 100 that people know."""
    if measure.unit == "bytes":
        return size(value)
    if measure.unit == "score":
        return f"{value * 100:.0f}"
    return duration(value) if measure.unit == "s" else f"{value:g} {measure.unit}".strip()


def counted(counts: Counts) -> str:
    """`40 tests, 2 failed, 1 flaky`; empty where the tool told nothing."""
    parts = [count(counts.tests, "test")] if counts.tests is not None else []
    parts += [
        f"{many} {word}"
        for many, word in ((counts.failed, "failed"), (counts.flaky, "flaky"), (counts.skipped, "skipped"))
        if many
    ]
    parts += [count(counts.files, "file")] if counts.files is not None else []
    parts += [count(counts.warnings, "warning")] if counts.warnings else []
    return ", ".join(parts)


def spent(check: CheckRun) -> float:
    """Return the seconds that a check took in this run: a cached one's are those of the run it came from."""
    return 0.0 if check.cached_from else check.seconds


def outcome(check: CheckRun) -> str:
    """The status of a check in a word; `cached` is a pass of an earlier run and never called anything else."""
    return "cached" if check.cached_from and check.status is Status.PASSED else check.status.value
