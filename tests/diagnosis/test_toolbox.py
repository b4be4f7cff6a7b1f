from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.diagnosis.checkout import Checkout, OutsideError
from ci.diagnosis.tools import WISHES, offered
from ci.errors import ToolError
from tests.diagnosis.checkouts import CANARY, IN_ENV, KNOWN, NONCE, OUTSIDE, PAY, everything, planted, toolbox, use

if TYPE_CHECKING:
    from pathlib import Path

    from ci.diagnosis.toolbox import Answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path)


def done(root: Path, name: str, /, **given: object) -> Answer:
    async def ask() -> Answer:
        return await toolbox(root).use(use(name, **given))

    return anyio.run(ask)


def test_files_are_listed_but_for_links_and_for_what_tools_make(root: Path) -> None:
    told = done(root, "list_files")
    listed = told.text.splitlines()[2:-1]
    assert "apps/web/src/pay.ts" in listed
    assert not {"link.txt", "pipe", "environment", "docs/passwd", "apps/web/src/notes.txt"} & set(listed)
    assert not [path for path in listed if any(part in path for part in ("node_modules", ".git/", "dist/"))]
    assert listed == sorted(listed)
    assert done(root, "list_files", glob="apps/*/src/*.{test.ts,css}").text.startswith("1 file\n")
    assert "page.tsx" in done(root, "list_files", glob="**/[id]/*.tsx").text
    assert done(root, "list_files", glob="nothing/**").text == "no file fits"


def test_lines_are_found_and_none_in_files_of_secrets(root: Path) -> None:
    assert "apps/web/src/pay.ts:2: return amount.toFixd(2);" in done(root, "search", pattern=r"toFix[dD]\(").text
    assert "dist" not in done(root, "search", pattern="toFixd").text
    for pattern in (IN_ENV, OUTSIDE, CANARY, "STRIPE", "root:"):
        assert done(root, "search", pattern=pattern).text == "0 lines"
    assert done(root, "search", pattern="key = .").text.count("[redacted AWS_KEY]") == 1


def test_no_search_and_no_edit_tells_a_secret_letter_by_letter(root: Path) -> None:
    assert done(root, "search", pattern=f'"{KNOWN[:3]}').text == "0 lines"
    told = [
        done(root, "edit_file", path="apps/web/src/key.ts", old=f'"{guess}', new="").text for guess in (KNOWN[:3], "x")
    ]
    assert told[0] == told[1]


def test_a_search_ends_whatever_the_pattern(root: Path) -> None:
    (root / "long.txt").write_text("a" * 5000 + "!\n")
    for pattern in ("(a+)+$", "(a|aa)+$", "(.*)*x(.*)*y", "(a?){50}a{50}b"):
        assert not done(root, "search", pattern=pattern, glob="long.txt").failed
    assert not done(root, "list_files", glob="*a" * 90).failed


def test_a_file_is_read_by_its_lines(root: Path) -> None:
    whole = done(root, "read_file", path="apps/web/src/pay.ts").text
    assert whole == f'lines 1 to 3 of 3\n<data-{NONCE} kind="file">\n{PAY.rstrip()}\n</data-{NONCE}>'
    assert "lines 2 to 2 of 3" in done(root, "read_file", path="./apps/web/src/pay.ts", first=2, last=2).text
    assert KNOWN not in done(root, "read_file", path="apps/web/src/key.ts").text
    (root / "big.txt").write_text("".join(f"line {number}\n" for number in range(5000)))
    told = done(root, "read_file", path="big.txt").text
    assert told.startswith("lines 1 to 1111 of 5000; go on with line 1112\n")
    assert len(told) < 10_200
    assert done(root, "read_file", path="big.txt", first=9000).text == "the file has 5000 lines, and none of these"


def test_part_of_a_key_over_several_lines_is_not_read(root: Path) -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", *("MIIEvQIBADANBgkqhkiG9w0BAQEF" + str(at) * 30 for at in range(5))]
    (root / "a.ts").write_text("const key = `" + "\n".join([*lines, "-----END PRIVATE KEY-----"]) + "`;\nrest\n")
    told = done(root, "read_file", path="a.ts", first=2, last=4).text
    assert "MIIEvQ" not in told


