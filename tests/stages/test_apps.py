from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.stages.apps import find_apps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.stages.context import Context

    Workspace = Callable[..., Context]

PAGE = "<!doctype html>"


def package(*dependencies: str, **scripts: str) -> Mapping[str, Any]:
    return {"name": "it", "scripts": scripts, "dependencies": dict.fromkeys(dependencies, "1.0.0")}


@pytest.mark.parametrize(
    ("manifest", "page", "directory"),
    [
        (package("vite", build="vite build"), PAGE, "apps/it/dist/client"),
        (package("vite", build="tsc -b && vite build --outDir www"), PAGE, "apps/it/www"),
        (package("next", build="next build"), "", "apps/it/.next/static"),
        (package("astro", build="astro check && astro build"), "", "apps/it/dist/client"),
        (package("nuxt", build="nuxt build"), "", "apps/it/.output/public"),
        (package("vite", "@sveltejs/kit", build="vite build"), "", "apps/it/.svelte-kit/output/client"),
        (package("@react-router/dev", build="react-router build"), "", "apps/it/build/client"),
    ],
)
def test_what_a_bundler_builds_into_pages_is_an_app(
    context: Workspace,
    manifest: Mapping[str, Any],
    page: str,
    directory: str,
) -> None:
    files = {"apps/it/package.json": manifest, **({"apps/it/index.html": page} if page else {})}
    (app,) = find_apps(context(files).workspace)
    assert app.package.path == "apps/it"
    assert app.directories[0] == directory


@pytest.mark.parametrize(
    ("manifest", "page"),
    [
        (package("vite", build="vite build"), ""),  # a library
        (package("hono", build="tsc -b", start="node server.js"), ""),
        (package("next"), ""),  # a package of components
        (package("vite", start="vite"), PAGE),  # a development server is what nobody's users see
        (package(start="nodemon server.js"), PAGE),
        (package(start="node --watch server.js"), PAGE),
        (package(), PAGE),
    ],
)
def test_what_no_user_sees_is_no_app(context: Workspace, manifest: Mapping[str, Any], page: str) -> None:
    files = {"apps/it/package.json": manifest, **({"apps/it/index.html": page} if page else {})}
    assert find_apps(context(files).workspace) == ()


def test_pages_that_are_served_as_they_are_make_an_app_too(context: Workspace) -> None:
    files = {"apps/it/package.json": package(start="node server.mjs"), "apps/it/public/index.html": PAGE}
    (app,) = find_apps(context(files).workspace)
    assert (app.bundler, app.directories) == ("", ("apps/it/public",))


def test_a_root_that_builds_its_packages_is_not_itself_an_app(context: Workspace) -> None:
    files = {
        "package.json": {"name": "root", "packageManager": "pnpm@10.34.9", "scripts": {"build": "pnpm -r build"}},
        "index.html": PAGE,
        "apps/it/package.json": package("vite", build="vite build"),
        "apps/it/index.html": PAGE,
    }
    assert [app.package.path for app in find_apps(context(files).workspace)] == ["apps/it"]
