"""Whether those who are to be told can be: found by reads alone, nobody is disturbed."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from ci.errors import VendorError
from ci.promotion.findings import fine, wrong
from ci.vendors.resend import Resend
from ci.vendors.smtp import Smtp

if TYPE_CHECKING:
    from ci.promotion.connected import Connected
    from ci.promotion.findings import Findings
    from ci.settings.notify import Email
    from ci.settings.notify import Linear as Board
    from ci.vendors.linear import Linear
    from ci.vendors.pagerduty import PagerDuty

SENDS_ONLY = "restricted_api_key"
VERIFIED, ENABLED = "verified", "enabled"
MAIL, PAGE, ISSUES = "e-mail", "PagerDuty", "issues"


def mails(made: Connected) -> Findings | None:
    """Look at who carries mails; None where nobody does."""
    email, carrier = made.settings.notify.email, made.mail
    if email is None:
        return None
    if isinstance(carrier, Resend):
        return _resend(carrier, email)
    return _smtp(carrier, email) if isinstance(carrier, Smtp) else None


def pages(made: Connected) -> Findings | None:
    """Look at who wakes people; None where nobody does."""
    return _pagerduty(made.pagerduty) if made.pagerduty is not None else None


def issues(made: Connected) -> Findings | None:
    """Look at where issues are; None where none are opened."""
    notify = made.settings.notify
    if notify.linear is not None and made.linear is not None:
        return _linear(made.linear, notify.linear)
    return _github() if notify.issues == "github" and made.github is not None else None


async def _resend(resend: Resend, email: Email) -> Findings:
    domain = parseaddr(email.sender)[1].rpartition("@")[2].lower()
    try:
        known = {each.name.lower(): each for each in await resend.domains()}
    except VendorError as error:
        if error.code != SENDS_ONLY:
            raise
        yield fine(MAIL, f"Resend takes the key, which may send and cannot tell whether as {domain}")
        return
    found = known.get(domain)
    if found is None:
        yield wrong(MAIL, f"Resend has no domain {domain} for this key", "add it there, or send from another")
    elif found.status != VERIFIED or found.capabilities.sending != ENABLED:
        says = f"Resend sends nothing from {domain}: it is {found.status}, sending is {found.capabilities.sending}"
        yield wrong(MAIL, says, "set the records that Resend asks for")
    else:
        yield fine(MAIL, f"Resend sends from {domain} to {_receivers(email)}")


async def _smtp(server: Smtp, email: Email) -> Findings:
    await server.check()
    yield fine(MAIL, f"{server.server.place} lets us in, for mails to {_receivers(email)}")


async def _pagerduty(pager: PagerDuty) -> Findings:
    """It has no read side: only an event would prove the key."""
    if not pager.has_a_key:
        yield wrong(PAGE, "the key is none of an integration: those have 32 letters and figures", "copy it anew")
        return
    changes = "" if pager.takes_changes else "; it is that of a ruleset, which takes no changes"
    yield fine(PAGE, f"the key looks like one of an integration, which only a page would prove{changes}")


async def _linear(linear: Linear, board: Board) -> Findings:
    workspace = await linear.workspace()
    if await linear.team(board.team) is None:
        yield wrong(ISSUES, f"there is no team {board.team} in {workspace.name} at Linear", "name one by its key")
    else:
        yield fine(ISSUES, f"Linear: team {board.team} of {workspace.name}, as {workspace.user}")


async def _github() -> Findings:
    """Whether they are on is among what is looked at there."""
    yield fine(ISSUES, "GitHub: one for each incident")


def _receivers(email: Email) -> str:
    return ", ".join(email.to)
