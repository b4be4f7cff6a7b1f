"""The tools that generate code, how a package shows that it uses one, and what each of them writes."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.monorepo.invocation import Invocation
    from ci.monorepo.workspace import Package, Workspace


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A command to run in a package before its types are checked; `argv` is run in the package's directory.

    `outputs` are globs from the workspace's root of what it is expected to write: a guess, as good as the
    tool's convention. `certain` is false where only a script's name speaks for it. `at_install`: a hook of the
    package (`postinstall`, `prepare`) runs the same tool, so that install has done it already.
    """

    package: str
    argv: tuple[str, ...]
    outputs: tuple[str, ...]
    why: str
    tool: str = ""
    certain: bool = True
    at_install: bool = False


@dataclass(frozen=True, kw_only=True)
class _Generator:
    """A tool that generates: its npm package, files that show its use, its command, what it writes in the package."""

    name: str
    npm: str
    files: str
    argv: tuple[str, ...]
    outputs: tuple[str, ...]


GENERATORS = (
    _Generator(name="prisma", npm="prisma", files=r"(?:[^/]+/){0,3}schema\.prisma|(?:.+/)?prisma/schema/.+\.prisma",
               argv=("prisma", "generate"), outputs=("node_modules/.prisma/**", "node_modules/@prisma/client/**")),
    _Generator(name="astro", npm="astro", files=r"astro\.config\.[cm]?[jt]s",
               argv=("astro", "sync"), outputs=(".astro/**",)),
    _Generator(name="nuxt", npm="nuxt", files=r"nuxt\.config\.[cm]?[jt]s",
               argv=("nuxt", "prepare"), outputs=(".nuxt/**",)),
    _Generator(name="svelte-kit", npm="@sveltejs/kit", files=r"(?:svelte|vite)\.config\.[cm]?[jt]s",
               argv=("svelte-kit", "sync"), outputs=(".svelte-kit/**",)),
    _Generator(name="react-router", npm="@react-router/dev", files=r"react-router\.config\.[cm]?[jt]s",
               argv=("react-router", "typegen"), outputs=(".react-router/**",)),
    _Generator(name="graphql-codegen", npm="@graphql-codegen/cli", files=r"codegen\.(?:[cm]?[jt]s|ya?ml|json)",
               argv=("graphql-codegen",), outputs=("src/**/*generated*", "src/gql/**", "**/__generated__/**")),
)  # fmt: skip


def known_generations(
    workspace: Workspace,
    package: Package,
    scripts: Mapping[str, tuple[Invocation, ...]],
    hooks: tuple[Invocation, ...],
) -> Iterator[Generation]:
    """The generators that a package uses, each run through the script that does just that, where there is one.

    `scripts` are what its candidate scripts run, `hooks` what install runs in it.
    """
    for generator in GENERATORS:
        sign = next((file for file in sorted(package.own) if re.fullmatch(generator.files, file)), None)
        if sign is None or generator.npm not in package.dependencies:
            continue
        alone = (name for name, runs in scripts.items() if len(runs) == 1 and _is_run_of(generator, runs[0]))
        script = next(alone, None)
        yield Generation(
            package=package.path,
            argv=_command(package, generator, sign) if script is None else ("pnpm", "run", script),
            outputs=_outputs(workspace, package, generator, sign),
            why=f"{package.within(sign)} and {generator.npm} in {package.within('package.json')}",
            tool=generator.name,
            at_install=any(_is_run_of(generator, run) for run in hooks),
        )
    yield from _paraglide(workspace, package)


def is_known(run: Invocation) -> bool:
    """Whether it is the command of a known generator."""
    return any(_is_run_of(generator, run) for generator in GENERATORS)


def _is_run_of(generator: _Generator, run: Invocation) -> bool:
    """Whether it is the generator's own command: `nuxt generate`, which makes a site, is not `nuxt prepare`."""
    return run.tool == generator.argv[0] and run.argv[1 : len(generator.argv)] == generator.argv[1:]


def _command(package: Package, generator: _Generator, sign: str) -> tuple[str, ...]:
    """The generator's command; Prisma must be told of a schema that is not where it looks by itself."""
    command = ("pnpm", "exec", *generator.argv)
    usual = sign in {"schema.prisma", "prisma/schema.prisma"} or sign.startswith("prisma/schema/")
    told = "prisma" in package.manifest or any(
        re.match(r"(?:\.config/)?prisma\.config\.", file) for file in package.own
    )
    return (*command, "--schema", sign) if generator.name == "prisma" and not usual and not told else command


def _outputs(workspace: Workspace, package: Package, generator: _Generator, sign: str) -> tuple[str, ...]:
    """What the tool writes; Prisma's client lies in the store of node_modules unless its schema names a directory."""
    outputs = generator.outputs
    if generator.name == "prisma":
        text = read_text(workspace.root, package.within(sign))
        given = re.findall(r"^\s*output\s*=\s*\"([^\"]+)\"", text, re.MULTILINE)
        if not given:
            return ("node_modules/.pnpm/@prisma+client*/**", *map(package.within, outputs))
        outputs = tuple(f"{posixpath.join(posixpath.dirname(sign), path)}/**" for path in given)
    return tuple(package.within(output) for output in outputs)


def _paraglide(workspace: Workspace, package: Package) -> Iterator[Generation]:
    project = next(
        (file for file in sorted(package.own) if re.fullmatch(r"(?:.+/)?[\w-]+\.inlang/settings\.json", file)), None
    )
    if project is None or not {"@inlang/paraglide-js", "@inlang/paraglide-sveltekit"} & package.dependencies.keys():
        return
    config = next((file for file in sorted(package.own) if re.fullmatch(r"vite\.config\.[cm]?[jt]s", file)), None)
    given = (
        re.search(r"outdir:\s*['\"]([^'\"]+)", read_text(workspace.root, package.within(config))) if config else None
    )
    outdir = given.group(1) if given else "src/paraglide"
    yield Generation(
        package=package.path,
        argv=("pnpm", "exec", "paraglide-js", "compile", "--project", posixpath.dirname(project), "--outdir", outdir),
        outputs=(package.within(f"{outdir}/**"),),
        why=f"{package.within(project)}",
        tool="paraglide",
    )
