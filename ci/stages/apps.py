"""Which packages are apps that a browser sees: by what their scripts build and start, and where the build lies."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.scripts import Invocation, invocations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.monorepo.workspace import Package, Workspace

# Where a bundler puts what is sent to a browser, from the package's directory; the first that is there counts.
DIRECTORIES: Mapping[str, tuple[str, ...]] = {
    "vite": ("dist/client", "dist", "build/client", "build"),
    "next": (".next/static", "out/_next/static", "out"),
    "astro": ("dist/client", "dist"),
    "nuxt": (".output/public", "dist"),
    "react-router": ("build/client",),
    "remix": ("build/client", "public/build"),
    "gatsby": ("public",),
    "react-scripts": ("build",),
    "ng": ("dist",),
    "webpack": ("dist", "build"),
    "rspack": ("dist", "build"),
    "rsbuild": ("dist",),
    "parcel": ("dist",),
}
# Frameworks that build through Vite and put the result elsewhere.
THROUGH_VITE: Mapping[str, tuple[str, ...]] = {
    "@sveltejs/kit": (".svelte-kit/output/client", "build"),
    "@react-router/dev": ("build/client",),
    "@remix-run/dev": ("build/client",),
    "@tanstack/react-start": (".output/public", "dist/client"),
    "@solidjs/start": (".output/public",),
    "vike": ("dist/client",),
    "@builder.io/qwik-city": ("dist",),
}
PAGES = ("index.html", "public/index.html", "src/index.html", "static/index.html")
CONFIG = re.compile(r"vite\.config\.[cm]?[jt]s")
OUT_DIRECTORY = re.compile(r"\boutDir:\s*(['\"])(?P<path>[^'\"]+)\1")
# What serves the sources rather than the build: its scores and sizes are those of nobody's users.
DEVELOPMENT = frozenset({
    ("vite", ""), ("vite", "dev"), ("vite", "serve"), ("next", "dev"), ("astro", "dev"), ("nuxt", "dev"),
    ("react-scripts", "start"), ("webpack", "serve"), ("ng", "serve"), ("parcel", ""), ("rsbuild", "dev"),
    ("gatsby", "develop"), ("react-router", "dev"), ("remix", "dev"), ("svelte-kit", "dev"), ("expo", "start"),
})  # fmt: skip
WATCHERS = frozenset({"nodemon", "tsc-watch", "webpack-dev-server", "turbo", "tauri", "electron", "expo"})


@dataclass(frozen=True, kw_only=True)
class App:
    """A package whose pages a browser sees. `bundler` is "" where its files are served as they are.

    `directories` are where its build may lie, from the workspace's root, most likely first.
    """

    package: Package
    bundler: str
    directories: tuple[str, ...]
    why: str


def find_apps(workspace: Workspace) -> tuple[App, ...]:
    """Return the apps of a workspace, in its order."""
    found = (_app(workspace, package) for package in workspace.packages)
    return tuple(app for app in found if app is not None)


def _app(workspace: Workspace, package: Package) -> App | None:
    built = next((each for each in _own(workspace, package, "build") if each.tool in DIRECTORIES), None)
    page = next((page for page in PAGES if page in package.own), None)
    if built is not None:
        framework = next((name for name in THROUGH_VITE if name in package.dependencies), None)
        if built.tool == "vite" and framework is None and page is None:
            return None  # a library
        named = _named_directory(workspace, package, built) if built.tool == "vite" else ()
        usual = THROUGH_VITE[framework] if framework and built.tool == "vite" else DIRECTORIES[built.tool]
        return App(
            package=package,
            bundler=built.tool,
            directories=tuple(dict.fromkeys(package.within(path) for path in (*named, *usual))),
            why=f"its script `build` runs {' '.join(built.argv[:2])}",
        )
    if page is None or (package.path == "." and len(workspace.packages) > 1):
        return None
    script = next((name for name in ("preview", "start") if server(workspace, package, name) is not None), None)
    if script is None:
        return None
    directory = package.within(posixpath.dirname(page) or ".")
    return App(
        package=package, bundler="", directories=(directory,), why=f"it has {page} and a script `{script}` that serves"
    )


def server(workspace: Workspace, package: Package, script: str) -> tuple[Invocation, ...] | None:
    """Return what a script runs where it serves what was built; None where it does not, or serves the sources."""
    found = _own(workspace, package, script)
    if not found or any(_is_development(each) for each in found):
        return None
    return found


def _own(workspace: Workspace, package: Package, script: str) -> tuple[Invocation, ...]:
    if script not in package.scripts:
        return ()
    return tuple(each for each in invocations(workspace, package.path, script) if each.package == package.path)


def _is_development(invocation: Invocation) -> bool:
    word = next(iter(invocation.argv[1:]), "")
    subcommand = "" if word.startswith("-") else word
    watches = any(word in {"--watch", "watch", "-w"} for word in invocation.argv[1:])
    return watches or invocation.tool in WATCHERS or (invocation.tool, subcommand) in DEVELOPMENT


def _named_directory(workspace: Workspace, package: Package, built: Invocation) -> tuple[str, ...]:
    """Where the command line or the configuration say that the build goes."""
    if "--outDir" in built.argv[:-1]:
        return (built.argv[built.argv.index("--outDir") + 1],)
    config = next((file for file in sorted(package.own) if CONFIG.fullmatch(file)), None)
    if config is None:
        return ()
    found = OUT_DIRECTORY.search(read_text(workspace.root, package.within(config)))
    return () if found is None else (posixpath.join(found["path"], "client"), found["path"])
