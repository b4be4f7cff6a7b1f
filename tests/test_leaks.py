"""What is secret stays out of all that a run leaves: reports, logs, archives, terminals, command lines, the cache.

The searcher here knows nothing of the redactor. It takes twelve characters in a row of a secret for a leak,
in whatever form, and also those that stand on two lines.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import gzip
import html
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from ci.executors.cache import cache_directory
from tests.conftest import IDENTITY, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Ran

    Run = Callable[..., Ran]
    Subject = Callable[[str], Path]

WINDOW = 12  # characters of a secret that are a leak
CELL = 6  # a window covers one cell whole of a grid that cuts the text every so many characters
LONG = "qvzkx0jwpyq1xkvzj2wqpzy3vkjxq4zywpk5qjvzx6kpwyz7"

# Of Shipway's own environment: no step may have them.
OUTER = {
    "DEPLOY_TOKEN": "pV7xkQ2mZr9tLw4nBd8sHc3fJg6yTa5e",
    "BILLING_API_KEY": LONG * 3,
    "VENDOR_DSN": "https://reporter:uX3hQ9wKz7vR2mPt@vendor.example.invalid/42",
}
# Of the integration tests, by reference.
ODD = "w\"Z\\9k/+&<q>%4r'J=üY{5}x$T~8v"
PEM = """\
-----BEGIN PRIVATE KEY-----
MIGkAgEBBDBzQ7vXk2pYw9Lr4Tn8Hs
Jd6Fg3Bc5VmEaUoZiRqXtWyKhPlNbS
-----END PRIVATE KEY-----"""
INNER = {"PAYMENT_SECRET": "zR8wKq3vXt6pYm1nLb9sHd4f", "ODD_SECRET": ODD, "SIGNING_KEY": PEM}
SECRETS = {**OUTER, **INNER}
IN_URL = "uX3hQ9wKz7vR2mPt"

SETTINGS = """\
[stages.integration.secrets]
PAYMENT_SECRET = "env://OUTER_PAYMENT"
ODD_SECRET = "env://ODD_VALUE"
SIGNING_KEY = "file://../signing.pem"
"""

# The values reach the tests by a file of the repository: as a program does that read them from somewhere.
SPEAKING = """\
import {{ spawnSync }} from "node:child_process";
import {{ readFileSync, writeFileSync }} from "node:fs";
import {{ inspect }} from "node:util";
import {{ gzipSync }} from "node:zlib";
import {{ expect, it }} from "vitest";

const values: Record<string, string> = JSON.parse(readFileSync(`${{import.meta.dirname}}/values.json`, "utf8"));
const lines = (text: string, width: number) => text.match(new RegExp(`.{{1,${{width}}}}`, "gsu"))!;
const framed = (text: string) => lines(text, 70).map((line) => `  \\u2502 ${{line}} \\u2502`).join("\\n");
const out = process.env.SHIPWAY_OUT!;

it("has what it was given, and nothing of Shipway's own", () => {{
  for (const name of {outer}) expect(process.env[name]).toBeUndefined();
  for (const name of {inner}) expect(process.env[name] === values[name]).toBe(true);
}});

for (const [name, value] of Object.entries(values)) {{
  const bytes = Buffer.from(value);
  it(`speaks of ${{name}}`, () => {{
    console.log(`plain ${{value}}`, {{ [name]: value }}, JSON.stringify(JSON.stringify({{ value }})));
    console.error(`base64 ${{bytes.toString("base64")}} ${{Buffer.from(`user:${{value}}`).toString("base64url")}}`);
    console.log(`https://x.invalid/?a=${{encodeURIComponent(value)}}`, bytes.toString("hex"), inspect(bytes));
    console.log(`wrapped\\n${{framed(`token=${{value}}`)}}\\n${{lines(value, 80).join("\\n")}}`);
    process.stdout.write(`${{"x".repeat(70)}}${{value}}\\u001b[31m${{value.slice(0, 9)}}\\u001b[0m`);
    process.stdout.write(`${{value.slice(9)}}\\n`);
    spawnSync("cat", {{ input: `of a child ${{value}}`, stdio: ["pipe", "inherit", "inherit"] }});
    writeFileSync(`${{out}}/dump-${{name}}.txt`, value);
    writeFileSync(`${{out}}/dump-${{name}}.gz`, gzipSync(value));
    throw new Error(`refused: ${{value}}`, {{ cause: new Error(`token ${{value}}`) }});
  }});
  it(`compares ${{name}}`, () => expect(value).toBe("another"));
  it(`compares an object of ${{name}}`, () => expect({{ name, list: [value] }}).toEqual({{ name, list: [] }}));
  it(`contains ${{name}}`, () => expect(`a text with ${{value}} in it`).toContain("nothing of it"));
  it(`shows it cut ${{name}}`, () => expect.unreachable(`${{value.slice(0, -3)}}...`));
  it(`has ${{value}} in its name`, () => expect(1).toBe(2));
}}

