"""What no fix may do, whatever its tier: reasons why a patch is not even shown as one to be merged."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from ci.gates.changes import EXECUTABLE, LINK, SUBMODULE
from ci.gates.dependencies import install_risks
from ci.gates.lookalikes import UNSEEN, folded, mixed
from ci.gates.places import CI, MIGRATIONS, SAMPLE_ENVIRONMENT, disguised, places
from ci.gates.recording import quoted, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.gates.changes import FileChange

LONGEST_LINE = 10_000
_LONGEST_NAME, _LONGEST_PATH = 200, 1000

_GIT = re.compile(r"(?:\.git|git~\d+)[. ]*", re.IGNORECASE)
_OF_GIT = re.compile(r"\.git(?:attributes|modules|config)|git(?:att|mod|con)\w*~\d+|\.mailmap|\.gitignore_global")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\..*)?")
_SECRET = re.compile(
    r"\.env(?:\.[\w.-]+)?|\.envrc|\.dev\.vars|\.netrc|\.pgpass|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)(?:\.pub)?"
    r"|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|gpg|age)|credentials(?:\.\w+)?|secrets?\.(?:json|ya?ml|toml|env|enc)"
    r"|service-?account[\w.-]*\.json|\.ssh|\.aws|\.gnupg|\.kube|[\w.-]+\.env"
)


def refusals(change: FileChange, *, model: bool) -> list[str]:
    """Say everything that speaks against a change, each with its path; none where nothing does."""
    name = quoted(change.path)
    said = [*_path(change), *_kind_of_file(change), *_text(change), *install_risks(change)]
    kinds = places(change.path)
    if CI in kinds and model:
        said.append("is a CI file, which a model does not change")
    if MIGRATIONS in kinds and change.kind != "added" and re.search(r"\.(?:sql|[cm]?[jt]s)$", folded(change.path)):
        said.append("is a migration that was there before: databases had it as it was")
    return [f"{name} {each}" for each in said]


def _path(change: FileChange) -> list[str]:
    path = whole(change.path)
    names = path.split("/")
    looks = [folded(each) for each in names]
    said = [*_characters(path, names), *_reserved(names, looks)]
    if "node_modules" in looks:
        said.append("is an installed package")
    if any(_SECRET.fullmatch(each) for each in looks) and SAMPLE_ENVIRONMENT not in places(path):
        said.append("is a file of secrets")
    if mixed(path):
        said.append("has a name in letters that look like others")
    elif change.kind == "added" and (place := disguised(path)) is not None:
        said.append(f"looks like {place.what} and is spelled in another way")
    return said


def _characters(path: str, names: list[str]) -> list[str]:
    """What a name is made of."""
    said = []
    if path.startswith("/") or {"", ".", ".."} & set(names) or "\\" in path or ":" in path:
        said.append("is no path within the repository")
    if any(unicodedata.category(each) in _UNFIT for each in path) or UNSEEN.search(path) or set('<>"|?*') & set(path):
        said.append("has characters in its name that are not seen, or that no name should have")
    if any(each != each.strip(" ") or (each.endswith(".") and each.strip(".")) for each in names):
        said.append("has a name that ends in a dot or a space")
    if len(path) > _LONGEST_PATH or any(len(each.encode()) > _LONGEST_NAME for each in names):
        said.append("has too long a name")
    return said


def _reserved(names: list[str], looks: list[str]) -> list[str]:
    """Names that git or a system keeps for itself."""
    said = []
    if any(_GIT.fullmatch(each) for each in (*names, *looks)):
        said.append("is git's own")
    if any(_OF_GIT.fullmatch(each) for each in looks):
        said.append("changes how git reads the repository")
    if any(re.search(r"~\d", each) for each in names) or any(_DEVICE.fullmatch(each) for each in looks):
        said.append("has a name that is another file's or a device's to some systems")
    return said


# Control, format, surrogate, private and unassigned characters, and spaces that are none.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _kind_of_file(change: FileChange) -> list[str]:
    modes = {change.mode_before, change.mode_after}
    said = []
    if LINK in modes:
        said.append("is a symbolic link")
    if SUBMODULE in modes:
        said.append("is a submodule")
    if change.mode_after == EXECUTABLE and change.mode_before != EXECUTABLE:
        said.append("becomes executable")
    if change.binary:
        said.append("is binary")
    return said


def _text(change: FileChange) -> list[str]:
    said = []
    if _more(UNSEEN.findall("\n".join(change.added)), UNSEEN.findall("\n".join(change.removed))):
        said.append("gets characters that are not seen, or that turn the order of others round")
    words = [word for line in change.added for word in mixed(line)]
    if _more(words, [word for line in change.removed for word in mixed(line)]):
        said.append("gets a word of letters that look like others")
    if any(len(line) > LONGEST_LINE for line in change.added):
        said.append(f"gets a line of more than {LONGEST_LINE} characters")
    return said


def _more(after: Iterable[str], before: Iterable[str]) -> bool:
    """Whether something is there more often than it was."""
    return bool(Counter(after) - Counter(before))
