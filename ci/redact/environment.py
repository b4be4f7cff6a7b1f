"""Which variables and which lines of .npmrc are secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.errors import UsageError
from ci.redact.forms import SHORTEST, decode_base64, is_plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEY)S?|PASS|PAT|AUTH|PWD|KEYS?|DSN)"
    r"(?:_\w*)?$|^PGPASSWORD$",
    re.IGNORECASE,
)
_PLACE_NAME = re.compile(r"_(?:FILE|PATH|DIR|SOCK|ID|NAME|URL)$|^(?:OLD)?PWD$", re.IGNORECASE)
_NPMRC = re.compile(r"(?P<owner>.*?)(?P<kind>_authToken|_auth|_password)\s*=\s*(?P<value>.+)")
_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are secret by their name, and the URLs with a password in them.

    A guess from a name is not followed where the value is a mere word, a number or a path: it would be
    found all over a log.
    """
    return {name: value for name, value in environment.items() if _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    if len(value) < SHORTEST or is_plain(value):
        return False
    if _has_password(value):
        return True
    if _PLACE_NAME.search(name) or value.startswith(("/", "./", "~/")):
        return False
    return _SECRET_NAME.search(name) is not None


def _has_password(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False


def tokens(npmrc: Path, environment: Mapping[str, str], *, name: str = "npmrc") -> dict[str, str]:
    """Return the tokens and passwords of an .npmrc file, decoded where they are in base64; none without a file.

    Where one is taken from a variable of the environment (`${NODE_AUTH_TOKEN}`), its value is meant, whatever the
    variable is called. `name` says which file it is. Raises UsageError when the file is there and cannot be read.
    """
    try:
        text = npmrc.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f".npmrc cannot be read: {error.strerror}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _NPMRC.fullmatch(line.strip())
        written = match["value"] if match else line.partition("=")[2]
        value = _VARIABLE.sub(lambda variable: environment.get(variable[1], ""), written.strip().strip("\"'"))
        if match is None:
            value = (urlsplit(value).password if _has_password(value) else None) or ""
        if len(value) < SHORTEST:
            continue
        kind = match["kind"].lstrip("_") if match else "password"
        token = f"{name} {kind} of line {number}"
        found[token] = value
        decoded = decode_base64(value) if match and match["kind"] != "_authToken" else None
        if decoded and len(decoded.rpartition(":")[2]) >= SHORTEST:
            found[f"{token}, decoded"] = decoded.rpartition(":")[2] if kind == "auth" else decoded
    return found