it("leaves a rejection", () => void Promise.reject(new Error(`unhandled ${{values.PAYMENT_SECRET}}`)));

it("has one in its source", () => {{
  expect("{literal}").toBe("");
}});
"""


def speaking(root: Path, values: dict[str, str], *, name: str) -> None:
    """Write a test that says every value in every way."""
    folder = root / "packages/money/src"
    (folder / "values.json").write_text(json.dumps(values), encoding="utf-8")
    text = SPEAKING.format(
        outer=json.dumps([*OUTER, "OUTER_PAYMENT", "ODD_VALUE"]),
        inner=json.dumps([*INNER] if "integration" in name else []),
        literal=OUTER["DEPLOY_TOKEN"],
    )
    (folder / name).write_text(text, encoding="utf-8")


def commit(root: Path) -> None:
    subprocess.run(["git", *IDENTITY, "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *IDENTITY, "commit", "-qm", "two"], cwd=root, check=True)


# --- the searcher -----------------------------------------------------------------------------------


def needles(values: dict[str, str]) -> dict[str, str]:
    """Every WINDOW of every form of every secret, with what it is."""
    found: dict[str, str] = {}
    for name, whole in {**values, "of VENDOR_DSN": IN_URL}.items():
        if name == "VENDOR_DSN":
            continue  # its host is no secret
        value = "".join(line for line in whole.splitlines() if "PRIVATE KEY" not in line)
        raw = value.encode()
        forms = {
            "plain": value,
            "URL": quote(value, safe=""),
            "JSON": json.dumps(value)[1:-1],
            "hex": raw.hex(),
            "HTML": html.escape(value),
        }
        for before in range(3):
            encoded = binascii.b2a_base64(b"\0" * before + raw, newline=False).decode()
            forms[f"base64 {before}"] = encoded[4:-4]
            forms[f"base64url {before}"] = base64.urlsafe_b64encode(b"\0" * before + raw).decode()[4:-4]
        for form, written in forms.items():
            text = re.sub(r"\s", "", written)
            assert len(text) >= WINDOW, (name, form)
            found |= {text[at : at + WINDOW]: f"{name} ({form})" for at in range(len(text) - WINDOW + 1)}
    return found


def views(content: bytes) -> Iterator[str]:
    """Yield a file's text, joined over its lines and with escapes undone."""
    text = content.decode("utf-8", errors="ignore")
    bare = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    joined = re.sub(r"[\s\u2500-\u257f|]", "", bare)
    for view in (joined, joined.replace("\\n", "")):
        yield view
        yield html.unescape(view)
        yield unquote(view)
        yield re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), view).replace("\\", "")


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file, and all that is packed in it."""
    yield name, content
    if content.startswith(b"\x1f\x8b"):
        yield from unpacked(f"{name}!", gzip.decompress(content))
    if b"PK\x05\x06" in content[-70_000:]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                yield f"{name}!{member.filename}", member.filename.encode()
                yield from unpacked(f"{name}!{member.filename}", archive.read(member))
    for number, match in enumerate(re.finditer(rb"data:[\w/+.-]+;base64,([A-Za-z0-9+/=]{40,})", content)):
        yield from unpacked(f"{name}!data{number}", base64.b64decode(match[1]))


def leaks(name: str, content: bytes, known: dict[str, str]) -> set[str]:
    found = set()
    cells = {needle[at : at + CELL] for needle in known for at in range(WINDOW - CELL + 1)}
    for place, part in unpacked(name, content):
        for view in set(views(part)):
            if cells.isdisjoint(re.findall(f"(?s).{{{CELL}}}", view)):
                continue
            windows = {view[at : at + WINDOW] for at in range(len(view) - WINDOW + 1)}
            found |= {f"{place}: {known[needle]}: {needle}" for needle in known.keys() & windows}
    return found


def leaked(directory: Path, known: dict[str, str]) -> list[str]:
    """Return every leak in a directory, names of files included."""
    assert any(directory.rglob("*"))
    found: set[str] = set()
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        found |= leaks(f"name {name}", name.encode(), known)
        if path.is_file() and not path.is_symlink():
            found |= leaks(name, path.read_bytes(), known)
    return sorted(found)


def test_the_searcher_finds_what_is_planted(tmp_path: Path) -> None:
    """A searcher that finds nothing would make every test here green."""
    known = needles(SECRETS)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trace", json.dumps({"v": INNER["ODD_SECRET"]}))
    plain = OUTER["DEPLOY_TOKEN"]
    for content in (
        plain.encode(),
        f"{plain[:9]}\n  │ {plain[9:]}".encode(),
        f"{plain[:20]}…".encode(),
        base64.b64encode(f"xy{plain}".encode()),
        quote(INNER["ODD_SECRET"]).encode(),
        json.dumps(json.dumps(INNER["SIGNING_KEY"])).encode(),
        packed.getvalue(),
        gzip.compress(plain.encode()),
        b"data:application/zip;base64," + base64.b64encode(packed.getvalue()),
    ):
        (tmp_path / "file").write_bytes(content)
        assert leaked(tmp_path, known), content
    (tmp_path / "file").write_text("reporter at https://vendor.example.invalid/42, [redacted DEPLOY_TOKEN]")
    assert not leaked(tmp_path, known)


# --- the runs ---------------------------------------------------------------------------------------


@pytest.fixture
def watched() -> Iterator[set[bytes]]:
    """The command lines of all processes of this machine while the test goes on."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_bytes())
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield seen
    over.set()
    watcher.join()


