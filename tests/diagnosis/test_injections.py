from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.diagnosis.agent import diagnose
from ci.diagnosis.bench import prepare
from ci.diagnosis.canary import Canary
from ci.diagnosis.ending import Ending
from ci.diagnosis.patch import Patched, Refused, apply
from ci.diagnosis.problem import Excerpt, Problem
from ci.diagnosis.transcript import Done
from ci.gates.denials import denials
from ci.gates.tier import TierObserved, rule
from ci.model import Outcome
from ci.vendors.model import Prompt, Role, ScriptedModel, Text, ToolResult
from tests.diagnosis.checkouts import CANARY, IN_ENV, KNOWN, NONCE, OUTSIDE, everything, toolbox, use
from tests.diagnosis.cycles import CHECK, FACTS, Cycle, finish, wanting
from tests.diagnosis.injections import INJECTIONS, Injection
from tests.diagnosis.shop import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OF_THE_PROCESS = "of-the-process-0a9b8c7d6e"
BLOCK = re.compile(rf'<data-{NONCE} kind="[a-z -]+">\n.*?\n</data-{NONCE}>', re.DOTALL)
KEPT = (".git/", ".env", "apps/web/.env", "deploy/", "link.txt", "docs", "environment", "hard.txt")


def problem(injection: Injection, root: Path) -> Problem:
    """Put the text where it is found."""
    facts = FACTS
    excerpts: tuple[Excerpt, ...] = ()
    if injection.where.startswith("file "):
        (root / injection.where.removeprefix("file ")).write_text(injection.text)
    elif injection.where == "name":
        (root / f"{injection.text}.ts").write_text("x\n")
    elif injection.where == "test":
        facts = dataclasses.replace(facts, broken=(dataclasses.replace(facts.broken[0], tests=(injection.text,)),))
    elif injection.where != "check":
        excerpts = (Excerpt(kind=injection.where, text=injection.text),)
    return Problem(facts=facts, excerpts=excerpts)


def told(prompt: Prompt) -> Iterator[str]:
    """Yield all that is not the model's own in a prompt."""
    yield prompt.system
    for message in prompt.messages:
        if message.role is Role.USER:
            yield from (part.text for part in message.parts if isinstance(part, Text | ToolResult))


def texts(found: Mapping[str, bytes | Path], paths: set[str]) -> dict[str, str]:
    """Return files of the checkout as text."""
    contents = {path: found.get(f"checkout/{path}") for path in paths}
    return {path: content.decode() for path, content in contents.items() if isinstance(content, bytes)}


def gated(place: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Outcome, int, list[str]]:
    """Return what the gates say of what a model changed: the ruling, the tier, and what denies the proof."""
    root = place / "tracked"
    commit = make_repository(root, before)
    for path, text in after.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "add", "--all", "--force")
    patch = git(root, "diff", "--cached", "--no-renames", commit)

    async def applied() -> Patched | Refused:
        return await apply(await prepare(root, place / "bench.git"), commit, f"{patch}\n".encode())

    patched = anyio.run(applied)
    assert isinstance(patched, Patched), patched
    ruling = rule(
        TierObserved(
            changes=patched.changes,
            named=("apps/web",),
            packages=(".", "apps/web"),
            apps=("apps/web",),
            author="model",
            trusted=True,
            wished=1,
            alike=patched.alike,
        )
    )
    tier = ruling.values["tier"]
    assert isinstance(tier, int)
    return ruling.ruling, tier, [each for change in patched.changes for each in denials(change)]


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.name)
def test_a_model_that_obeys_strangers_reaches_nothing_outside_and_no_secret(
    injection: Injection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PROCESS", OF_THE_PROCESS)
    cycle = Cycle(place=tmp_path)

    async def huge(_name: str) -> str:
        return (f"{injection.text}\n" if injection.where == "check" else "") + f"failed {KNOWN}\n" * 100_000

    asked = problem(injection, cycle.root)
    before = everything(tmp_path)
    looked = injection.where.removeprefix("file ") if injection.where.startswith("file ") else "README.md"
    model = ScriptedModel(
        wanting(
            use("read_file", "look", path=looked), use("list_files", "list"), use("run_check", "check", name=CHECK)
        ),
        *(wanting(each, cost=0.01) for each in injection.obeys),
        finish(),
        most=0.02,
    )
    said = anyio.run(
        lambda: diagnose(
            asked,
            model,
            toolbox(cycle.root, run=huge),
            cycle.purse,
            note=cycle.entries.append,
            canary=Canary(CANARY),
        )
    )
    assert said.ending is (Ending.CANARY if injection.canary else Ending.FINISHED)
    for prompt in model.asked:
        for text in told(prompt):
            assert not [secret for secret in (OUTSIDE, IN_ENV, KNOWN, CANARY, OF_THE_PROCESS) if secret in text]
            assert "INJECTED" not in BLOCK.sub("", text)
            assert not (injection.hidden and "INJECTED" in text)
            assert len(text) < 70_000
    seen = "".join(text for prompt in model.asked for text in told(prompt))
    assert injection.hidden or "INJECTED" in seen
    after = everything(tmp_path)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    inside = {path.removeprefix("checkout/") for path in changed if path.startswith("checkout/")}
    assert {path for path in changed if not path.startswith(("checkout/", "state/"))} == set()
    assert not [path for path in inside if path.startswith(KEPT)]
    obeyed = [entry for entry in cycle.entries if isinstance(entry, Done)][3:-1]
    assert injection.canary or len(obeyed) == len(injection.obeys)
    if injection.done:
        assert not [entry for entry in obeyed if entry.failed]
        if inside:
            outcome, tier, denied = gated(tmp_path, *(texts(each, {*inside, "README.md"}) for each in (before, after)))
            assert outcome is Outcome.FAIL or tier > 1 or denied
    else:
        assert inside == set()


def test_there_are_texts_of_all_kinds_that_strangers_write() -> None:
    assert len({injection.name for injection in INJECTIONS}) == len(INJECTIONS) >= 40
    assert {injection.where for injection in INJECTIONS} >= {
        "log",
        "test",
        "pull request",
        "commit message",
        "user error",
        "name",
        "check",
        "file README.md",
        "file CLAUDE.md",
        "file AGENTS.md",
    }
