"""Stage 1, install: the exact pnpm, a frozen lockfile, and the audit of production dependencies."""

from __future__ import annotations

import re

from ci.errors import ExitCode
from ci.model import Check, Execution, Failure, Network, Plan, Reuse, Status, Step, Verdict
from ci.monorepo.documents import read_text
from ci.monorepo.lockfile import NAME as LOCKFILE
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
UNVERIFIABLE = tuple(
    f"ERR_PNPM_{name}" for name in ("META_FETCH_FAIL", "FETCH_408", "FETCH_429", "FETCH_5", "NO_MATURE", "MISSING_TIME")
)
REFUSED = re.compile(r"(?:- |\()(?P<status>401|403|404)\b")  # "Unauthorized - 401", or "(401 Unauthorized)" of pnpm 12
PRIVATE = "a private package: the registry wants a token that may read it, in your ~/.npmrc or NPM_CONFIG_USERCONFIG"
SCOPED = re.compile(r"/@[^/\s]+?(?:/|%2[fF])")  # of a package of an organisation, in an address
OUTDATED = "ERR_PNPM_OUTDATED_LOCKFILE"
MANIFEST = re.compile(r"not up to date with (?:<ROOT>/)?(?P<path>\S*package\.json)")
DIFFERENCE = re.compile(r"(?m)^\W*(?P<one>\S+ \(lockfile: .*\))\s*$|dependencies were (?P<some>(?:added|removed): .+)$")
UNREACHABLE = re.compile(r"\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|SELF_SIGNED_CERT_IN_CHAIN)\b")
# pnpm up to version 10 names the network's errors without a code of its own; scripts of packages name them too.
OWN = re.compile(rf"\W*{UNREACHABLE.pattern}  |FetchError: request to ")
FRAME = re.compile(r"[\u00d7\u2500-\u257f]")  # what pnpm 12 draws around its messages
CAUSE = re.compile(r"^ERR_PNPM_\w+: ")
WARNING = re.compile(r"\W*WARN\b")
# The lockfile's names for a directory or an archive of the repository: pnpm copies what is in it into node_modules.
COPIED = re.compile(r"(?<![\w-])file:[^\s]|\btype: directory\b")


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
        inputs=("**",) if own_code or COPIED.search(read_text(workspace.root, LOCKFILE)) else MANIFESTS,
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
    if (why := _not_the_repositorys(code, message)) is not None:
        reason = f"{failure.message} ({why})"
        return Verdict(status=Status.ERROR, reason=reason, failures=(failure,), code=ExitCode.TOOL)
    return Verdict(status=Status.FAILED, reason=failure.message, failures=(failure,))


def _not_the_repositorys(code: str | None, message: str) -> str | None:
    """Say what stood in the way, None where it is the repository itself. Only pnpm's own complaint is asked.

    A package that the registry does not have is the repository's fault, unless it is an organisation's: registries
    answer 404, too, to those who may not see a private package.
    """
    if code is not None and "FETCH" in code and (refused := REFUSED.search(message)) is not None:
        hidden = refused["status"] != "404" or SCOPED.search(message) is not None
        return PRIVATE if hidden else None
    lost = OWN.match(message) if code is None else "LIFECYCLE" not in code and UNREACHABLE.search(message)
    if lost or (code is not None and code.startswith(UNVERIFIABLE)):
        return "the package registry could not be reached or asked"
    return None


def _complaint(output: str) -> tuple[str | None, str]:
    """Return pnpm's own code, where it has one, and its sentence; warnings are none, it tried again after them."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not WARNING.match(line)]
    for index, line in enumerate(lines):
        if (found := CODE.search(line)) is not None:
            return found[1], found[2].strip() or _framed(lines[index + 1 :])
    for shape in (OWN, re.compile(".*ELIFECYCLE|.*rror")):
        if (own := next(filter(shape.match, lines), None)) is not None:
            return None, own
    return None, lines[-1] if lines else "it said nothing"


def _framed(lines: list[str]) -> str:
    """Return the innermost cause of a message that pnpm 12 wraps and draws a frame around, else the first line."""
    if not lines or FRAME.match(lines[0]) is None:
        return lines[0] if lines else ""
    causes = " ".join(lines).split("\u25b6")
    return CAUSE.sub("", " ".join(causes[-1].split()))[:300]


def _outdated(message: str, output: str) -> str:
    """Say which manifest and lockfile differ, in what, and what to do."""
    manifest = MANIFEST.search(output)
    differences = [found["one"] or found["some"] for found in DIFFERENCE.finditer(output)]
    what = f"pnpm-lock.yaml is not up to date with {manifest['path']}" if manifest else message
    return f"{what}{': ' if differences else ''}{few(differences)} (run `pnpm install` and commit the lockfile)"


def _warnings(output: str) -> tuple[str, ...]:
    found = [line.partition("WARN")[2].strip() for line in output.splitlines() if "WARN" in line]
    return tuple(dict.fromkeys(found))[:5]