@pytest.fixture
def private_cache(tmp_path: Path) -> Path:
    """A cache of its own for results, with the tools and packages of the user's."""
    own = tmp_path / "cache"
    own.mkdir()
    users = cache_directory()
    for name in ("tools", "packages", "pnpm"):
        (users / name).mkdir(parents=True, exist_ok=True)
        (own / name).symlink_to(users / name)
    return own


@pytest.fixture
def spoken(subject: Subject, tmp_path: Path) -> Path:
    """A workspace whose unit and integration tests say every secret in every way, and fail."""
    root = subject("no-root-scripts")
    (tmp_path / "signing.pem").write_text(PEM + "\n", encoding="utf-8")
    speaking(root, SECRETS, name="speaking.test.ts")
    speaking(root, SECRETS, name="speaking.integration.test.ts")
    (root / "shipway.toml").write_text(SETTINGS, encoding="utf-8")
    commit(root)
    return root


def outer(cache: Path) -> dict[str, str]:
    given = {"OUTER_PAYMENT": INNER["PAYMENT_SECRET"], "ODD_VALUE": ODD}
    return {**OUTER, **given, "SHIPWAY_CACHE": str(cache)}


def kept(cache: Path) -> Path:
    """What a run left in its own cache, without the tools and packages of all."""
    for name in ("tools", "packages", "pnpm"):
        (cache / name).unlink()
    return cache


def test_nothing_of_a_secret_is_in_what_a_run_of_speaking_tests_leaves(
    spoken: Path, shipway: Run, private_cache: Path, watched: set[bytes], tmp_path: Path
) -> None:
    stages = [word for name in ("unit", "integration") for word in ("--stage", name)]
    ran = shipway("run", ".", *stages, cwd=spoken, env=outer(private_cache))
    known = needles(SECRETS)

    assert ran.report is not None, ran.err
    assert ran.statuses["unit"] == ran.statuses["integration"] == "failed", ran.out
    failures = [failure for stage in ran.report["stages"] for check in stage["checks"] for failure in check["failures"]]
    tests = {failure["test"] for failure in failures if failure["test"]}
    assert any("speaks of ODD_SECRET" in test for test in tests)
    assert any("in its name" in test and "[redacted" in test for test in tests)
    assert not any("has what it was given" in test for test in tests), [
        f for f in failures if "given" in str(f["test"])
    ]
    assert "[redacted DEPLOY_TOKEN]" in json.dumps(ran.report)
    assert leaked(tmp_path / "report", known) == []
    assert sorted(leaks("terminal", (ran.out + ran.err).encode(), known)) == []
    assert sorted(leaks("command lines", b"\n".join(watched), known)) == []
    assert any(b"vitest" in line for line in watched)
    assert leaked(kept(private_cache), known) == []
    assert leaked(tmp_path / "state", known) == []


