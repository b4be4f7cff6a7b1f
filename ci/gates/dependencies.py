"""What a patch does to the packages that are installed: whatever lets foreign code run at install is named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.gates.lookalikes import folded
from ci.gates.places import LOCK, MANIFEST, places

if TYPE_CHECKING:
    from ci.gates.changes import FileChange

_SCRIPT = re.compile(
    r"[\"'](?:(?:pre|post)?install|(?:pre|post)?prepare|prepublish(?:Only)?|dependencies)[\"']\s*:\s*[\"']"
)
_ALLOWED = re.compile(
    r"(?:only|never|ignored)BuiltDependencies|dangerouslyAllowAllBuilds|allowBuilds|allowedDeprecated|strictDepBuilds"
    r"|trustedDependencies|ignore-?scripts|enable-?pre-?post-?scripts|unsafe-?perm|script-?shell|requiresBuild"
    r"|side-?effects-?cache|verify-?store-?integrity|minimumReleaseAge|blockExoticSubdeps",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:-\s+)?[\"']?(?:@[\w.-]+/)?[a-z0-9][\w.-]*[\"']?\s*(?::\s*true)?,?\s*", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\s*+[\"']?[^\s:]{1,220}[\"']?\s*+:\s*+[\"']?(?:git[+:@]|git\+ssh|https?:|ssh:|github:|gitlab:|bitbucket:|gist:|file:|link:|portal:|"
    r"npm:|(?!patches/)[\w.-]+/[\w.-]+(?:#[^\"']*)?[\"']?,?\s*$)",
    re.IGNORECASE,
)
_FETCHED = re.compile(
    r"\btarball:|\btype:\s*(?:git|directory)|\brepo:|\bcommit:|\bgit(?:Hosted|Checks)|codeload|\bhttps?://|\bfile:",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"\s*(?:[@\w.:/-]*registry|_auth\w*|[\w./:@-]*:_\w+|always-auth|proxy|https-proxy|cafile|ca)\s*[=:]"
)
_ADDED = re.compile(r"\s*[\"'](?:@[\w.-]+/)?[\w.-]+[\"']\s*:\s*[\"'](?:[\^~>=<*]|workspace:|catalog:|\d)")


def install_risks(change: FileChange) -> list[str]:
    """Say how a change may make install run foreign code, or fetch code from elsewhere; none where it does not."""
    kinds = places(change.path)
    added = _new(change)
    risks = []
    if LOCK in kinds:
        if any(_FETCHED.search(line) for line in added):
            risks.append("takes a dependency from elsewhere than the registry")
        if any(_ALLOWED.search(line) for line in added):
            risks.append("adds a dependency with an install script")
    if MANIFEST in kinds:
        if any(_SCRIPT.search(line) for line in added):
            risks.append("adds a script that runs at install")
        if any(_ALLOWED.search(line) for line in (*added, *change.removed)):
            risks.append("changes which packages may run scripts at install")
        elif any(_ITEM.fullmatch(line) and not _braces(line) for line in added):
            # The name of the list that it is an item of may be lines away: it may be the one of those who may run.
            risks.append("adds an item to a list, which may be that of packages that run scripts at install")
        if any(_ELSEWHERE.match(line) for line in added) and folded(change.path).endswith(".json"):
            risks.append("takes a dependency from elsewhere than the registry")
        if any(_SETTING.match(line) for line in added) and not folded(change.path).endswith(".json"):
            risks.append("sets a registry or what is sent to one")
    return risks


def adds_dependency(change: FileChange) -> bool:
    """Whether a manifest has an entry that looks like a dependency which it did not have."""
    names = {line.partition(":")[0].strip() for line in change.removed}
    return MANIFEST in places(change.path) and any(
        _ADDED.match(line) and line.partition(":")[0].strip() not in names for line in change.added
    )


def _new(change: FileChange) -> tuple[str, ...]:
    """Lines that were not there before: one whose comma alone changed was."""
    gone = {line.strip().rstrip(",") for line in change.removed}
    return tuple(line for line in change.added if line.strip().rstrip(",") not in gone)


def _braces(line: str) -> bool:
    return (
        line.strip().strip(",") in {"", "true", "false", "null", "{", "}", "[", "]"}
        or line.strip().rstrip(",").isdigit()
    )