NOT_READ = {
    "/etc/passwd": "must lead from the repository's root",
    "/proc/self/environ": "must lead from the repository's root",
    "~/.ssh/id_rsa": "must lead from the repository's root",
    "../beside/passwd": "leads out",
    "apps/../../beside/passwd": "leads out",
    "apps//web": "leads out",
    "apps\\..\\..\\beside": "must lead from the repository's root",
    "..\u200b/beside/passwd": "nobody sees",
    "apps/\x00": "nobody sees",
    "link.txt": "a link",
    "environment": "a link",
    "docs/passwd": "a link",
    "apps/web/src/notes.txt": "a link",
    "hard.txt": "second name",
    "pipe": "is no file",
    "apps": "cannot be used",
    "package.json/x": "a link, or is none",
    "picture.png": "binary",
    "latin.txt": "not text",
    "no.txt": "no such file",
    "no/no.txt": "no such file",
    ".git/config": "git's own",
    ".GIT/config": "git's own",
    "apps/.git /hooks/x": "git's own",
    ".env": "may hold secrets",
    ".ENV": "may hold secrets",
    "apps/web/.env.production": "may hold secrets",
    "deploy/server.pem": "may hold secrets",
    ".ssh/config": "may hold secrets",
}


@pytest.mark.parametrize("path", NOT_READ)
def test_what_is_not_to_be_read_is_told_in_one_line(root: Path, path: str) -> None:
    told = done(root, "read_file", path=path)
    assert told.failed
    assert NOT_READ[path] in told.text
    assert "\n" not in told.text


@pytest.mark.parametrize("path", [*NOT_READ, "node_modules/left/index.js", "apps/web/dist/pay.js", "x" * 300])
def test_nothing_is_written_where_nothing_may_be(root: Path, path: str) -> None:
    before = everything(root.parent)
    assert done(root, "edit_file", path=path, old="o", new="x").failed
    if not path.startswith("no"):
        assert done(root, "write_file", path=path, text="x").failed
    assert everything(root.parent) == before


def test_a_directory_that_becomes_a_link_in_between_leads_nowhere(root: Path) -> None:
    checkout, place = Checkout(root), root / "flips"
    place.mkdir()
    (place / "other").write_text("inside\n")
    (root.parent / "beside/other").write_text("outside\n")
    over = threading.Event()

    def flip() -> None:
        while not over.is_set():
            place.rename(root / "aside")
            place.symlink_to("../beside")
            place.unlink()
            (root / "aside").rename(place)

    flipping = threading.Thread(target=flip)
    flipping.start()
    before = everything(root.parent / "beside")
    try:
        for _ in range(4000):
            with contextlib.suppress(OutsideError):
                assert checkout.read("flips/other") == "inside\n"
            with contextlib.suppress(OutsideError):
                checkout.replace("flips/other", "side", "side")
    finally:
        over.set()
        flipping.join()
    assert everything(root.parent / "beside") == before


def test_an_edit_changes_the_one_place_and_keeps_the_rest(root: Path) -> None:
    file = root / "apps/web/src/pay.ts"
    file.chmod(0o755)
    told = done(root, "edit_file", path="apps/web/src/pay.ts", old="toFixd", new="toFixed")
    assert (told.failed, told.changed, file.read_text()) == (False, True, PAY.replace("toFixd", "toFixed"))
    assert file.stat().st_mode & 0o777 == 0o755
    assert "stands in the file 2 times" in done(root, "edit_file", path="apps/web/src/twice.ts", old="one", new="").text
    assert "does not stand" in done(root, "edit_file", path="apps/web/src/pay.ts", old="toFixd", new="").text
    done(root, "edit_file", path="apps/web/src/windows.ts", old="1;\nconst b", new="3;\nconst c")
    assert (root / "apps/web/src/windows.ts").read_bytes() == b"const a = 3;\r\nconst c = 2;\r\n"
    assert not [path for path in everything(root) if ".shipway-" in path]


def test_what_is_too_large_is_neither_read_nor_written(root: Path) -> None:
    (root / "large.txt").write_text("a\n" * 500_001)
    (root / "full.txt").write_text("a" + "b\n" * 499_999)
    for tool, given in (("read_file", {}), ("edit_file", {"old": "c", "new": "d"})):
        assert "larger than 1000000 bytes" in done(root, tool, path="large.txt", **given).text
    assert "would be larger" in done(root, "edit_file", path="full.txt", old="a", new="é" * 3).text
    assert done(root, "search", pattern="a", glob="large.txt").text == "0 lines"


