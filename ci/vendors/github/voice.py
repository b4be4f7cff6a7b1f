"""Who a token speaks for: what it wrote itself can be told from what others wrote."""

from __future__ import annotations

from http import HTTPStatus

from ci.errors import UsageError, VendorError
from ci.vendors.exchange import Exchange
from ci.vendors.github.values import Account


class Voice:
    """The account of a token, asked once. An app's token may not ask: whoever has one says its login."""

    def __init__(self, exchange: Exchange, login: str | None = None) -> None:
        """Take the way there, and the login where it is known."""
        self.exchange = exchange
        self._login = login

    async def account(self) -> Account:
        """Return the account of a person's token. Raises VendorError, with status 403 for an app's."""
        answer = await self.exchange.ask("GET", "/user")
        return self.exchange.read(answer, Account, what="an account")

    async def login(self) -> str:
        """Return the login. Raises VendorError."""
        if self._login is None:
            try:
                self._login = (await self.account()).login
            except VendorError as error:
                if error.status == HTTPStatus.FORBIDDEN:
                    error.hint = "an app's token cannot ask who it is: name its login"
                raise
        return self._login

    async def said(self, author: str | None) -> bool:
        """Whether an author is who the token speaks for. Raises VendorError."""
        return author is not None and author.lower() == (await self.login()).lower()

    async def hear(self, author: str | None) -> None:
        """Take note of whom GitHub named as the author of what was just written.

        Raises UsageError where it is somebody else than the login says: what is ours would not be found again.
        """
        if not await self.said(author):
            raise UsageError(
                f"on GitHub the token speaks for {author}, not for {self._login}", hint="name the login as it is"
            )
