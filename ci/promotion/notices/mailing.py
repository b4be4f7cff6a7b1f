"""A story as a mail: its text stands alone, its HTML says it again, the report goes with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from ci.promotion.notices import wording
from ci.promotion.notices.story import Ending
from ci.text import first_line
from ci.vendors.mail import Attachment, Mail

if TYPE_CHECKING:
    from ci.promotion.notices.story import Story

LONGEST_SUBJECT = 200  # characters
HEADERS = {"Auto-Submitted": "auto-generated"}  # so that no absent person's program answers
REPORT = "report.html"
# How it looks: what is well is green, what nobody knows is amber, what is not well is red.
COLOURS = {True: "safe", False: "unsafe", None: "unknown"}


def mail(story: Story, *, sender: str, to: tuple[str, ...]) -> Mail:
    """Return the mail, the same one each time."""
    attached = (Attachment(name=REPORT, content=story.report),) if story.report is not None else ()
    return Mail(
        sender=sender,
        to=to,
        subject=first_line(wording.subject(story), LONGEST_SUBJECT),
        text=to_text(story),
        html=to_html(story),
        attachments=attached,
        headers=HEADERS,
    )


def to_text(story: Story) -> str:
    """Return the story for a reader without HTML, and for the terminal: what matters first."""
    parts = [
        f"{wording.headline(story)}.\n{wording.safety(story)}",
        f"WHAT HAPPENED: {story.what}\n{_set_in(story.reason)}",
        f"{wording.blame(story)}",
    ]
    if story.command or story.advice:
        told = "\n\n".join(filter(None, (story.advice, f"    {story.command}" if story.command else "")))
        parts.append(f"WHAT IS NEXT\n{told}")
    width = max(len(name) for name, _ in wording.facts(story))
    parts.append("\n".join(f"{name:<{width}}  {value}" for name, value in wording.facts(story)))
    if story.rulings:
        parts.append(
            "RULINGS\n" + "\n".join(f"{each.ruling:<12}  {each.gate}: {each.reason}" for each in story.rulings)
        )
    if story.links:
        parts.append("WHERE TO LOOK\n" + "\n".join(f"{each.name}: {each.address}" for each in story.links))
    parts += [f"LOG OF {each.name}\n{_set_in(each.text)}" for each in story.excerpts]
    if story.report is not None:
        parts.append(f"The whole report is attached: {REPORT}.")
    return "\n\n".join(parts) + "\n"


def to_html(story: Story) -> str:
    """Return the story as a page that needs nothing from elsewhere. All that is in it is escaped."""
    return (
        _environment()
        .get_template("mail.html.j2")
        .render(
            story=story,
            colour="unsafe" if story.ending is Ending.MIXED else COLOURS[story.safe],
            headline=wording.headline(story),
            safety=wording.safety(story),
            blame=wording.blame(story),
            facts=wording.facts(story),
            subject=wording.subject(story),
            attached=REPORT if story.report is not None else None,
        )
    )


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ci.promotion.notices"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _set_in(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.split("\n"))
