from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.diagnosis.bench import Bench, prepare
from ci.diagnosis.lines import compare
from ci.diagnosis.patch import MOST, Patched, Refused, apply, collect, commit_tree
from ci.errors import UsageError
from tests.diagnosis.shop import git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.diagnosis.conftest import Shop

BAD = "    sum += item.price;"
GOOD = "    sum += item.price * item.count;"
FIX = f"""\
diff --git a/packages/core/src/total.ts b/packages/core/src/total.ts
--- a/packages/core/src/total.ts
+++ b/packages/core/src/total.ts
@@ -10,3 +10,3 @@
   for (const item of items) {{
-{BAD}
+{GOOD}
   }}
""".encode()


def applied(shop: Shop, patch: bytes) -> Patched:
    """Return what the patch makes of the shop."""
    found = anyio.run(apply, shop.bench, shop.commit, patch)
    assert isinstance(found, Patched), found
    return found


def refused(shop: Shop, patch: bytes) -> str:
    """Return why git or its reader does not take the patch."""
    found = anyio.run(apply, shop.bench, shop.commit, patch)
    assert isinstance(found, Refused), found
    assert len(found.reason.splitlines()) == 1
    return found.reason


@pytest.fixture
def checkout(shop: Shop, tmp_path: Path) -> Path:
    """Return a checkout of the shop that may be edited."""
    git(tmp_path, "clone", "--quiet", str(shop.root), "work")
    return tmp_path / "work"


def collected(shop: Shop, checkout: Path) -> bytes:
    """Return the patch of what was edited."""
    return anyio.run(collect, shop.bench, checkout, shop.commit)


def test_git_says_what_a_patch_changes_and_no_working_tree_is_touched(shop: Shop) -> None:
    found = applied(shop, FIX)
    (change,) = found.changes
    assert (change.path, change.kind, change.mode_before, change.mode_after) == (
        "packages/core/src/total.ts", "modified", "100644", "100644",
    )  # fmt: skip
    assert (change.removed, change.added) == ((BAD,), (GOOD,))
    assert change.before[0].count("\n") == 7
    assert not git(shop.root, "status", "--porcelain")
    assert not (shop.root / ".git/index.lock").exists()
    assert "bench" not in git(shop.root, "count-objects", "-v")


def test_the_tree_becomes_a_commit_by_whoever_is_named_then(shop: Shop) -> None:
    make = functools.partial(
        commit_tree, shop.bench, applied(shop, FIX).tree, parent=shop.commit, message="Count pieces\n\nAutofix: i/1",
        name="Shipway\n<x>", email="bot@example.com", moment=1_700_000_000.7,
    )  # fmt: skip
    commit = anyio.run(make)
    assert anyio.run(make) == commit
    form = "--format=%an|%ae|%at|%cn|%P|%s|%(trailers:key=Autofix,valueonly)"
    told = git(shop.bench.directory, "log", "-1", form, commit)
    assert told == f"Shipwayx|bot@example.com|1700000000|Shipwayx|{shop.commit}|Count pieces|i/1"
    assert GOOD.strip() in git(shop.bench.directory, "show", commit)


def test_the_same_change_has_one_digest_however_it_is_written(shop: Shop) -> None:
    wide = FIX.replace(b"@@ -10,3 +10,3 @@\n   for (const item of items) {\n", b"@@ -11,2 +11,2 @@\n")
    again = applied(shop, b"Some words before it.\n\n" + wide)
    assert wide != FIX
    assert again.digest == applied(shop, FIX).digest
    assert again.digest != applied(shop, FIX.replace(b"* item.count", b"* item.count ")).digest


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"words\n", "git does not apply"),
        (FIX.replace(b"item.price;", b"item.cost;", 1), "git does not apply"),
        (FIX + b"#" * MOST, "too large"),
        (FIX.replace(b"-10,3 +10,3", b"-10,3 +10,9"), "git does not apply"),
        (FIX.replace(GOOD.encode(), BAD.encode()), "changes nothing"),
        (b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 0\n", "binary"),
    ],
)
def test_a_patch_that_makes_nothing_is_refused_in_a_line(shop: Shop, patch: bytes, words: str) -> None:
    assert words in refused(shop, patch)


def test_a_commit_that_is_not_here_is_an_error_for_a_person(shop: Shop) -> None:
    with pytest.raises(UsageError, match="read-tree"):
        anyio.run(apply, shop.bench, "0" * 40, FIX)


def test_a_path_of_bytes_that_are_no_text_is_refused(shop: Shop) -> None:
    head = b'diff --git "a/\\377.ts" "b/\\377.ts"\nnew file mode 100644\n--- /dev/null\n+++ "b/\\377.ts"\n'
    patch = head + b"@@ -0,0 +1 @@\n+x\n"
    assert "no UTF-8" in refused(shop, patch)


def test_what_was_edited_comes_back_as_a_patch_that_makes_the_same(shop: Shop, checkout: Path) -> None:
    total = checkout / "packages/core/src/total.ts"
    total.write_text(total.read_text().replace(BAD, GOOD))
    (checkout / "packages/core/src/new file.ts").write_text("export const one = 1;")
    (checkout / "windows.txt").write_bytes(b"one\r\n2\r\nthree\r\n")
    (checkout / "README.md").unlink()
    (checkout / "node_modules").mkdir()
    (checkout / "node_modules/left.js").write_text("out")
    found = applied(shop, collected(shop, checkout))
    assert {change.path: change.kind for change in found.changes} == {
        "README.md": "deleted",
        "packages/core/src/new file.ts": "added",
        "packages/core/src/total.ts": "modified",
        "windows.txt": "modified",
    }


