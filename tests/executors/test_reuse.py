from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.reuse import KEPT_LAYERS, Store, keys, select
from ci.model import CheckRun, Counts, Measure, Network, Reuse, Status, Step, Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check

    MakeCheck = Callable[..., Check]

FILES = {"a/x.ts": "-:1", "a/README.md": "-:2", "b/x.ts": "-:3"}


def key(check: Check, digests: dict[str, str] | None = None, **more: Any) -> str:
    return keys((check,), digests or FILES, **more)[check.id]


def test_an_unchanged_check_keeps_its_key(check: MakeCheck) -> None:
    assert key(check("true")) == key(check("true"))


@pytest.mark.parametrize("changed", ["a/x.ts", "b/x.ts", "new.ts"])
def test_any_input_that_changes_changes_the_key(check: MakeCheck, changed: str) -> None:
    assert key(check("true")) != key(check("true"), {**FILES, changed: "-:9"})


def test_a_file_that_is_no_input_does_not(check: MakeCheck) -> None:
    made = check("true", inputs=("a/**", "!**/*.md"))
    assert key(made) == key(made, {**FILES, "b/x.ts": "-:9", "a/README.md": "-:9"})
    assert key(made) != key(made, {**FILES, "a/x.ts": "x:1"}), "the executable bit is part of it"


def test_what_is_run_and_with_what_is_part_of_the_key(check: MakeCheck) -> None:
    made = check("true")
    others = [
        check("false"),
        check("true", environment={"A": "1"}),
        check("true", outputs=("dist",)),
        dataclasses.replace(made, toolchain=Toolchain(name="none", tools={"node": "24.0.0"})),
        dataclasses.replace(made, steps=(Step(argv=made.steps[0].argv, timeout=31),)),
    ]
    assert len({key(other) for other in (made, *others)}) == 6


def test_a_secret_with_another_value_makes_another_key_for_those_who_get_it(check: MakeCheck) -> None:
    without, having = check("true"), check("true", secrets=("TOKEN",))
    assert len({key(without), key(having, secrets={"TOKEN": "1"}), key(having, secrets={"TOKEN": "2"})}) == 3
    assert key(without) == key(without, secrets={"TOKEN": "2"})


def test_another_browser_on_this_machine_makes_another_key_for_those_who_use_one(check: MakeCheck) -> None:
    without = check("true")
    having = dataclasses.replace(without, toolchain=Toolchain(name="e2e", tools={"chromium": "1"}))
    machine = {"chromium": "firefox-1489"}
    assert key(having) != key(having, machine=machine)
    assert key(without) == key(without, machine=machine)


def test_another_server_on_this_machine_makes_another_key_for_those_who_use_one(check: MakeCheck) -> None:
    having = dataclasses.replace(check("true"), toolchain=Toolchain(name="integration", tools={"postgres": "18.6"}))
    assert key(having) != key(having, machine={"postgres": "/usr/lib/postgresql/15/bin/postgres"})


def test_another_place_and_a_changed_need_make_another_key(check: MakeCheck) -> None:
    first, other = check("1", name="first"), check("2", name="first")
    second = check("true", needs=(first.id,))
    assert keys((first, second), FILES)[second.id] != keys((other, second), FILES)[second.id]
    assert key(first, world="here") != key(first, world="there")


def test_who_is_asked_about_packages_matters_to_what_only_asks(check: MakeCheck) -> None:
    asks = check("audit", registry=True, network=Network.OUTSIDE)
    installs = check("install", registry=True, network=Network.OUTSIDE, outputs=("**/node_modules",))
    assert key(asks, registry="one") != key(asks, registry="two")
    assert key(installs, registry="one") == key(installs, registry="two")


def test_select_leaves_out_what_is_named_with_an_exclamation_mark() -> None:
    paths = ("a/x.ts", "a/deep/y.ts", "a/README.md", ".eslintrc", "b/x.ts")
    assert select(paths, ("**",)) == paths
    assert select(paths, ("a/**", ".eslintrc", "!**/*.md")) == ("a/x.ts", "a/deep/y.ts", ".eslintrc")
    assert select(paths, ("**", "!b/**", "!**/*.{md,json}")) == ("a/x.ts", "a/deep/y.ts", ".eslintrc")


