"""A story as an issue in Markdown, its end as a comment.

Text of strangers stands in code alone, fenced longer than any run of backticks in it: there it mentions nobody, refers
to no issue and closes none. It holds no mark of ours either, by which another issue would be found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.promotion.notices import wording
from ci.reporting.markdown import block, code

if TYPE_CHECKING:
    from ci.promotion.notices.story import Link, Over, Story

LONGEST_TITLE = 200  # characters
_STRANGE = re.compile(r"[^\w .,:;()'-]+", re.ASCII)  # what could be a mention, a reference or markup in a title
_REFERENCE = re.compile(r"\b(GH)-(?=[0-9])", re.IGNORECASE)
_HUB = "github"  # a link there would be a reference to what is at it


def title(story: Story) -> str:
    """Return the title: our words, and of others' only letters and figures."""
    found = f"{wording.headline(story)}: {story.what} on {wording.short(story.commit)}"
    found = " ".join(_REFERENCE.sub(r"\1 ", _STRANGE.sub(" ", found)).split())
    return found if len(found) <= LONGEST_TITLE else f"{found[: LONGEST_TITLE - 1]}…"


def body(story: Story) -> str:
    """Return the whole story."""
    parts = [f"**{wording.safety(story)}** {wording.blame(story)}", "### What happened", _quoted(story.reason)]
    if story.rulings:
        parts.append(
            "\n".join(f"- {_code(f'{each.gate} {each.ruling}')} {_code(each.reason)}" for each in story.rulings)
        )
    if story.advice:
        parts += ["### Recommended fix", _quoted(story.advice)]
    if story.command:
        parts += ["### Next", _quoted(story.command)]
    parts += ["### In figures", "\n".join(f"- {name}: {_code(value)}" for name, value in wording.facts(story))]
    if story.links:
        parts += ["### Where to look", "\n".join(map(_link, story.links))]
    for each in story.excerpts:
        parts += [f"### Log of {_code(each.name)}", _quoted(each.text)]
    return "\n\n".join(parts)


def ending(over: Over) -> str:
    """Return what is said at the end."""
    return wording.ended(over)


def _link(link: Link) -> str:
    host = urlsplit(link.address).hostname or ""
    shown = _code(link.address) if _HUB in host else f"<{link.address}>"
    return f"- {_code(link.name)}: {shown}"


def _quoted(text: str) -> str:
    return block(_unmarked(text))


def _code(text: str) -> str:
    return code(_unmarked(text))


def _unmarked(text: str) -> str:
    return text.replace("<!--", "<! --")
