from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Step
from ci.stages.reach import inputs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

    Workspace = Callable[..., Context]


def packages(**needs: str) -> dict[str, Any]:
    return {
        f"packages/{name}/package.json": {"name": name, "dependencies": dict.fromkeys(each.split(), "workspace:*")}
        for name, each in needs.items()
    }


def left_out(context: Context, package: str = "packages/a") -> set[str]:
    return {pattern for pattern in inputs_of(context.workspace, package) if pattern.startswith("!")}


def test_packages_that_it_does_not_depend_on_are_left_out(context: Workspace) -> None:
    assert left_out(context(packages(a="b", b="c", c="", d="a"))) == {"!packages/d/**"}


def test_what_it_depends_on_indirectly_and_its_own_files_stay(context: Workspace) -> None:
    whole = context(packages(a="b", b="", c=""))
    assert inputs_of(whole.workspace, "packages/a", without=("!**/*.md",)) == ("**", "!packages/c/**", "!**/*.md")
    assert inputs_of(whole.workspace, ".") == ("**",)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("src/x.ts", 'import { c } from "../../c/src/index.ts";'),
        ("src/x.vue", "<script>import '../../c/src/index.ts'</script>"),
        ("tsconfig.json", '{"compilerOptions": {"paths": {"c": ["../c/src"]}}}'),
        ("src/x.ts", "read(path.join(import.meta.dirname, '..', '..', 'c', 'data.json'))"),
        ("src/x.ts", 'readFileSync("../c/data.json")'),
        ("src/x.ts", "read(`${import.meta.dirname}/../../c/data.json`)"),
        ("src/x.ts", "read(__dirname + '/../../c/data.json')"),
        ("src/x.css", "@import url(../../c/base.css);"),
        ("codegen.yml", "schema: ../c/schema.graphql\n"),
        (".mocharc", "spec: ../c/test\n"),
    ],
)
def test_a_package_that_a_relative_path_leads_to_stays(context: Workspace, file: str, content: str) -> None:
    files = {**packages(a="", b="", c="d", d=""), f"packages/a/{file}": content}
    assert left_out(context(files)) == {"!packages/b/**"}


def test_what_the_root_depends_on_every_package_can_import(context: Workspace) -> None:
    files = {**packages(a="", b="", c=""), "package.json": {"name": "root", "dependencies": {"c": "workspace:*"}}}
    assert left_out(context(files)) == {"!packages/b/**"}


def test_with_hoisted_modules_every_package_can_import_every_other(context: Workspace) -> None:
    assert left_out(context({**packages(a="", b=""), ".npmrc": "node-linker=hoisted\n"})) == set()


@pytest.mark.parametrize(
    "content",
    [
        "read(path.join(import.meta.dirname, '..', '..', name, 'data.json'))",
        "read(`${import.meta.dirname}/../../${name}/data.json`)",
        "glob('../*/data.json')",
        "glob('../{b,c}/data.json')",
        "chdir('..')",
        "const root = path.resolve(__dirname, '../../..');",
    ],
)
def test_a_path_to_where_the_packages_lie_keeps_all_of_them(context: Workspace, content: str) -> None:
    assert left_out(context({**packages(a="", b="", c=""), "packages/a/src/x.ts": content})) == set()


@pytest.mark.parametrize(
    "content",
    [
        "import x from '..';",
        "import {\n  x,\n} from '..';",
        "vi.mock('../x.ts'); const y = await vi.importActual<Y>('..');",
        "read(path.join(import.meta.dirname, '..', 'fixtures', name))",
        "new URL('..', import.meta.url)",
        "const [a, ...b] = c; // 1 .. 9, and so on...",
        "import '../../../shared/x.ts';",
    ],
)
def test_a_path_that_stays_within_keeps_nothing_more(context: Workspace, content: str) -> None:
    files = {**packages(a="", b=""), "packages/a/src/x.ts": content, "shared/x.ts": ""}
    assert left_out(context(files)) == {"!packages/b/**"}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("vitest run --config ../c/vitest.config.ts", {"!packages/b/**"}),
        ("vitest run --config=../c/vitest.config.ts", {"!packages/b/**"}),
        ("cd .. && vitest run", set()),
        ("vitest run --config ../../vitest.config.ts", {"!packages/b/**", "!packages/c/**"}),
    ],
)
def test_a_package_that_a_script_leads_to_stays(context: Workspace, line: str, kept: set[str]) -> None:
    files = packages(a="", b="", c="")
    files["packages/a/package.json"]["scripts"] = {"test": line}
    assert left_out(context(files)) == kept


def test_a_package_that_a_command_leads_to_stays(context: Workspace) -> None:
    step = Step(argv=("vitest", "run", "--config=../c/vitest.config.ts"), cwd="packages/a")
    workspace = context(packages(a="", b="", c="")).workspace
    assert inputs_of(workspace, "packages/a", steps=(step,)) == ("**", "!packages/b/**")


def test_a_file_of_the_root_that_names_the_packages_keeps_all_of_them(context: Workspace) -> None:
    files = {**packages(a="", b="", c=""), "packages/a/tsconfig.json": {"extends": "../../tsconfig.base.json"}}
    plain = {**files, "tsconfig.base.json": {"compilerOptions": {"strict": True}}}
    assert left_out(context(plain)) == {"!packages/b/**", "!packages/c/**"}
    paths = {"@x/*": ["./packages/*/src"]}
    assert left_out(context({**files, "tsconfig.base.json": {"compilerOptions": {"paths": paths}}})) == set()
