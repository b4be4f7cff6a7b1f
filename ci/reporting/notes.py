"""Release notes in words: what is new between what an environment serves and a candidate.

Subjects and names of authors are text of strangers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.reporting.markdown import code
from ci.reporting.wording import listed, one_line
from ci.text import count, web_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import AppChange, NewCommit, ReleaseNotes

SHORT = 12
SUBJECT, AUTHOR, REASON = 200, 60, 200  # characters
UNKNOWN_PHASE = "phase unknown"


def heading(notes: ReleaseNotes, quoted: Callable[[str], str] = one_line) -> str:
    """`12 commits since 3f2a1c9d7e4b, 1 of 2 apps changed, 1 migration`; commits stand in it as `quoted` has them."""
    since = listed([quoted(each[:SHORT]) for each in notes.since])
    parts = [f"{count(notes.total, 'commit')} since {since}" if since else count(notes.total, "commit")]
    if notes.lost:
        parts.append(f"{count(notes.lost, 'commit')} taken back")
    if notes.apps and all(each.changed is not None for each in notes.apps):
        changed = sum(bool(each.changed) for each in notes.apps)
        parts.append(f"{changed} of {count(len(notes.apps), 'app')} changed")
    if notes.migrations:
        parts.append(count(len(notes.migrations), "migration"))
    return ", ".join(parts)


def brings(commit: NewCommit) -> str:
    """`with 3 commits`; empty for one that is no merge."""
    return f"with {count(commit.brings, 'commit')}" if commit.brings else ""


def change(app: AppChange) -> str:
    """Say in a word whether what an app is built from changed."""
    return {True: "changed", False: "unchanged", None: "not known"}[app.changed]


def rest(notes: ReleaseNotes) -> str:
    """`and 7 more`; empty where all are listed."""
    return f"and {notes.more} more" if notes.more else ""


def to_markdown(notes: ReleaseNotes) -> str:
    """Return the notes as Markdown, without a title."""
    compared = web_address(notes.link)
    lines = [f"{heading(notes, code)}{f' ([compare](<{compared}>))' if compared else ''}"]
    commits = [_commit(each) for each in notes.commits]
    commits += [f"- {rest(notes)}"] if notes.more else []
    if commits:
        lines += ["", *commits]
    told = [f"- {code(each.app)} {change(each)}: {code(each.reason, REASON)}" for each in notes.apps]
    told += [
        f"- migration {code(each.name)}: {code(each.phase) if each.phase else UNKNOWN_PHASE}"
        for each in notes.migrations
    ]
    return "\n".join([*lines, *(["", *told] if told else [])])


def _commit(commit: NewCommit) -> str:
    sha, link = code(commit.sha[:SHORT]), web_address(commit.link)
    where = f"[{sha}](<{link}>)" if link else sha
    more = f", {brings(commit)}" if commit.brings else ""
    return f"- {where} {code(commit.subject, SUBJECT)} {code(commit.author, AUTHOR)}{more}"
