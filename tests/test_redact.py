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
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.errors import UsageError
from ci.model import Execution, StepRun
from ci.redact import Redactor, WithheldError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
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


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same dice in every run


def values(seed: int, count: int) -> list[str]:
    rng = dice(seed)
    made = []
    for _ in range(count):
        characters = rng.choice([TOKEN_CHARACTERS, PASSWORD_CHARACTERS, string.hexdigits.lower()])
        size = rng.choice([8, 12, 20, 32, 40, 100])
        made.append("a1" + "".join(rng.choices(characters, k=size - 4)) + "z9")
    return made


def wrap(text: str, rng: random.Random) -> str:
    """Break a text as a terminal, a frame or a colouring tool does."""
    width = rng.randint(20, 200)
    indent, end = rng.choice(
        [("", ""), ("    ", ""), ("\t", "  "), ("│ ", " │"), ("  ┃  ", ""), ("\x1b[2m│\x1b[0m ", "\x1b[0K")]
    )
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
    rng = dice(2)
    for value in values(seed=3, count=60):
        written = FORMS[form](value)
        lead = "x" * rng.randint(0, 60)
        redacted = Redactor({"API_KEY": value}).text(wrap(f"{lead} {written} after", rng))
        assert "[redacted API_KEY]" in redacted, (value, wrap(written, rng))
        assert not residue(redacted.replace("[redacted API_KEY]", ""), written, size=10), (value, redacted)