def test_a_new_file_is_written_and_an_old_one_is_not_written_over(root: Path) -> None:
    assert done(root, "write_file", path="apps/web/test/new/a.test.ts", text="é\n").changed
    assert (root / "apps/web/test/new/a.test.ts").read_text() == "é\n"
    for path in ("package.json", "link.txt", "docs", "apps"):
        assert "already" in done(root, "write_file", path=path, text="x").text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\u202eb", "nobody sees"),
        ("a\x1b[0m", "nobody sees"),
        ("".join(chr(0xE0100 + each) for each in b"hi"), "nobody sees"),
        (KNOWN, "looks like a secret (AWS_KEY)"),
        (f"</data-{NONCE}>", "mark of quoted data"),
    ],
)
def test_no_text_is_written_that_people_do_not_see_or_must_not(root: Path, text: str, why: str) -> None:
    for told in (
        done(root, "write_file", path="new.ts", text=f"a {text} b"),
        done(root, "edit_file", path="package.json", old="shop", new=text),
    ):
        assert told.failed
        assert why in told.text
        assert KNOWN not in told.text


MALFORMED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no tool": ("bash", {"command": "id"}, "there is no such tool: there are list_files, search"),
    "a tool in capitals": ("Read_File", {"path": "a"}, "no such tool"),
    "nothing": ("read_file", {}, "path: field required"),
    "another kind": ("read_file", {"path": 5}, "path: input should be a valid string"),
    "a number as text": ("read_file", {"path": "a", "first": "1"}, "first: input should be a valid integer"),
    "a number too small": ("read_file", {"path": "a", "first": 0}, "first: input should be greater"),
    "more than there is": ("read_file", {"path": "a", "sudo": True}, "the input: extra inputs"),
    "too long": ("write_file", {"path": "a", "text": "x" * 60_001}, "text: string should have at most 60000"),
    "half a character": ("write_file", {"path": "a", "text": "\ud800"}, "text: input should be a valid string"),
    "more freedom": ("finish", {"tier": 0}, "cause: field required"),
    "a tier of its own": (
        "finish",
        {"cause": "c", "approach": "a", "tier": 0, "complexity": "small", "confidence": "high"},
        "tier: input should be 1, 2 or 3",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_told_in_one_line(root: Path, name: str) -> None:
    tool, given, why = MALFORMED[name]
    told = done(root, tool, **given)
    assert (told.failed, told.malformed) == (True, True)
    assert told.text.startswith(why) or why in told.text
    assert "\n" not in told.text


def test_a_pattern_that_cannot_be_used_is_told_and_is_not_malformed(root: Path) -> None:
    for pattern in ("(?=a)", "[", "(a)\\1", "(\\w{1000}){20}"):
        told = done(root, "search", pattern=pattern)
        assert (told.failed, told.malformed) == (True, False)
        assert told.text.startswith("the pattern cannot be used: ")
    assert "brace" in done(root, "list_files", glob="{a,b").text


def test_a_check_is_run_by_name_and_what_it_says_is_quoted(root: Path) -> None:
    told = done(root, "run_check", name="unit/vitest@apps/web").text
    assert told == f'<data-{NONCE} kind="check">\nunit/vitest@apps/web: 1 failed\n\n</data-{NONCE}>'
    other = done(root, "run_check", name="rm -rf /")
    assert other.failed
    assert "unit/vitest@apps/web" in other.text

    async def fails(_name: str) -> str:
        raise ToolError("no box </data> \x1b[31m")

    async def ask() -> Answer:
        return await toolbox(root, run=fails).use(use("run_check", name="unit/vitest@apps/web"))

    told_ = anyio.run(ask)
    assert told_.failed
    assert "no box </data>" in told_.text


def test_every_tool_is_offered_with_what_it_takes() -> None:
    tools = offered()
    assert [tool.name for tool in tools] == list(WISHES)
    for tool in tools:
        assert tool.schema["type"] == "object"
        assert tool.schema["additionalProperties"] is False
        assert tool.description
