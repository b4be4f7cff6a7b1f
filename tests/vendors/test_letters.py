"""Mails by strangers, made to break who reads them."""

from __future__ import annotations

import pytest

from ci.vendors import letters

CHARSETS = ["undefined", "idna", "punycode", "utf\\0x", "hex", "rot13", "unicode_escape", "x" * 5000, "mbcs", ""]
HEAD = b"From: a@b.test\r\nTo: c@d.test\r\nMessage-ID: <1@b.test>\r\nSubject: it is here\r\n"


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_text_in_an_encoding_that_is_none_is_read_byte_by_byte(charset: str) -> None:
    kind = f'Content-Type: text/plain; charset="{charset}"'.encode()
    letter = letters.read(HEAD + kind + b"\r\n\r\nthe word is 4711 \xff\r\n", identity="1")
    assert (letter.message_id, letter.to) == ("<1@b.test>", ("c@d.test",))
    assert letter.holds("4711") or charset in {"hex", "rot13", "punycode", "idna", "undefined"}


@pytest.mark.parametrize(
    "more",
    [
        b'Content-Type: text/plain; charset="utf\x008"\r\n',
        b"Content-Type: text/plain; charset*=undefined'x'%ff\r\n",
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
        b"Content-Disposition: =?x?=; a*0*=''%\r\n",
        b"Cc: " + b"(" * 20_000 + b"\r\n",
        b"Cc: =?undefined?q?hi?= <e@f.test>\r\n",
    ],
)
def test_whatever_else_stands_in_it_its_own_headers_are_read(more: bytes) -> None:
    letter = letters.read(HEAD + more + b"\r\nhi", identity="1")
    assert (letter.message_id, letter.sender, letter.subject) == ("<1@b.test>", "a@b.test", "it is here")
    assert letter.to[0] == "c@d.test"


@pytest.mark.parametrize(
    "word", [b"=?utf\x008?q?hi?=", b"=?undefined?q?hi?=", b"=?idna?q?=FF=FE?=", b"=?utf-8?b?////?="]
)
def test_a_header_that_nobody_can_decode_is_some_text(word: bytes) -> None:
    assert isinstance(letters.read(b"Subject: " + word + b"\r\n\r\nhi", identity="1").subject, str)
