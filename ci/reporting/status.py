"""The screen of `shipway status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ci.model import Outcome
from ci.reporting.terminal import say
from ci.reporting.wording import duration, one_line
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

SHORT = 12
Facts = dict[str, Any]


def print_status(console: Console, overview: Facts) -> None:
    """Print a block for each environment, what is pinned out of all, and the next command; from what `--json` says."""
    if not overview["environments"]:
        say(console, "No environment is configured: a table environments.NAME in shipway.toml says where it is.")
    main = overview["main"]
    if rows := list(_main(main)):
        say(console, Text.assemble(("main", "bold"), "  ", (one_line(main["branch"]), "dim")))
        for name, told in rows:
            say(console, Text.assemble(f"  {name:<10}  ", told))
    for standing in overview["environments"]:
        say(console, Text.assemble((standing["environment"], "bold"), "  ", (one_line(standing["branch"]), "dim")))
        for name, told in _lines(standing):
            say(console, Text.assemble(f"  {name:<10}  ", told))
    for pin in overview["pins"]:
        say(console, Text.assemble(("pinned out", "yellow"), f"  {pin['commit'][:SHORT]}  {one_line(pin['reason'])}"))
    if overview["command"]:
        say(console, "", Text.assemble(("next  ", "dim"), (one_line(overview["command"], 1000), "bold")))


def _lines(standing: Facts) -> Iterator[tuple[str, Text]]:
    for each in standing["served"]:
        yield one_line(each["app"], 80), _served(each)
    if frozen := standing["frozen"]:
        since = f"; for {_ago(frozen['moment'])}"
        yield "frozen", Text.assemble((one_line(frozen["reason"]), "yellow"), (since, "dim"))
    for flow in standing["flows"]:
        yield from _flow(flow)
        for app, address in flow["addresses"].items():
            yield "", Text(f"use it first at {one_line(address)} ({one_line(app, 80)})")
        if flow["gates"]:
            yield "gates", _gates(flow["gates"])
    if standing["holder"] is not None:
        yield "", Text(f"held by {one_line(standing['holder'])}")
    if drill := standing.get("drill"):
        yield "last drill", _drill(drill)
    yield from _incidents(standing["incidents"])


def _main(main: Facts) -> Iterator[tuple[str, Text]]:
    for flow in main["flows"]:
        yield from _flow(flow)
    for address in main["reviews"]:
        yield "review", Text(one_line(address), "yellow")
    yield from _incidents(main["incidents"])


def _flow(flow: Facts) -> Iterator[tuple[str, Text]]:
    why = f": {one_line(flow['reason'])}" if flow["reason"] else ""
    yield one_line(flow["kind"], 10), Text(f"{one_line(flow['id'])} {flow['state']}{why}")
    if flow["step"] is not None:
        yield "", _step(flow)


def _incidents(every: Sequence[Facts]) -> Iterator[tuple[str, Text]]:
    for incident in every:
        told = f"{incident['commit'][:SHORT]}, {one_line(incident['what'], 80)}: {one_line(incident['reason'])}"
        state = f"{incident['state']}, for {_ago(incident['moment'])}"
        yield "incident", Text.assemble((told, "red"), (f"  {one_line(incident['id'])}  {state}", "dim"))


def _served(each: Mapping[str, Any]) -> Text:
    if each["commit"] is None:
        return Text.assemble(("unknown", "yellow"), f": {one_line(each['trouble'])}")
    if each["behind"] is None:
        return Text.assemble(each["commit"][:SHORT], ("  a commit that is not known here: git fetch", "dim"))
    late = "all of main" if each["behind"] == 0 else f"{count(each['behind'], 'commit')} of main not released"
    return Text(f"{each['commit'][:SHORT]}  {late}")


def _step(flow: Mapping[str, Any]) -> Text:
    window = flow["window"]
    if window is not None:
        left = f"{duration(window['left'])} to go" if window["left"] else "its time has passed"
        tests = f"; its tests passed {count(window['passed'], 'time')}"
        failed = f", failed {count(window['failed'], 'time')}" if window["failed"] else ""
        return Text(f"at {flow['step']}: {left}{tests}{failed}")
    if flow["left"] is not None:
        return Text(
            f"at {flow['step']}: {duration(flow['left'])} to go" if flow["left"] else f"at {flow['step']}: over"
        )
    since = f", for {_ago(flow['since'])}" if flow["since"] is not None else ""
    return Text(f"at {one_line(flow['step'], 80)}{since}")


def _gates(gates: list[Facts]) -> Text:
    """Return how many passed, and what each other one said."""
    passed = sum(each["ruling"] == Outcome.PASS for each in gates)
    others = [f"{each['gate']} {each['ruling']}: {each['reason']}" for each in gates if each["ruling"] != Outcome.PASS]
    return Text(one_line("; ".join([f"{passed} PASS", *others])))


def _drill(drill: Facts) -> Text:
    """Return what was played, how it ended, how long that is ago, and both times."""
    ended = ("as expected", "green") if drill["expected"] else ("NOT as expected", "yellow")
    found = "not found" if drill["detected"] is None else f"found after {duration(drill['detected'])}"
    back = "not put back" if drill["recovered"] is None else f"put back {duration(drill['recovered'])} later"
    return Text.assemble(f"{one_line(drill['scenario'], 60)} ", ended, f" {_ago(drill['moment'])} ago: {found}, {back}")


def _ago(moment: float) -> str:
    return duration(max(0.0, time.time() - moment))
