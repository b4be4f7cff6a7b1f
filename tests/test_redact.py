from __future__ import annotations

import base64
import gzip
import html
import io
import json
import random
import shlex
import string
import tarfile
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.errors import UsageError
from ci.model import Execution, StepRun
from ci.redact import Redactor

TOKEN_CHARACTERS = string.ascii_letters + string.digits + "_-"
PASSWORD_CHARACTERS = TOKEN_CHARACTERS + "!\"#$%&'()*+,/:;<=>?@[]^`{|}~\\ é"
REPOSITORY = Path(__file__).parent.parent

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 after one byte": lambda value: base64.b64encode(b":" + value.encode() + b"\n").decode(),
    "base64 after two bytes": lambda value: base64.b64encode(b"u:" + value.encode() + b"\n!").decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(b"me:" + value.encode()).decode().rstrip("="),
    "URL": lambda value: urllib.parse.quote(value, safe=""),
    "URL, lower case": lambda value: "".join(
        mark if mark in TOKEN_CHARACTERS else "".join(f"%{byte:02x}" for byte in mark.encode()) for mark in value
    ),
    "URL, everything": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "URL twice": lambda value: urllib.parse.quote(urllib.parse.quote(value, safe=""), safe=""),
    "form": urllib.parse.quote_plus,
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps(json.dumps({"value": value})),
    "JSON with slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "JSON, everything": lambda value: "".join(f"\\u{ord(mark):04x}" for mark in value),
    "hexadecimal": lambda value: value.encode().hex(),
    "hexadecimal, upper case": lambda value: value.encode().hex().upper(),
    "a Node buffer": lambda value: f"<Buffer {value.encode().hex(' ')}>",
    "bytes as numbers": lambda value: json.dumps(list(value.encode())),
    "Python": repr,
    "Python bytes": lambda value: repr(value.encode()),
    "HTML": html.escape,
    "HTML numbers": lambda value: "".join(f"&#{ord(mark)};" for mark in value),
    "shell": shlex.quote,
    "shell in double quotes": lambda value: '"' + "".join("\\" + m if m in '"\\$`' else m for m in value) + '"',
}


def values(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        characters = rng.choice([TOKEN_CHARACTERS, PASSWORD_CHARACTERS, string.hexdigits.lower()])
        size = rng.choice([8, 12, 20, 32, 40, 100])
        made.append("a1" + "".join(rng.choices(characters, k=size - 4)) + "z9")
    return made


def wrap(text: str, rng: random.Random) -> str:
    """Break a text as a terminal, a frame or a colouring tool does."""
    width = rng.randint(20, 200)
    indent, end = rng.choice([("", ""), ("    ", ""), ("\t", "  "), ("│ ", " │"), ("  ┃  ", ""), ("\x1b[2m│\x1b[0m ", "\x1b[0K")])
    lines = []
    for at in range(0, len(text), width):
        line = text[at : at + width]
        if rng.random() < 0.5:
            cut = rng.randrange(len(line) + 1)
            line = line[:cut] + rng.choice(["\x1b[31m", "\x1b[0m", "\x1b[1;38;5;208m", "\x1b[K"]) + line[cut:]
        lines.append(f"{indent}{line}{end}")
    return rng.choice(["\n", "\r\n"]).join(lines)


def residue(text: str, form: str, size: int = 8) -> list[str]:
    """Return the windows of a secret's form that are left in a text, once its breaks are undone."""
    flat = "".join(mark for mark in text if mark not in "\r\n\t │┃")
    bare = form.replace(" ", "")
    return [bare[at : at + size] for at in range(len(bare) - size + 1) if bare[at : at + size] in flat]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_survives_on_one_line(form: str) -> None:
    for value in values(seed=1, count=60):
        written = FORMS[form](value)
        redacted = Redactor({"API_KEY": value}).text(f"before {written} after")
        assert "[redacted API_KEY]" in redacted, value
        assert redacted.startswith("before ")
        assert redacted.endswith(" after")
        assert len(redacted) < len("before [redacted API_KEY] after") + 20, (value, redacted)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_survives_a_line_break_or_a_colour(form: str) -> None:
    rng = random.Random(2)
    for value in values(seed=3, count=60):
        written = FORMS[form](value)
        lead = "x" * rng.randint(0, 60)
        redacted = Redactor({"API_KEY": value}).text(wrap(f"{lead} {written} after", rng))
        assert "[redacted API_KEY]" in redacted, (value, wrap(written, rng))
        assert not residue(redacted.replace("[redacted API_KEY]", ""), written, size=10), (value, redacted)