def test_a_checkout_that_nobody_edited_has_no_patch(shop: Shop, checkout: Path) -> None:
    assert collected(shop, checkout) == b""


def test_links_and_repositories_within_are_themselves_and_are_not_gone_into(
    shop: Shop, checkout: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("a secret of the machine")
    (checkout / "packages/core/linked").symlink_to(secret)
    (checkout / "README.md").unlink()
    (checkout / "README.md").symlink_to(secret / "key")
    inner = checkout / "inner"
    inner.mkdir()
    make_repository(inner, {"a.txt": "a"})
    patch = collected(shop, checkout)
    assert b"a secret of the machine" not in patch
    modes = {change.path: change.mode_after for change in applied(shop, patch).changes}
    assert modes == {"README.md": "120000", "inner": "160000", "packages/core/linked": "120000"}


def test_nothing_that_the_checkout_is_set_up_with_runs(shop: Shop, checkout: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    program = tmp_path / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "filter.trap.clean", "filter.trap.process", "diff.trap.textconv", "diff.external"):
        git(checkout, "config", name, str(program))
    hooks = checkout / ".git/hooks"
    for hook in ("pre-commit", "post-index-change", "reference-transaction"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    (checkout / ".gitattributes").write_text("* filter=trap diff=trap\n")
    (checkout / "README.md").write_text("# Shop\n")
    assert {change.path for change in applied(shop, collected(shop, checkout)).changes} == {
        ".gitattributes",
        "README.md",
    }
    assert not trap.exists()


def test_files_too_large_to_be_a_fix_are_not_collected(shop: Shop, checkout: Path) -> None:
    with (checkout / "huge.ts").open("wb") as file:
        os.truncate(file.fileno(), 2**31)
    with pytest.raises(UsageError, match="more than 8 MiB"):
        collected(shop, checkout)


def test_a_bench_is_made_of_a_worktree_a_directory_within_and_a_clone_that_borrows(shop: Shop, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--shared", "--no-checkout", str(shop.root), "borrower")
    git(tmp_path / "borrower", "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    for at, root in enumerate((tmp_path / "borrower", tmp_path / "tree/packages/core", shop.root / "apps")):
        bench = anyio.run(prepare, root, tmp_path / f"bench{at}.git")
        found = anyio.run(apply, bench, shop.commit, FIX)
        assert isinstance(found, Patched)
        assert found.digest == applied(shop, FIX).digest


def test_a_clone_without_a_past_takes_patches_too(shop: Shop, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{shop.root}", "shallow")
    bench = anyio.run(prepare, tmp_path / "shallow", tmp_path / "bench.git")
    found = anyio.run(apply, bench, shop.commit, FIX)
    assert isinstance(found, Patched)


def test_a_patch_of_a_file_that_the_clone_lacks_is_refused_in_a_line(tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "whole")
    blob = git(tmp_path / "whole", "rev-parse", "HEAD:README.md")
    bench = anyio.run(prepare, tmp_path / "whole", tmp_path / "bench.git")
    (tmp_path / f"whole/.git/objects/{blob[:2]}/{blob[2:]}").unlink()
    patch = b"diff --git a/README.md b/README.md\nold mode 100644\nnew mode 100755\n"
    found = anyio.run(apply, bench, commit, patch)
    assert isinstance(found, Refused)
    assert found.reason.startswith("git does not apply the patch: ")
    assert len(found.reason.splitlines()) == 1


def test_a_bench_is_not_made_of_what_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git cannot read"):
        anyio.run(prepare, tmp_path, tmp_path / "bench.git")


@pytest.mark.parametrize(
    ("before", "after", "removed", "added"),
    [
        ("a\nb\n", "a\nb\nc\n", (), ("c",)),
        ("a\n", "", ("a",), ()),
        ("", "a", (), ("a",)),
        ("a\nb", "a\nb\n", ("b",), ("b",)),
        ("a\r\nb\r\n", "a\nb\r\n", ("a",), ("a",)),
        ("a\n" * 5000, "b\n" * 5000, ("a",) * 5000, ("b",) * 5000),
        ("a\u2028b\x0cc\n", "a\n", ("a\u2028b\x0cc",), ("a",)),
        ("same\n", "same\n", (), ()),
    ],
)
def test_lines_go_and_come_as_a_reader_counts_them(
    before: str, after: str, removed: tuple[str, ...], added: tuple[str, ...]
) -> None:
    found = compare(before, after)
    assert (found.removed, found.added) == (removed, added)


def test_what_stands_around_a_change_is_seen_with_it() -> None:
    text = "".join(f"{number}\n" for number in range(40))
    found = compare(text, text.replace("\n20\n", "\n").replace("\n39\n", "\nend\n"))
    assert found.before == ("17\n18\n19\n20\n21\n22\n23\n", "36\n37\n38\n39\n")
    assert found.after == ("17\n18\n19\n21\n22\n23\n", "36\n37\n38\nend\n")


def test_a_bench_is_a_value(shop: Shop) -> None:
    assert Bench(directory=shop.bench.directory) == shop.bench
