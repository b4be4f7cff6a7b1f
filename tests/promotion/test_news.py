"""What is new between what is served and a candidate, and which apps it touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import UsageError
from ci.promotion.history import Entry, History
from ci.promotion.inputs import read_inputs
from ci.promotion.news import straightened, subject_of
from tests.promotion.test_history import git

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"
MEMBERS = {
    "apps/api": '{"name": "@shop/api", "dependencies": {"@shop/core": "workspace:*"}}',
    "apps/web": '{"name": "@shop/web"}',
    "packages/core": '{"name": "@shop/core"}',
    "packages/mail": '{"name": "@shop/mail"}',
}


def commit(root: Path, message: str, **files: str) -> str:
    """Write files, whose names have a colon where a path has a slash, and commit them."""
    for name, text in files.items():
        path = root / name.replace(":", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace of two apps and two packages below the top of its repository."""
    top = tmp_path / "repository"
    root = top / "shop"
    root.mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    (root / "package.json").write_text("{}")
    (root / "pnpm-lock.yaml").write_text(LOCK)
    (root / "pnpm-workspace.yaml").write_text('packages: ["apps/*", "packages/*"]\n')
    for place, manifest in MEMBERS.items():
        (root / place).mkdir(parents=True)
        (root / place / "package.json").write_text(manifest)
        (root / place / "index.ts").write_text("export {}\n")
    commit(root, "one")
    return root


def differences(root: Path, earlier: str, later: str) -> dict[str, str | None]:
    """What differs for each app."""

    async def ask() -> dict[str, str | None]:
        inputs = await read_inputs(History(root=root), later)
        return {name: await inputs.difference(f"apps/{name}", earlier) for name in ("api", "web")}

    return anyio.run(ask)


@pytest.mark.parametrize(
    ("files", "api", "web"),
    [
        ({"apps:web:index.ts": "x"}, None, "apps/web/index.ts changed"),
        ({"packages:core:index.ts": "x"}, "packages/core/index.ts changed", None),
        ({"packages:mail:index.ts": "x"}, None, None),
        ({"tsconfig.base.json": "{}"}, *["tsconfig.base.json changed, which belongs to no package"] * 2),
        ({"pnpm-lock.yaml": f"{LOCK}x: y\n"}, *["pnpm-lock.yaml changed, which belongs to no package"] * 2),
        ({"shipway.toml": ""}, *["shipway.toml changed, which belongs to no package"] * 2),
        ({"..:shared.ts": ""}, *["../shared.ts changed, which belongs to no package"] * 2),
        ({"apps:api:nested:package.json": "{}"}, "apps/api/nested/package.json changed", None),
    ],
)
def test_an_app_is_touched_by_its_package_by_what_that_depends_on_and_by_what_all_share(
    shop: Path, files: dict[str, str], api: str | None, web: str | None
) -> None:
    first = git(shop, "rev-parse", "HEAD")
    later = commit(shop, "two", **files)
    assert differences(shop, first, later) == {"api": api, "web": web}


@pytest.mark.parametrize("words", ["import '../../packages/mail/index'", "import '@shop/mail'", "cp packages/mail x"])
def test_an_app_that_names_a_package_it_does_not_depend_on_is_touched_by_it(shop: Path, words: str) -> None:
    first = commit(shop, "names it", **{"apps:web:build.sh": words})
    later = commit(shop, "two", **{"packages:mail:index.ts": "x"})
    told = differences(shop, first, later)
    assert told == {"api": None, "web": "packages/mail changed, which apps/web/build.sh names"}


def test_what_is_no_package_of_its_own_is_not_vouched_for(shop: Path) -> None:
    async def ask(place: str) -> None:
        head = git(shop, "rev-parse", "HEAD")
        await (await read_inputs(History(root=shop), head)).difference(place, head)

    for place in (".", "apps/gone"):
        with pytest.raises(UsageError, match="no package of its own"):
            anyio.run(ask, place)
    git(shop, "rm", "-q", "pnpm-lock.yaml")
    commit(shop, "without a lock file")
    with pytest.raises(UsageError, match=r"no pnpm-lock\.yaml"):
        anyio.run(ask, "apps/web")


def entry(sha: str, *parents: str, message: str = "") -> Entry:
    return Entry(sha=sha, parents=parents, author="ada", message=message or sha)


def test_commits_are_told_by_first_parents_and_each_that_came_by_a_merge_is_counted_once() -> None:
    # b and c were merged by d; e was cut from c and merged by f.
    entries = [
        entry("f", "d", "e"),
        entry("e", "c"),
        entry("d", "a", "c"),
        entry("c", "b"),
        entry("b", "served"),
        entry("a", "served"),
    ]
    assert [(each.sha, brings) for each, brings in straightened(entries, "f")] == [("f", 1), ("d", 2), ("a", 0)]
    assert straightened([], "f") == []


def test_a_merged_pull_request_is_told_by_its_title() -> None:
    merged = "Merge pull request #12 from ada/notes\n\nReceipts carry a note\n\nmore"
    assert subject_of(entry("a", message=merged)) == "Receipts carry a note (#12)"
    assert subject_of(entry("a", message="Merge pull request #12 from ada/notes")) == (
        "Merge pull request #12 from ada/notes"
    )
    assert subject_of(entry("a", message="Fix it\n\nbecause")) == "Fix it"
    assert len(subject_of(entry("a", message="x" * 5000))) == 200


def test_git_tells_commits_with_their_parents_and_counts_them(shop: Path) -> None:
    first = git(shop, "rev-parse", "HEAD")
    git(shop, "checkout", "-q", "-b", "side")
    side = commit(shop, "side\n\nwith a body")
    git(shop, "checkout", "-q", "main")
    second = commit(shop, "two")
    git(shop, "merge", "-q", "--no-ff", "-m", "merged", "side")
    merge = git(shop, "rev-parse", "HEAD")
    history = History(root=shop)

    async def ask() -> None:
        found = await history.log(merge, without=(first,), most=10)
        assert {each.sha for each in found} == {merge, second, side}
        assert found[0] == Entry(sha=merge, parents=(second, side), author="Test", message="merged\n")
        assert await history.log(first, without=(merge,), most=10) == ()
        assert await history.count(merge, without=(first,)) == len(found)
        assert await history.count(merge, without=(first,), straight=True) == len(found) - 1
        assert await history.read_many(first, ["package.json", "gone", "apps/api/index.ts"]) == {
            "package.json": b"{}",
            "apps/api/index.ts": b"export {}\n",
        }

    anyio.run(ask)