def run(status: Status = Status.PASSED, **more: object) -> CheckRun:
    made = CheckRun(
        stage="unit",
        name="check",
        package=".",
        status=status,
        seconds=2.5,
        counts=Counts(tests=3),
        notices=("said",),
        measures=(Measure(name="m", value=1, unit="s"),),
    )
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def test_a_green_result_comes_back_with_the_run_it_came_from(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true")
    store.save("k", made, run(), "run-1")
    kept = store.load("k", made)
    assert kept is not None
    assert (kept.cached_from, kept.status, kept.seconds) == ("run-1", Status.PASSED, 2.5)
    assert (kept.counts, kept.notices, kept.measures) == (run().counts, run().notices, run().measures)


def test_what_lies_outside_the_inputs_is_asked_whether_a_kept_result_still_stands(
    check: MakeCheck, tmp_path: Path
) -> None:
    store, made = Store(tmp_path), check("true")
    store.save("k", made, run(), "run-1")
    assert store.load("k", dataclasses.replace(made, stands=lambda _: None)) is None
    told = store.load("k", dataclasses.replace(made, stands=lambda kept: dataclasses.replace(kept, notices=("new",))))
    assert told is not None
    assert told.notices == ("new",)


def test_a_kept_result_still_tells_which_tests_ran(check: MakeCheck, tmp_path: Path) -> None:
    store, made, ran = Store(tmp_path), check("true"), ("a.test.ts > adds", "a.test.ts > adds (2)")
    store.save("k", made, run(executed=ran), "run-1")
    kept = store.load("k", made)
    assert kept is not None
    assert kept.executed == ran


def test_a_kept_result_says_with_which_tools_it_came_about(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true")
    store.save("k", made, run(tools={"postgres": "15.18"}), "run-1")
    kept = store.load("k", made)
    assert kept is not None
    assert kept.tools == {"postgres": "15.18"}


@pytest.mark.parametrize("status", [Status.FAILED, Status.FLAKY, Status.ERROR, Status.SKIPPED])
def test_nothing_but_green_is_kept(check: MakeCheck, tmp_path: Path, status: Status) -> None:
    store, made = Store(tmp_path), check("true")
    store.save("k", made, run(status), "run-1")
    assert store.load("k", made) is None


def test_an_answer_that_there_is_no_such_service_is_kept_as_what_it_is(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true", reuse=Reuse.HOUR)
    store.save("k", made, run(Status.SKIPPED, reason="not checked: 405", lasting=True), "run-1")
    kept = store.load("k", made)
    assert kept is not None
    assert (kept.status, kept.reason) == (Status.SKIPPED, "not checked: 405")


def test_a_check_that_is_never_reused_is_neither_kept_nor_loaded(check: MakeCheck, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("k", check("true", reuse=Reuse.NEVER), run(), "run-1")
    assert store.load("k", check("true")) is None
    store.save("k", check("true"), run(), "run-1")
    assert store.load("k", check("true", reuse=Reuse.NEVER)) is None


def test_a_result_without_its_outputs_is_no_result(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true", outputs=("dist",))
    store.save("k", made, run(), "run-1")
    assert store.load("k", made) is None
    store.layer("k").mkdir()
    assert store.load("k", made) is not None


def test_a_broken_result_file_is_no_result(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true")
    store.save("k", made, run(), "run-1")
    (tmp_path / "k/result.json").write_text("{half", encoding="utf-8")
    assert store.load("k", made) is None


def test_the_oldest_outputs_go_first_and_those_in_use_stay(check: MakeCheck, tmp_path: Path) -> None:
    store, made = Store(tmp_path), check("true", outputs=("dist",))
    long_ago = time.time() - 100_000
    for number in range(KEPT_LAYERS + 3):
        store.layer(f"k{number}").mkdir(parents=True)
        store.save(f"k{number}", made, run(), "run-1")
        os.utime(tmp_path / f"k{number}/result.json", (long_ago + number, long_ago + number))
    os.utime(tmp_path / "k0/result.json")
    store.sweep()
    left = {place.name for place in tmp_path.iterdir()}
    assert left == {f"k{number}" for number in range(KEPT_LAYERS + 3)} - {"k1", "k2", "k3"}


def made(tmp_path: Path, name: str) -> Path:
    """Fresh outputs of an execution."""
    fresh = tmp_path / f"fresh-{name}"
    fresh.mkdir()
    (fresh / name).write_text("x", encoding="utf-8")
    return fresh


def test_outputs_of_a_red_run_give_way_to_those_of_the_next(check: MakeCheck, tmp_path: Path) -> None:
    store, built = Store(tmp_path / "results"), check("true", outputs=("dist",))
    store.keep("k", built, made(tmp_path, "red"))
    store.keep("k", built, made(tmp_path, "green"))
    assert [path.name for path in store.layer("k").iterdir()] == ["green"]
    assert len(list((tmp_path / "results").glob("k.*/outputs/red"))) == 1, "another run may be standing on them"


def test_outputs_with_a_green_result_stay_when_another_run_was_as_quick(check: MakeCheck, tmp_path: Path) -> None:
    store, built = Store(tmp_path / "results"), check("true", outputs=("dist",))
    store.keep("k", built, made(tmp_path, "first"))
    store.save("k", built, run(), "run-1")
    store.keep("k", built, made(tmp_path, "second"))
    assert [path.name for path in store.layer("k").iterdir()] == ["first"]


def test_a_green_result_that_is_too_old_does_not_hold_its_outputs(check: MakeCheck, tmp_path: Path) -> None:
    store, built = Store(tmp_path / "results"), check("true", outputs=("dist",), reuse=Reuse.HOUR)
    store.keep("k", built, made(tmp_path, "first"))
    store.save("k", built, run(), "run-1")
    result = tmp_path / "results/k/result.json"
    result.write_text(result.read_text(encoding="utf-8").replace('"at": ', '"at": -'), encoding="utf-8")
    store.keep("k", built, made(tmp_path, "second"))
    assert [path.name for path in store.layer("k").iterdir()] == ["second"]


def test_what_is_dropped_is_never_found_in_part(check: MakeCheck, tmp_path: Path) -> None:
    """Killed where the files go one by one: what is left does not lie where it could be taken for the whole."""
    built = check("true", outputs=("dist",))
    store = Store(tmp_path / "results")
    long_ago = time.time() - 100_000
    for number in range(KEPT_LAYERS + 1):
        key = f"k{number}"
        store.keep(key, built, made(tmp_path, key))
        store.save(key, built, run(), "run-1")
        os.utime(tmp_path / f"results/{key}/result.json", (long_ago + number, long_ago + number))
    program = (
        "import os, sys; from pathlib import Path; from ci.executors.reuse import Store\n"
        "sys.addaudithook(lambda event, _: os.kill(os.getpid(), 9) if event in {'os.remove', 'os.rmdir'} else None)\n"
        "Store(Path(sys.argv[1])).sweep()"
    )
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run([sys.executable, "-c", program, str(store.directory)], cwd=root, check=False)
    assert killed.returncode == -9
    assert not (store.directory / "k0").exists()
    assert len(list(store.directory.glob("k0.*"))) == 1


def test_what_was_put_aside_goes_when_nobody_can_stand_on_it_any_more(check: MakeCheck, tmp_path: Path) -> None:
    store, built = Store(tmp_path / "results"), check("true", outputs=("dist",))
    for name in ("one", "two", "three"):
        store.keep("k", built, made(tmp_path, name))
    old, _young = sorted((tmp_path / "results").glob("k.*"))
    os.utime(old, (time.time() - 100_000,) * 2)
    (old / "outputs").chmod(0o500)
    store.sweep()
    left = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert len(left) == 2
    assert old.name not in left
