"""Files: texts are redacted, archives opened, redacted and packed again, what cannot be is withheld."""

from __future__ import annotations

import base64
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_BYTES = 256 * 1024 * 1024  # that all archives of one file may unpack to
_MOST_MEMBERS = 20_000
_DEEPEST = 4
_DATE = (1980, 1, 1, 0, 0, 0)

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"\x1a\x45\xdf\xa3")
_CLOSED = {
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"%PDF": "PDF",
}
_READABLE = re.compile(rb"[\t\n\r\x1b -~]{6,}")
_ENCLOSED = re.compile(r"(data:application/(?:zip|x-zip-compressed|gzip);base64,)([A-Za-z0-9+/]+={0,2})")

# What the readers of archives raise for broken ones; bz2 says OSError, and tarfile trips over broken headers.
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(OSError, EOFError, ValueError, NotImplementedError, IndexError, OverflowError),
)


class WithheldError(Exception):
    """This file cannot be made safe; the message says why."""


class FileRedactor:
    """Redacts one file, with a budget for all that is packed in it."""

    def __init__(
        self, *, text: Callable[[str], str], holds: Callable[[str], str | None], values: Mapping[str, str]
    ) -> None:
        """Redact texts by `text`; `holds` and `values`, value -> name, find the secret in what cannot be changed."""
        self._text = text
        self._values = values
        self._holds = holds
        self._bytes = _MOST_BYTES
        self._members = _MOST_MEMBERS

    def redact(self, content: bytes) -> bytes:
        """Return the content without secrets, the same object where there are none. Raises WithheldError."""
        try:
            return self._redact(content, depth=0)
        except BROKEN as error:
            raise WithheldError(f"an archive in it cannot be read ({type(error).__name__})") from error

    def _redact(self, content: bytes, *, depth: int) -> bytes:
        if depth > _DEEPEST:
            raise WithheldError(f"archives in it are nested more than {_DEEPEST} deep")
        if content.startswith((b"PK\x03\x04", b"PK\x05\x06")) or (b"PK\x05\x06" in content[-70_000:]):
            return self._zip(content, depth)
        if content.startswith(b"\x1f\x8b"):
            return self._gzip(content, depth)
        if content[257:262] == b"ustar":
            return self._tar(content, depth)
        if kind := next((kind for magic, kind in _CLOSED.items() if content.startswith(magic)), None):
            raise WithheldError(f"it holds {kind} data, which is not looked into")
        return self._plain(content, depth)

    def _plain(self, content: bytes, depth: int) -> bytes:
        image = content.startswith(_IMAGES) or content[4:8] == b"ftyp" or content[8:12] == b"WEBP"
        text, encoding = (None, "") if image else _read(content)
        if text is not None:
            redacted = self._text(_ENCLOSED.sub(lambda match: self._enclosed(match, depth), text))
            return content if redacted == text else redacted.encode(encoding, errors="surrogatepass")
        secret = next(
            (name for value, name in self._values.items() if value.encode(errors="surrogateescape") in content), None
        )
        if secret is None and not image:
            secret = self._holds(_strings(content)) or self._holds(_strings(content.replace(b"\0", b"")))
        if secret is not None:
            raise WithheldError(f"it is not text and holds {secret}")
        return content

    def _enclosed(self, match: re.Match[str], depth: int) -> str:
        content = base64.b64decode(match[2])
        redacted = self._redact(content, depth=depth + 1)
        return match[0] if redacted is content else match[1] + base64.b64encode(redacted).decode()

    def _spend(self, size: int) -> None:
        self._bytes -= size
        self._members -= 1
        if self._bytes < 0 or self._members < 0:
            raise WithheldError(f"it unpacks to more than {_MOST_BYTES} bytes or {_MOST_MEMBERS} files")

    def _zip(self, content: bytes, depth: int) -> bytes:
        members: list[tuple[zipfile.ZipInfo, bytes]] = []
        changed = False
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                if info.flag_bits & 1:
                    raise WithheldError("an archive in it is encrypted")
                with archive.open(info) as file:
                    data = file.read(self._bytes + 1)
                self._spend(len(data))
                redacted = self._redact(data, depth=depth + 1)
                name = self._text(info.filename)
                changed = changed or redacted is not data or name != info.filename or bool(info.comment or info.extra)
                members.append((_zip_info(name, info), redacted))
            changed = changed or bool(archive.comment) or not content.startswith(b"PK")
        if not changed:
            return content
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for info, data in members:
                archive.writestr(info, data)
        return packed.getvalue()

    def _gzip(self, content: bytes, depth: int) -> bytes:
        parts: list[bytes] = []
        rest = content
        while rest:
            inflate = zlib.decompressobj(wbits=31)
            parts.append(inflate.decompress(rest, self._bytes + 1))
            self._spend(len(parts[-1]))
            if not inflate.eof:
                raise EOFError
            rest = inflate.unused_data.lstrip(b"\0")
        data = b"".join(parts)
        redacted = self._redact(data, depth=depth + 1)
        # The header may hold a name and a comment: only a plain one is kept as it is.
        return content if redacted is data and content[3] == 0 else gzip.compress(redacted, mtime=0)

    def _tar(self, content: bytes, depth: int) -> bytes:
        packed = io.BytesIO()
        changed = False
        with (
            tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as copy,
        ):
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                self._spend(member.size if file else 0)
                data = file.read() if file else b""
                redacted = self._redact(data, depth=depth + 1)
                fresh = tarfile.TarInfo(self._text(member.name))
                fresh.type, fresh.mode, fresh.mtime = member.type, member.mode, member.mtime
                fresh.linkname, fresh.size = self._text(member.linkname), len(redacted)
                changed = (
                    changed or redacted is not data or (fresh.name, fresh.linkname) != (member.name, member.linkname)
                )
                copy.addfile(fresh, io.BytesIO(redacted))
        if not changed and self._holds(_strings(content)) is None:
            return content
        return packed.getvalue()


def _zip_info(name: str, info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    fresh = zipfile.ZipInfo(name, _DATE)
    fresh.external_attr = info.external_attr
    fresh.compress_type = zipfile.ZIP_STORED if info.compress_type == zipfile.ZIP_STORED else zipfile.ZIP_DEFLATED
    return fresh


def _read(content: bytes) -> tuple[str | None, str]:
    """Return a text file's text and encoding, or None."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None, ""
    return (None, "") if encoding == "utf-8" and "\0" in text else (text, encoding)


def _strings(content: bytes) -> str:
    """Return what can be read in any bytes."""
    return b"\0".join(_READABLE.findall(content)).decode()
