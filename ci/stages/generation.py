"""What must have run before types can be checked: code generation, and builds that types are read from."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from ci.model import Check, Execution, Failure, Status, Step, Verdict
from ci.monorepo.generation import Generation, builds, generations
from ci.monorepo.graph import closure, dependents, order
from ci.monorepo.typescript import TypeScriptPackage, typescript_packages
from ci.stages.context import INSTALL, Context
from ci.stages.judging import could_not_run, ended, failed, local, shown, stopped, tail
from ci.stages.linting import by_hand, complaint
from ci.stages.reach import inputs_of
from ci.stages.typescripts import configs_of, follows_references, reached, type_runs
from ci.text import clean

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace

BUILD = "build"
VERIFIES = re.compile(r"(?:^|[:_-])(?:test|tests|lint|check|typecheck|e2e)(?:$|[:_-])")
# A command that needs what no check can reach says nothing about the code.
OUT_OF_REACH = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT)\b|fetch failed|getaddrinfo")


def generation(context: Context) -> tuple[Check, ...]:
    """Return the checks that generate code and build packages for one another, each behind those it needs."""
    workspace = context.workspace
    members = typescript_packages(workspace)
    live = _live(workspace, members)
    wanted = [each for each in generations(workspace) if each.package in live and not _done_by_install(each)]
    wanted += _needed_builds(workspace, members, live)
    position = {path: number for number, path in enumerate(order(workspace))}
    made: dict[str, Check] = {}
    for each in sorted(wanted, key=lambda each: (position[each.package], each.tool == BUILD)):
        check = _check(context, each, tuple(made.values()))
        made.setdefault(check.id, check)
    return tuple(made.values())


def _check(context: Context, generation: Generation, earlier: tuple[Check, ...]) -> Check:
    workspace = context.workspace
    named = generation.argv[:2] == ("pnpm", "run")
    near = set(closure(workspace, generation.package))
    step = Step(argv=generation.argv, cwd=generation.package, timeout=context.settings.stages.typecheck.timeout)
    return Check(
        stage="typecheck",
        name=generation.argv[2] if named else generation.tool or generation.argv[-1],
        package=generation.package,
        toolchain=context.toolchain(),
        steps=(step,),
        judge=functools.partial(judge, certain=generation.certain, builds=generation.tool == BUILD),
        needs=(INSTALL, *(check.id for check in earlier if check.package in near)),
        inputs=inputs_of(workspace, generation.package, steps=(step,)),
        outputs=tuple(output for output in generation.outputs if not output.startswith("!")),
        weight=4.0,
        why=generation.why,
        repeat=by_hand(generation.package, generation.argv, {}),
    )


def judge(execution: Execution, *, certain: bool, builds: bool) -> Verdict:
    """A preparation is green when its command ended with 0.

    One that wants a database or the network could not be run: an `error`. Where only a name speaks for it, it is let
    pass with a notice, however it ended: what really needs its outputs will say so. So is a build that could not
    reach what it wants, for it may be needless; a build that fails in itself has failed.
    """
    (step,) = execution.steps
    if step.succeeded:
        return Verdict(status=Status.PASSED)
    said = f"{ended(step)}: {complaint(step, skip=('>', '$'))}"
    lost = OUT_OF_REACH.search(clean(step.output))
    if not certain and (lost is not None or not builds):
        sake = "though it may be needless" if builds else "for its name's sake"
        ends = said if lost is None else f"could not reach what it needs: {lost[0]}"
        notice = local(f"{shown(step.argv)} was tried {sake}: {ends}", execution)
        return Verdict(status=Status.PASSED, notices=(notice,))
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    reason = f"{shown(step.argv)}: {said}"
    failure = Failure(message=local(reason, execution), detail=tail(local(step.output, execution)))
    if lost is not None:
        return Verdict(status=Status.ERROR, reason=failure.message, failures=(failure,))
    return failed(step, reason=failure.message, failures=(failure,))


def _done_by_install(generation: Generation) -> bool:
    """Whether install has run it already and kept what it wrote: that is so inside node_modules only."""
    return generation.at_install and all("node_modules/" in output for output in generation.outputs)


def _live(workspace: Workspace, members: tuple[TypeScriptPackage, ...]) -> set[str]:
    """Return the packages that some check looks at, with all they depend on: not every example and fixture.

    Those are the root, packages with a script that checks types, lints or tests, what `tsc -b` reaches, and where
    the root's compiler looks at all there is, packages with TypeScript and no tsconfig of their own.
    """
    runs = type_runs(workspace).runs
    looked = {".", *(each.run.package for each in runs)}
    looked |= {package.path for package in workspace.packages if any(map(VERIFIES.search, package.scripts))}
    if any(each.run.package == "." and not follows_references(each.run) for each in runs):
        looked |= {member.package for member in members if all(config.base_only for config in member.configs)}
    references = {config.path: config.references for member in members for config in member.configs}
    starts = [path for each in runs if follows_references(each.run) for path in configs_of(workspace, each.run)]
    looked |= {workspace.owner(path).path for path in reached(starts, references)}
    return {path for start in looked for path in closure(workspace, start)}


def _needed_builds(workspace: Workspace, members: tuple[TypeScriptPackage, ...], live: set[str]) -> list[Generation]:
    """Return the builds of packages that something live reads, and not all of it by a path alias to the sources."""
    typed = {each.package: each for each in members}
    root = typed.get(".")
    return [
        build
        for build in builds(workspace)
        if any(
            not _aliased(workspace.by_path[build.package].name, typed.get(user), root)
            for user in dependents(workspace, build.package)
            if user != build.package and user in live
        )
    ]


def _aliased(name: str, user: TypeScriptPackage | None, root: TypeScriptPackage | None) -> bool:
    configs = [*(user.configs if user else ()), *(root.configs if root and not (user and user.configs) else ())]
    paths = [config.options.get("paths") for config in configs]
    return any(isinstance(each, dict) and (name in each or f"{name}/*" in each) for each in paths)
