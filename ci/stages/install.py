"""Stage 1, install: the exact pnpm, a frozen lockfile, and the audit of production dependencies."""

from __future__ import annotations

import re

from ci.errors import ExitCode
from ci.model import Check, Execution, Failure, Network, Plan, Reuse, Status, Step, Verdict
from ci.stages import dependencies
from ci.stages.context import INSTALL, Context
from ci.stages.judging import could_not_run, ended, local, stopped, tail
from ci.text import clean, few

# With one of these in a package, pnpm runs the repository's own code: then any file may matter.
LIFECYCLE = ("preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare", "pnpm:devPreinstall")
MANIFESTS = (
    "**/package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "**/.npmrc",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "**/patches/**",
    "**/*.patch",
)
CODE = re.compile(r"(ERR_PNPM_[A-Z0-9_]+)\]?\s*(.*)")
# What pnpm refuses because it could not verify or reach something says nothing about the repository.
UNVERIFIABLE = ("ERR_PNPM_META_FETCH_FAIL", "ERR_PNPM_FETCH_5", "ERR_PNPM_NO_MATURE", "ERR_PNPM_MISSING_TIME")
OUTDATED = "ERR_PNPM_OUTDATED_LOCKFILE"
MANIFEST = re.compile(r"not up to date with (?:<ROOT>/)?(?P<path>\S*package\.json)")
DIFFERENCE = re.compile(r"(?m)^\W*(?P<one>\S+ \(lockfile: .*\))\s*$|dependencies were (?P<some>(?:added|removed): .+)$")
UNREACHABLE = re.compile(r"\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|SELF_SIGNED_CERT_IN_CHAIN)\b")


def plan(context: Context) -> Plan:
    """Return the install check and the audit of production dependencies."""
    workspace = context.workspace
    notices = (f"Node {workspace.node.version}: {workspace.node.source}", *workspace.node.notices)
    audit = dependencies.audit(context, stage="install", production=True)
    return Plan(checks=(install(context), audit), notices=(*notices, *workspace.notices))


def install(context: Context) -> Check:
    """Return the check that makes `node_modules`; nearly every other needs its outputs."""
    workspace = context.workspace
    own_code = any(name in package.scripts for package in workspace.packages for name in LIFECYCLE)
    stage, name = INSTALL.partition("@")[0].split("/")
    return Check(
        stage=stage,
        name=name,
        toolchain=context.toolchain(),
        steps=(
            Step(
                argv=("pnpm", "install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only"),
                timeout=context.settings.stages.install.timeout,
            ),
        ),
        judge=judge,
        inputs=("**",) if own_code else MANIFESTS,
        outputs=("**",) if own_code else ("**/node_modules",),  # `prepare` makes what later stages import
        network=Network.OUTSIDE,
        registry=True,
        weight=8,
        reuse=Reuse.CONTENT,
        why=f"pnpm {workspace.pnpm.version}: {workspace.pnpm.why}",
        repeat="pnpm install --frozen-lockfile",
    )


def judge(execution: Execution) -> Verdict:
    """Read pnpm's own error line: what it could not verify or reach is an `error`, not a failure."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    step = execution.steps[0]
    output = clean(step.output)
    if step.exit_code == 0:
        return Verdict(status=Status.PASSED, notices=_warnings(output))
    code, message = _complaint(output)
    if code == OUTDATED:
        message = _outdated(message, output)
    reason = f"{code}: {message}" if code else f"pnpm install: {ended(step)}: {message}"
    failure = Failure(
        message=local(reason, execution),
        file="pnpm-lock.yaml" if code and "LOCKFILE" in code else None,
        rule=code,
        detail=tail(local(output, execution)),
    )
    if "ENOSPC" in output:
        return Verdict(
            status=Status.ERROR,
            reason="no space left on the device while installing (free some, or set SHIPWAY_CACHE)",
            failures=(failure,),
            code=ExitCode.TOOL,
        )
    if (code and code.startswith(UNVERIFIABLE)) or UNREACHABLE.search(output):
        return Verdict(
            status=Status.ERROR,
            reason=f"{failure.message} (the package registry could not be reached or asked)",
            failures=(failure,),
            code=ExitCode.TOOL,
        )
    return Verdict(status=Status.FAILED, reason=failure.message, failures=(failure,))


def _complaint(output: str) -> tuple[str | None, str]:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if (found := CODE.search(line)) is not None:
            return found[1], found[2].strip() or (lines[index + 1] if index + 1 < len(lines) else "")
    for line in lines:
        if "ELIFECYCLE" in line or "rror" in line:
            return None, line
    return None, lines[-1] if lines else "it said nothing"


def _outdated(message: str, output: str) -> str:
    """Say which manifest and lockfile differ, in what, and what to do."""
    manifest = MANIFEST.search(output)
    differences = [found["one"] or found["some"] for found in DIFFERENCE.finditer(output)]
    what = f"pnpm-lock.yaml is not up to date with {manifest['path']}" if manifest else message
    return f"{what}{': ' if differences else ''}{few(differences)} (run `pnpm install` and commit the lockfile)"


def _warnings(output: str) -> tuple[str, ...]:
    found = [line.partition("WARN")[2].strip() for line in output.splitlines() if "WARN" in line]
    return tuple(dict.fromkeys(found))[:5]