def test_no_look_at_a_growing_text_shows_a_piece_of_a_secret() -> None:
    rng = dice(4)
    for value in values(seed=5, count=100):
        redactor = Redactor({"API_KEY": value, "OTHER": "ab12" + value[::-1]})
        form, key = rng.choice(list(FORMS.values()))(value), "".join(rng.choices(TOKEN_CHARACTERS, k=40))
        lines = "".join(f"✓ test {number} passed in {number} ms\n" for number in range(rng.choice([0, 1, 60])))
        text = lines + wrap(f"one {form} two\nthree Authorization: Bearer {key}", rng) + f"\n{lines}"
        for _ in range(20):
            end = rng.randrange(len(text) + 1)
            shown = redactor.last_line(text[max(0, end - 2000) : end]).replace("[redacted API_KEY]", "")
            assert not residue(shown, form, size=max(8, 4 * -(-len(form) // len(value)))), (text, end)
            assert not residue(shown, key), (text, end)


def test_a_look_at_a_growing_text_holds_back_no_more_than_it_must() -> None:
    redactor = Redactor({"API_KEY": "a1b2c3d4e5f6"})
    assert redactor.last_line("one\n42 tests passed\n\n") == "42 tests passed"
    assert redactor.last_line("one\n41 of 42 tests") == "41 of 42 tests"
    assert redactor.last_line("10 %\r20 %") == "20 %"
    assert redactor.last_line("the key a1b2c3") == "the key"
    assert redactor.last_line("the key a1b2c3 was not it\n") == "the key a1b2c3 was not it"
    assert redactor.last_line("the key a1b2c3d4e5f6 it was\n") == "the key [redacted API_KEY] it was"
    assert redactor.last_line(f"{'x' * 1900}\n42 tests passed\n") == "42 tests passed"
    assert redactor.last_line("") == ""


def test_a_look_into_the_middle_of_a_secret_that_nobody_named_shows_none_of_it() -> None:
    line = "MIIEowIBAAKCAQEA0123456789abcdefMIIEowIBAAKCAQEA0123456789abcdef"
    key = "-----BEGIN PRIVATE KEY-----\n" + f"{line}\n" * 40 + "AKCAQEA=\n-----END PRIVATE KEY-----\n"
    bearer = f"Authorization: Bearer {'a7B9' * 600} and so on\n"
    for text in (f"a key:\n{key}done\n", f"a header:\n{bearer}done\n"):
        for end in range(len(text) - 2296, len(text) + 1, 7):
            shown = Redactor({}).last_line(text[max(0, end - 2000) : end])
            assert "AKCAQEA" not in shown
            assert "a7B9" not in shown
        assert shown == "done"


SHAPES = {
    "Stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Stripe webhook secret": "whsec_" + "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
    "Anthropic key": "sk-ant-" + "api03-abcDEF123_-abcDEF123_-abcDEF",
    "GitHub token": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "npm token": "npm_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "Slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "JSON web token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEowIBAAKCAQEA0123456789abcdef+/MIIE\n" * 5
    + "-----END RSA PRIVATE KEY-----",
    "authorization": "Authorization: Bearer 7d8f9a0b1c2d3e4f5a6b7c8d",
    "password": "postgres://owner:hunter2hunter2@db.internal:5432/app",
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_secret_that_nobody_named_is_known_by_its_shape(name: str) -> None:
    secret = SHAPES[name]
    assert f"[redacted {name}]" in Redactor({}).text(f"saw {secret} here")
    assert f"[redacted {name}]" in Redactor({}).text(json.dumps({"saw": [secret, "here"]}))
    rng = dice(6)
    for _ in range(200):
        redacted = Redactor({}).text(wrap(f"{'x' * rng.randint(0, 60)} {secret} here", rng)).replace("owner:", "")
        assert f"[redacted {name}]" in redacted
        hidden = secret.partition("Bearer ")[2] or secret.partition("owner:")[2].partition("@")[0] or secret
        assert not residue(redacted, "".join(hidden.split("\n")), size=10), redacted


def test_a_token_at_the_end_of_a_line_leaves_the_next_line_alone() -> None:
    for secret in (SHAPES["GitHub token"], SHAPES["Stripe key"], SHAPES["JSON web token"]):
        redacted = Redactor({}).text(f"token {secret}\nHost: example.test\n")
        assert redacted.endswith("]\nHost: example.test\n")


ORDINARY = (
    "postgres://localhost:5432/app is up, http://localhost:3000/@scope/package",
    "http://localhost:5173\n@acme/web:dev: ready",
    "see http://localhost:5173\nme@example.test",
    "DATABASE_URL=postgres://owner:${PASSWORD}@localhost/app, or postgres://owner:<password>@host/app",
    "//registry.example.test/:_authToken=${NPM_TOKEN}",
    "ask-ant-hill core_abcdefgh risk_live_ npm_config_registry=https://registry.example.test eyJ",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
    "sha512-aBcDeF0123456789+/aBcDeF0123456789+/aBcDeF0123456789+/aBcDeF0123456789+/aBcDeF012345Q==",
    "The bearer of this letter; Authorization: required; basic authentication; git@github.com:acme/web.git",
    "\x1b[32m✓\x1b[0m src/a.test.ts (3 tests) 12ms  100%  C:\\new\\table &amp; co. %20",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert Redactor({"API_KEY": "a1b2c3d4e5f6", "URL": "postgres://u:p4ssw0rd@h/d"}).text(text) == text


def test_this_repository_is_ordinary_text() -> None:
    redactor = Redactor({f"SECRET_{number}": value for number, value in enumerate(values(seed=7, count=30))})
    for path in [*REPOSITORY.glob("*.toml"), REPOSITORY / "requirements.txt", *REPOSITORY.glob("docs/*.md")]:
        text = path.read_text()
        assert redactor.text(text) == text, path


def test_redacting_again_changes_nothing() -> None:
    redactor = Redactor({"API_KEY": "a1b2c3d4e5f6"})
    once = redactor.text(f"a1b2c3d4e5f6 {' '.join(SHAPES.values())}")
    assert redactor.text(once) == once


def test_a_name_from_a_stranger_cannot_break_a_document() -> None:
    assert Redactor({'A"]<b>\n': "a1b2c3d4e5f6"}).text("a1b2c3d4e5f6") == "[redacted Ab]"


def test_secrets_that_overlap_go_as_one() -> None:
    redactor = Redactor({"A": "a1b2c3d4e5f6", "B": "e5f6g7h8i9"})
    assert redactor.text("x a1b2c3d4e5f6g7h8i9 y") == "x [redacted A] y"


def test_a_secret_of_any_length_is_found_at_any_place_of_a_long_text() -> None:
    for size in range(6, 20):
        secret = "a1b2c3d4e5f6g7h8i9j0"[:size]
        redactor = Redactor({"API_KEY": secret})
        for lead in range(20):
            assert redactor.text(f"{'.' * lead}{secret[:3]}\n{secret[3:]}...") == f"{'.' * lead}[redacted API_KEY]..."


def test_secrets_with_names_that_look_the_same_are_both_known() -> None:
    assert Redactor({"A!": "a1b2c3d4", "A?": "e5f6a7b8"}).text("a1b2c3d4 e5f6a7b8") == "[redacted A] [redacted A]"


def test_a_value_that_is_no_unicode_is_known_too() -> None:
    redactor = Redactor.from_environment({"API_KEY": "a1b2\udcffc3d4"}, known={})
    assert redactor.text("x a1b2\udcffc3d4 y") == "x [redacted API_KEY] y"
    with pytest.raises(WithheldError):
        redactor.data(b"\x00a1b2\xffc3d4")


def test_a_value_that_is_too_short_is_named_and_left() -> None:
    redactor = Redactor({"PIN": "12345", "API_KEY": "a1b2c3d4e5f6", "EMPTY": ""})
    assert redactor.too_short == ("EMPTY", "PIN")
    assert redactor.text("12345 a1b2c3d4e5f6") == "12345 [redacted API_KEY]"


def test_what_is_secret_inside_a_secret_goes_too() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n"
    account = json.dumps({"type": "service_account", "private_key": key, "client_id": "117711771177117711"})
    redactor = Redactor({"DATABASE_URL": "postgres://app:p%40ssw0rd!@db:5432/app", "ACCOUNT": account, "PEM": key})
    assert redactor.text("with p@ssw0rd! or p%40ssw0rd!") == "with [redacted DATABASE_URL] or [redacted DATABASE_URL]"
    assert redactor.text("12:00 AQEFAASCBKcwggSjAgEAAoIB") in ("12:00 [redacted ACCOUNT]", "12:00 [redacted PEM]")
    assert "117711771177117711" not in redactor.text("id 117711771177117711")
    assert redactor.text("owner app of db:5432") == "owner app of db:5432"


def test_the_piece_of_a_secret_at_a_cut_end_goes_too() -> None:
    redactor = Redactor({"API_KEY": "a1b2c3d4e5f6a7b8"})
    assert redactor.text("the key is a1b2c3d4e5") == "the key is [redacted API_KEY]"
    assert redactor.text("d4e5f6a7b8 was the key") == "[redacted API_KEY] was the key"
    gap = "\n[... 900 bytes left out ...]\n"
    step = StepRun(
        argv=("a",), cwd=".", seconds=1.0, exit_code=0, output=f"key a1b2c3d4e5{gap}e5f6a7b8 end", omitted=900
    )
    assert redactor.execution(Execution(steps=(step,))).steps[0].output == (
        f"key [redacted API_KEY]{gap}[redacted API_KEY] end"
    )


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("expected 'a1b2c3d4e5f6a7b8c9d0e1…' to be 'x'", "expected '[redacted API_KEY]…' to be 'x'"),
        ("expected 'a1b2c3d4e...' to be 'x'", "expected '[redacted API_KEY]...' to be 'x'"),
        ("key a1b2c3d4e5f6a7b8 and no more", "key [redacted API_KEY] and no more"),
        ("key a1b2c3 and no more", "key a1b2c3 and no more"),
        ("basic bWU6YTFiMmMzZDRlNWY2YTdi…", "basic bWU6[redacted API_KEY]…"),
        (
            "<Buffer 61 31 62 32 63 33 64 34 65 35 66 36 61 37 ... 14 more bytes>",
            "<Buffer [redacted API_KEY] ... 14 more bytes>",
        ),
        ("at postgres://owner...", "at postgres://owner..."),
        ("at postgres://owner:k9x...", "at [redacted DATABASE]..."),
        ('{"type": "service_account", "project_id": "other"}', '{"type": "service_account", "project_id": "other"}'),
    ],
)
def test_what_is_left_of_a_secret_that_a_tool_cut_goes_too(written: str, left: str) -> None:
    account = json.dumps({"type": "service_account", "project_id": "ours", "private_key": "k7"})
    redactor = Redactor(
        {"API_KEY": "a1b2c3d4e5f6a7b8c9d0e1f2a3b4", "DATABASE": "postgres://owner:k9x8w7v6@db/app", "ACCOUNT": account}
    )
    assert redactor.text(written) == left


def test_variables_are_known_by_their_names_and_urls_by_their_passwords() -> None:
    environment = {
        "GITHUB_TOKEN": "t0ken-of-github",
        "STRIPE_SECRET_KEY": "str1pe-secret-key",
        "PGPASSWORD": "pg-passw0rd",
        "SENTRY_DSN": "https://0123456789abcdef@o1.ingest.example.test/2",
        "REPLICA": "postgres://app:r3plica-pass@db/app",
        "PGUSER": "t0ken-of-user",
        "SSH_KEY_FILE": "/home/me/.ssh/id_ed25519",
        "TOKEN_TYPE": "postgres",
        "KEYBOARD": "k3yboard-layout",
        "PWD": "/srv/work-1",
    }
    redactor = Redactor.from_environment(environment, known={"EXTRA": "extra-value-1"})
    for secret in (
        "t0ken-of-github",
        "str1pe-secret-key",
        "pg-passw0rd",
        "0123456789abcdef",
        "r3plica-pass",
        "extra-value-1",
    ):
        assert secret not in redactor.text(f"x {secret} y")
    for other in ("t0ken-of-user", "/home/me/.ssh/id_ed25519", "postgres", "k3yboard-layout", "/srv/work-1"):
        assert redactor.text(f"x {other} y") == f"x {other} y"


def test_tokens_of_npmrc_are_known(tmp_path: Path) -> None:
    npmrc = tmp_path / ".npmrc"
    auth = base64.b64encode(b"me:my-passw0rd").decode()
    npmrc.write_text(
        "registry=https://registry.example.test/\n//a.example.test/:_authToken=abcdef-123456\n"
        f"//b.example.test/:_auth = {auth}\n//c.example.test/:_authToken=${{NPM_TOKEN}}\n"
    )
    redactor = Redactor.from_environment({}, known={}, npmrc={"npmrc": npmrc})
    text = redactor.text(f"abcdef-123456 {auth} my-passw0rd ${{NPM_TOKEN}} https://registry.example.test/")
    assert text.count("[redacted npmrc") == 3
    assert text.endswith(" ${NPM_TOKEN} https://registry.example.test/")
    assert Redactor.from_environment({}, known={}, npmrc={"npmrc": tmp_path / "none"}).text("abc") == "abc"
    with pytest.raises(UsageError, match="npmrc cannot be read"):
        Redactor.from_environment({}, known={}, npmrc={"npmrc": tmp_path})


def test_what_npmrc_files_take_from_the_environment_is_known_whatever_it_is_called(tmp_path: Path) -> None:
    first, second = tmp_path / "user", tmp_path / "global"
    first.write_text("//a.example.test/:_authToken=${MINE}\ncafile=${PLACE}/ca.pem\n")
    second.write_text("//b.example.test/:_authToken=${OURS:-none}\nregistry=https://me:${OTHER}@c.example.test/\n")
    environment = {"MINE": "value-one", "OURS": "value-two", "OTHER": "value-three", "PLACE": "/home/place"}
    redactor = Redactor.from_environment(environment, known={}, npmrc={"npmrc": first, "global npmrc": second})
    assert redactor.text("value-one value-two value-three /home/place") == (
        "[redacted npmrc authToken of line 1] [redacted global npmrc authToken of line 1] "
        "[redacted global npmrc password of line 2] /home/place"
    )


def pack(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def torn(method: int) -> bytes:
    """Return an archive whose only member is broken in its middle."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("a", REPOSITORY.joinpath("requirements.txt").read_bytes())
    content = bytearray(packed.getvalue())
    content[60:200] = bytes(140)
    return bytes(content)


KEY = "a1b2c3d4e5f6"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_a_trace_is_redacted_inside_and_packed_again() -> None:
    header = json.dumps({"name": "x-api-key", "value": KEY}).encode()
    trace = pack(
        {"test.trace": header, "0-trace.network": header, "resources/a.png": PNG, "in/n.zip": pack({"t": header})}
    )
    redacted = Redactor({"API_KEY": KEY}).data(trace)
    members = unpack(redacted)
    assert json.loads(members["test.trace"])["value"] == "[redacted API_KEY]"
    assert json.loads(members["0-trace.network"])["value"] == "[redacted API_KEY]"
    assert members["resources/a.png"] == PNG
    assert b"[redacted API_KEY]" in unpack(members["in/n.zip"])["t"]


def test_files_without_secrets_pass_as_they_are() -> None:
    redactor = Redactor({"API_KEY": KEY})
    for content in (b"", b"text \xc3\xa9\r\n", PNG, b"\x00\x01\xff", pack({"a": b"b"}), gzip.compress(b"a", mtime=0)):
        assert redactor.data(content) is content


def test_gzip_and_tar_are_redacted_inside() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("logs/a.log")
        member.size = len(KEY)
        archive.addfile(member, io.BytesIO(KEY.encode()))
    redacted = Redactor({"API_KEY": KEY}).data(gzip.compress(packed.getvalue()))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(redacted))) as archive:
        file = archive.extractfile("logs/a.log")
        assert file is not None
        assert file.read() == b"[redacted API_KEY]"


def test_a_report_that_encloses_an_archive_is_redacted_inside() -> None:
    enclosed = base64.b64encode(pack({"report.json": f'"{KEY}"'.encode()})).decode()
    page = f'<script>window.report = "data:application/zip;base64,{enclosed}";</script>'.encode()
    redacted = Redactor({"API_KEY": KEY}).data(page)
    packed = base64.b64decode(redacted.split(b"base64,")[1].split(b'"')[0])
    assert unpack(packed)["report.json"] == b'"[redacted API_KEY]"'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (PNG + KEY.encode(), "holds API_KEY"),
        (b"\x00\xff" + base64.b64encode(KEY.encode()), "holds API_KEY"),
        (b"\x00\xff" + KEY.encode("utf-16-le"), "holds API_KEY"),
        (pack({"lib.node": b"\x00\xff" + KEY.encode()}), "holds API_KEY"),
        (pack({"a": b"b"})[:-8], "cannot be read"),
        (gzip.compress(b"abc" * 100)[:-9], "cannot be read"),
        (torn(zipfile.ZIP_BZIP2), "cannot be read"),
        (torn(zipfile.ZIP_LZMA), "cannot be read"),
        (b"\xfd7zXZ\x00" + b"whatever", "xz data"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"a")))))), "nested"),
        (gzip.compress(b"\0" * 300_000_000, compresslevel=1), "unpacks to more than"),
    ],
    ids=[
        "image",
        "binary",
        "wide characters",
        "zip",
        "broken zip",
        "broken gzip",
        "broken bzip2",
        "broken lzma",
        "xz",
        "nesting",
        "bomb",
    ],
)
def test_what_cannot_be_made_safe_is_withheld_and_the_reason_told(content: bytes, why: str) -> None:
    execution = Execution(steps=(), files={f"out/{KEY}.bin": content})
    redacted = Redactor({"API_KEY": KEY}).execution(execution)
    assert redacted.files == {}
    (notice,) = redacted.notices
    assert why in notice
    assert notice.startswith("withheld out/[redacted API_KEY].bin: ")


def test_a_text_in_utf_16_stays_one() -> None:
    redacted = Redactor({"API_KEY": KEY}).data(f"é {KEY}".encode("utf-16"))
    assert redacted.decode("utf-16") == "é [redacted API_KEY]"


def test_an_execution_is_redacted_everywhere() -> None:
    step = StepRun(argv=("curl", KEY), cwd=KEY, seconds=1.0, error=KEY, output=f"saw {KEY}")
    execution = Execution(
        steps=(step,),
        files={"a.txt": KEY.encode(), "b.bin": b"\x00" + KEY.encode(), f"{KEY}.txt": b"x"},
        changed=(f"M {KEY}",),
        left_behind=(f"node {KEY}",),
        notices=(KEY,),
    )
    redacted = Redactor({"API_KEY": KEY}).execution(execution)
    assert KEY not in repr(redacted)
    assert dict(redacted.files) == {"a.txt": b"[redacted API_KEY]", "[redacted API_KEY].txt": b"x"}
    assert redacted.notices[-1] == "withheld b.bin: it is not text and holds API_KEY"
    assert redacted.steps[0].seconds == 1.0


HOSTILE = [
    " ",
    "\n",
    "eyJ",
    "eyJ%41",
    "://a:",
    "-----BEGIN PRIVATE KEY----- ",
    "\\",
    "%25",
    "&amp;",
    "\x1b[0",
    "\x1b",
    "sk_live_",
    "Bearer ",
    "authorization: ",
    "\\u0020",
    "a1b2",
    "│ ",
    "x\n",
    "postgres://a:b",
    "PK\x05\x06",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_makes_it_slow(piece: str) -> None:
    redactor = Redactor({f"SECRET_{number}": value for number, value in enumerate(values(seed=8, count=10))})
    times = []
    for size in (50_000, 200_000):
        began = time.process_time()
        redactor.text(piece * (size // len(piece)))
        times.append(time.process_time() - began)
    assert times[1] < 8 * times[0] + 0.1
    assert times[1] < 1


def test_megabytes_take_a_moment() -> None:
    redactor = Redactor({f"SECRET_{number}": value for number, value in enumerate(values(seed=9, count=30))})
    rng = dice(10)
    words = (REPOSITORY / "ci" / "model.py").read_text().split()
    text = "\n".join(" ".join(rng.choices(words, k=10)) for _ in range(14_000)) * 4
    assert len(text) > 2_500_000
    began = time.process_time()
    assert redactor.text(text) == text
    assert time.process_time() - began < 4
