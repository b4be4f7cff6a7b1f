"""[environments.NAME.notify]: who is told when something goes wrong there, and when it is over, and how."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ci.fields import Port, Reference, Text, Vendor, complaint
from ci.settings.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping


_PLAIN = r"[^\s<>\",;@]+@[^\s<>\",;@]+"
_MAILBOX = re.compile(rf"{_PLAIN}|[^<>\",;@]+ <{_PLAIN}>")


def _check_mailbox(value: str) -> str:
    if not (value.isascii() and value.isprintable() and _MAILBOX.fullmatch(value)):
        raise complaint('expected one e-mail address: "team@example.com" or "Team <team@example.com>"')
    return value


Mailbox = Annotated[str, AfterValidator(_check_mailbox)]


class Resend(Table):
    """Mails by Resend."""

    key: Reference = Field(description="An API key that may send, by reference.")
    address: Vendor = Field(default="https://api.resend.com", description="Where its API is, for a stand-in of it.")


class Smtp(Table):
    """Mails by a mail server."""

    host: Text = Field(description="Its name.")
    port: Port | None = Field(default=None, description="Its port; without it 587, or 465 with `tls`.")
    tls: bool = Field(
        default=False,
        description="Whether it speaks TLS from the first byte on; else STARTTLS, which only this machine may lack.",
    )
    user: Text | None = Field(default=None, description="Whom to log in as; without it nobody does.")
    password: Reference | None = Field(default=None, description="The user's password, by reference.")

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) is not (self.password is None):
            raise complaint("expected `user` and `password` together, or none of them")
        return self

    @property
    def address(self) -> str:
        """Where it is, as smtp://host or smtps://host with the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'smtps' if self.tls else 'smtp'}://{host}{f':{self.port}' if self.port else ''}"


class Email(Table):
    """To whom mails go, and by whom they are carried."""

    sender: Mailbox = Field(alias="from", description="Whom they come from: an address that the carrier may use.")
    to: tuple[Mailbox, ...] = Field(min_length=1, description="Whom they go to.")
    resend: Resend | None = Field(default=None, description="Mails by Resend.")
    smtp: Smtp | None = Field(default=None, description="Mails by a mail server.")

    @model_validator(mode="after")
    def _one_carrier(self) -> Self:
        if (self.resend is None) is (self.smtp is None):
            raise complaint("expected one carrier: `resend` or `smtp`")
        return self


class PagerDuty(Table):
    """Whom PagerDuty wakes; switches are recorded there as changes."""

    key: Reference = Field(description="The routing key of an integration (Events API v2), by reference.")
    address: Vendor = Field(
        default="https://events.pagerduty.com/v2",
        description="Where its API is: accounts in Europe have events.eu.pagerduty.com.",
    )


class Linear(Table):
    """A team at Linear that gets an issue for each incident."""

    key: Reference = Field(description="A personal API key, by reference.")
    team: Text = Field(description="The team's key: that of ENG-12 is ENG.")
    address: Vendor = Field(default="https://api.linear.app", description="Where its API is, for a stand-in of it.")


class Notify(Table):
    """Who is told of incidents, and how. Without any of it, the report tells of them, and `shipway status`."""

    email: Email | None = Field(default=None, description="To whom mails go, and by whom they are carried.")
    pagerduty: PagerDuty | None = Field(default=None, description="Whom PagerDuty wakes.")
    issues: Literal["github", "linear"] | None = Field(
        default=None, description="Where each incident gets an issue; without it, it gets none."
    )
    linear: Linear | None = Field(default=None, description="The team at Linear, where issues are there.")
    monitoring: Vendor | None = Field(default=None, description="Where a person watches it: a link in each notice.")

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where the services are that tell of it, by their tables."""
        found: dict[str, Resend | Smtp | PagerDuty | Linear | None] = {
            "email.resend": self.email.resend if self.email else None,
            "email.smtp": self.email.smtp if self.email else None,
            "pagerduty": self.pagerduty,
            "linear": self.linear,
        }
        return {place: service.address for place, service in found.items() if service is not None}

    @model_validator(mode="after")
    def _issues_have_a_place(self) -> Self:
        if (self.issues == "linear") is not (self.linear is not None):
            hint = 'issues = "linear" and a table `linear`'
            raise complaint("issues at Linear need both the word and the team", hint, at=("issues",))
        return self