def test_nothing_of_a_secret_is_on_a_narrow_terminal(spoken: Path, private_cache: Path, tmp_path: Path) -> None:
    said = on_terminal(
        command("run", ".", "--stage", "unit", "--report", str(tmp_path / "report")),
        cwd=spoken,
        env=environment(tmp_path / "state", **outer(private_cache)),
        columns=80,
    )
    assert b"FAILED" in said
    assert sorted(leaks("terminal", said, needles(SECRETS))) == []


def on_terminal(argv: list[str], *, cwd: Path, env: dict[str, str], columns: int) -> bytes:
    """Run a command on a terminal of its own, and return all that it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    env = {name: value for name, value in env.items() if name not in {"COLUMNS", "CI", "NO_COLOR"}} | {"TERM": "xterm"}
    process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = []
    until = time.monotonic() + 200
    while time.monotonic() < until:
        ready, _, _ = select.select([ours], [], [], 0.5)
        try:
            chunk = os.read(ours, 65536) if ready else b""
        except OSError:  # EIO: the other side is closed
            break
        said.append(chunk)
        if not ready and process.poll() is not None:
            break
    process.kill()
    process.wait()
    os.close(ours)
    return b"".join(said)


TYPING = """\
import { expect, test } from "@playwright/test";

const secret = process.env.PAYMENT_SECRET!;
const odd = process.env.ODD_SECRET!;
const basic = `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`;
const form = `<form><input name="user"><input type="password" name="pass"><p></p></form>`;

test("signs in", { tag: "@critical" }, async ({ page }, info) => {
  expect(process.env.DEPLOY_TOKEN).toBeUndefined();
  await page.goto(`/?token=${encodeURIComponent(odd)}`);
  await page.setContent(form);
  await page.getByRole("textbox").first().fill(odd);
  await page.locator("[name=pass]").fill(secret);
  await page.evaluate((text) => {
    document.querySelector("p")!.title = text;
    localStorage.setItem("token", text);
    document.cookie = `session=${encodeURIComponent(text)}`;
    console.log(`page says ${text}`);
    const headers = { "X-Key": text };
    return fetch("/nowhere", { method: "POST", body: JSON.stringify({ text }), headers }).then(String);
  }, secret);
  await page.request.get("/nowhere", { headers: { authorization: basic } });
  await info.attach("session", { body: JSON.stringify({ secret, odd }), contentType: "application/json" });
  console.log(`typed ${secret}`);
  await expect(page.locator("[name=pass]")).toHaveValue(`not ${secret}`, { timeout: 500 });
});

test("downloads bytes", { tag: "@critical" }, async ({ page }, info) => {
  await page.goto("/");
  const body = Buffer.concat([Buffer.from([0, 255, 1]), Buffer.from(secret)]);
  await info.attach("bytes", { body, contentType: "application/octet-stream" });
  expect(body.length).toBe(0);
});
"""


def test_nothing_of_a_secret_is_in_a_trace(
    subject: Subject, shipway: Run, private_cache: Path, watched: set[bytes], tmp_path: Path
) -> None:
    root = subject("playwright-mini")
    (root / "apps/site/e2e/counter.spec.ts").write_text(TYPING, encoding="utf-8")
    (tmp_path / "signing.pem").write_text(PEM + "\n", encoding="utf-8")
    config = root / "apps/site/playwright.config.ts"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("use: { base", 'use: { trace: "on", base'), encoding="utf-8")
    (root / "shipway.toml").write_text(SETTINGS.replace("integration", "e2e"), encoding="utf-8")
    commit(root)

    ran = shipway("run", ".", "--stage", "e2e", cwd=root, env=outer(private_cache))
    known = needles(SECRETS)

    assert ran.report is not None, ran.err
    assert ran.statuses["e2e"] == "failed", ran.out
    artifacts = [path.as_posix() for path in (tmp_path / "report/artifacts").rglob("*") if path.is_file()]
    assert any("signs-in" in name and name.endswith("trace.zip") for name in artifacts), (artifacts, ran.out)
    assert not any("downloads" in name and name.endswith(".zip") for name in artifacts)
    assert "trace.zip: it is not text and holds PAYMENT_SECRET" in json.dumps(ran.report)
    assert leaked(tmp_path / "report", known) == []
    assert sorted(leaks("terminal", (ran.out + ran.err).encode(), known)) == []
    assert sorted(leaks("command lines", b"\n".join(watched), known)) == []
    assert leaked(kept(private_cache), known) == []
