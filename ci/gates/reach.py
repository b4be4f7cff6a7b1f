"""What new code reaches for beyond its program: an address, a process, a file, a package, a name put together."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING

from ci.gates.formatting import texts
from ci.gates.lexemes import bare, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.gates.changes import FileChange

_MOST = 100_000  # characters that are looked at; more than that is tier 2 by its lines
_CODE_IN_TEXT = r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|srcdoc|<script|<iframe"
_MODULES = r"net|tls|dns|https?|http2|dgram|vm|fs|os|worker_threads|module|process|cluster|sqlite|inspector|repl"
_HARMLESS = r"(?:path|url|util|events|assert|buffer|string_decoder|timers|stream|perf_hooks|async_hooks)\b"
_GLOBAL = "window|self|global|globalThis|top|parent|frames|document"
_OUTSIDE = re.compile(
    r"https?:|\bwss?:|://\w|[\"'`]\\?/\\?/\w|[\"'`(]\s*+//\w|child_process|\beval\b|\bFunction\s*+\(|\bexec(?:File)?Sync\b|\bspawn\w*+\s*+\("
    r"|\bfetch\b|XMLHttpRequest|WebSocket|WebTransport|EventSource|RTCPeerConnection|sendBeacon|postMessage|importScripts"
    rf"|[\"'`](?:node:)?(?:{_MODULES})(?:/\w+)?[\"'`]|[\"'`]node:(?!{_HARMLESS})\w|[\"'`]bun:|\b(?:Bun|Deno)\."
    r"|\bprocess\.|=\s*+process\b(?!\s*+\()|\(process\)|\.env\b|\$env/|getBuiltinModule"
    rf"|import\.meta\.(?:env|glob|url|resolve)|{_CODE_IN_TEXT}|dangerouslySetInnerHTML|document\.(?:write|cookie|domain)"
    r"|\brequire\b|\bimport\s*+\(|\bglobalThis\b|__proto__|\bprototype\b|Object\.defineProperty|\bReflect\b"
    r"|\.constructor\b|[\"'`]constructor[\"'`]|\bextends\s++Function\b|(?:get|set)PrototypeOf|getOwnPropertyDescriptor"
    rf"|\b(?:{_GLOBAL})\s*+\[|\((?:\w{{1,20}}\s*+,)?\s*+(?:{_GLOBAL})\s*+\)\s*+[.\[]|\}}\s*+=\s*+(?:{_GLOBAL}|navigator)\b"
    r"|javascript:|@import|\batob\b|fromCharCode|fromCodePoint|Buffer\.from|set(?:Timeout|Interval)\s*+\(\s*+[\"'`]"
    r"|\bnew\s++(?:Image|Worker|SharedWorker|Audio)\b|serviceWorker|WebAssembly|navigator\.(?:clipboard|geolocation|mediaDevices|credentials)|\.(?:src|href|action)\s*+=(?![=>])"
    r"|\blocation\.(?:assign|replace)\b|\b(?:window|document|self|top)\.location\s*+=(?!=)|\bwindow\.open\b"
    r"|(?:^|[;{}])\s*+location\s*+=(?![={])|(?<![=!])=\s*+(?:window|frames)\s*+(?:;|\n|$)|\[[^\]\n]{1,80}\+[^\]\n]{1,80}\]\s*+\("
    r"|createElement\(\s*+[\"'`](?:script|iframe|frame|object|embed|form|base|link|img)\b"
    r"|setAttribute\(\s*+[\"'`](?:src|href|srcdoc|action|on\w++)|[\"']use server[\"']|\baxios\b"
    r"|\\u00[2-7][0-9a-fA-F]|\\u\{0{0,8}[2-7][0-9a-fA-F]\}|\\x[2-7][0-9a-fA-F]"
)
_FROM = re.compile(
    r"(?<![\w$.])(?:from|import)\s*+(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})')|\bimport\s*+\(\s*+[\"'`]([^\"'`\n]{1,300})"
)
_IMPORT = re.compile(r"(?<![\w$.])(?:import|export)\b(?P<type>\s++type\b(?!\s*+(?:,|from\b)))?")
_WIDE = 600  # characters before its `from` in which an import begins
# Beside what a package has of its own: where names of frameworks are imported anew, nothing is reached.
_FREE = frozenset({
    "react", "preact", "preact/hooks", "vue", "svelte", "solid-js", "path", "node:path", "url", "node:url", "node:util",
})  # fmt: skip
_OWN = re.compile(r"\.{1,2}(?:/|$)|[@~]/|#|\$(?!env/)")
_NO_CODE = re.compile(
    r"[?]|(?:^|/)\.(?!\.?(?:/|$))|(?:^|/)node_modules/|\.(?:env|json5?|ya?ml|toml|ini|conf|xml|csv|txt|md|pem|key|crt|cer|p12"
    r"|sql|sqlite3?|db|log|lock|sh|wasm|node|html?|zip|gz|bin|snap)$"
)


def reaches(change: FileChange) -> bool:
    """Whether there is something in the new lines, as they stand or spelled in one way, that was not there before."""
    there = {line.strip() for line in change.removed}
    if any(_OUTSIDE.search(line) for line in change.added if line.strip() not in there):
        return True
    before, after = (Counter(_OUTSIDE.findall(spelled(text[:_MOST]))) for text in texts(change))
    return bool(after - before)


def foreign_imports(change: FileChange) -> tuple[str, ...]:
    """Return what is newly imported and is no code of the package's own: another package, or a file that is no code."""
    before, after = ({*imports(bare(text[:_MOST]))} for text in texts(change))
    known = {_package(each) for each in before}
    return tuple(each for each in sorted(after - before) if _foreign(each, change.path, known))


def imports(code: str) -> Iterator[str]:
    """Yield what code imports from, but for types alone: those are nothing when it runs."""
    for match in _FROM.finditer(code):
        begins = [*_IMPORT.finditer(code, max(0, match.start() - _WIDE), match.end())]
        if not begins or not begins[-1]["type"] or match[0].startswith("import"):
            yield next(filter(None, match.groups()))


def resolved(specifier: str, path: str) -> str | None:
    """Return the path that a relative import of a file leads to; None for all others, and out of the repository."""
    if not specifier.startswith("."):
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier.partition("?")[0]))
    return None if found.startswith("..") else found


def _foreign(specifier: str, path: str, known: set[str]) -> bool:
    if specifier.startswith("."):
        return _NO_CODE.search(specifier) is not None or resolved(specifier, path) is None
    if _OWN.match(specifier) or "/../" in specifier:
        return "/../" in specifier or _NO_CODE.search(specifier) is not None
    return specifier not in _FREE and _package(specifier) not in known


def _package(specifier: str) -> str:
    """Return the name of the package that a bare specifier is of."""
    return "/".join(specifier.split("/")[: 2 if specifier.startswith("@") else 1])
