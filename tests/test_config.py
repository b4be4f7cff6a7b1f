from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pydantic
import pytest

from ci import config
from ci.errors import ExitCode, UsageError
from ci.settings import Settings
from ci.toml_lines import locate

REPOSITORY = Path(__file__).parent.parent
DOCUMENT = REPOSITORY / "docs" / "configuration.md"


def mistakes(text: str) -> list[str]:
    """Return the lines of the refusal of a text, without the file's name and the header."""
    with pytest.raises(UsageError) as caught:
        config.loads(text)
    assert caught.value.exit_code is ExitCode.USAGE
    header, *lines = str(caught.value).splitlines()
    assert header.startswith("shipway.toml ")
    assert all(line.startswith("shipway.toml:") for line in lines)
    return [line.removeprefix("shipway.toml:") for line in lines]


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    settings = config.load(tmp_path)
    assert settings == config.loads("") == Settings()
    assert settings.stages.install.audit_level == "high"
    assert settings.stages.unit.timeout == 300
    assert settings.stages.e2e.timeout == 600
    assert settings.stages.e2e.tags == ("@tier1", "@critical")
    assert settings.stages.integration.rls is None
    assert settings.run.slots == 0


def test_everything_is_read_into_one_plain_value() -> None:
    settings = config.loads("""
        run = { slots = 3, outside = ["../proto/**"] }
        [stages.install]
        timeout = "1h 30m"
        [[stages.install.waivers]]
        advisory = "ghsa-AB12-cd34-ef56"
        until = 2027-01-31
        reason = "later"
        [[stages.lint.forbidden_imports]]
        from = "apps/web/**"
        to = ["packages/db/**", "!packages/db/types/**"]
        why = "a browser has no database"
        [stages.integration]
        timeout = 90
        migrate = "pnpm --filter 'the db' migrate"
        env = { A = "1" }
        secrets = { B = "cmd://op read op://ci/key" }
        database_variables = { C = "owner", D = "role" }
        [stages.integration.rls]
        role = "app"
        set_tenant = "select set_config('app.tenant', :tenant, true)"
        exempt = { audit_log = "written by triggers" }
        tenants = ["a", "b"]
        [[stages.audit.bundles]]
        app = "apps/web"
        raw = "1.5 MB"
        gzip = "200kB"
        brotli = 150_000
        chunk_gzip = "64 KiB"
        [[stages.audit.lighthouse]]
        app = "apps/web"
        performance = 1
        serve = ["pnpm", "--filter", "web", "preview"]
    """)
    assert settings.run.slots == 3
    assert settings.run.outside == ("../proto/**",)
    stages = settings.stages
    assert stages.install.timeout == 5400
    (waiver,) = stages.install.waivers
    assert (waiver.advisory, waiver.until) == ("GHSA-ab12-cd34-ef56", datetime.date(2027, 1, 31))
    (forbidden,) = stages.lint.forbidden_imports
    assert forbidden.from_ == ("apps/web/**",)
    assert forbidden.to == ("packages/db/**", "!packages/db/types/**")
    assert stages.integration.timeout == 90
    assert stages.integration.migrate == ("pnpm", "--filter", "the db", "migrate")
    assert stages.integration.secrets == {"B": "cmd://op read op://ci/key"}
    assert stages.integration.database_variables == {"C": "owner", "D": "role"}
    assert stages.integration.rls is not None
    assert stages.integration.rls.tenant_column == "tenant_id"
    assert stages.integration.rls.tenants == ("a", "b")
    (bundle,) = stages.audit.bundles
    assert (bundle.raw, bundle.gzip, bundle.brotli, bundle.chunk_gzip) == (1_500_000, 200_000, 150_000, 65_536)
    assert stages.audit.lighthouse[0].performance == 1.0


def test_an_advisory_is_known_by_one_spelling() -> None:
    settings = config.loads("""
        [[stages.install.waivers]]
        advisory = "cve-2026-12345"
        until = 2027-01-31
        reason = "later"
    """)
    assert settings.stages.install.waivers[0].advisory == "CVE-2026-12345"


def test_settings_cannot_be_changed() -> None:
    settings = config.loads('[stages.e2e]\nenv = { A = "1" }')
    with pytest.raises(pydantic.ValidationError):
        settings.run.slots = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.stages.e2e.env["A"] = "2"  # type: ignore[index]


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    assert mistakes("""[stages.install]
timout = 3
audit_level = "hgih"
[[stages.install.waivers]]
advisory = "GHSA-aaaa-bbbb-cccc"
until = "2027-01-01"
[lint]
[stages.e2e]
env = { A = "1", B = 2 }
tags = [
  "@a",
  # a comment with ] in it
  3,
]
[run]
slots = true
audit_level = "low"
""") == [
        "2: stages.install.timout: there is no such setting (hint: did you mean `timeout`?)",
        (
            "3: stages.install.audit_level: expected 'low', 'moderate', 'high' or 'critical'"
            ' (hint: did you mean "high"?)'
        ),
        "4: stages.install.waivers[0]: `reason` is missing",
        "6: stages.install.waivers[0].until: expected a date without quotes, like 2027-01-31",
        "7: lint: there is no such setting (hint: did you mean `stages.lint`?)",
        "9: stages.e2e.env.B: expected text in quotes",
        "13: stages.e2e.tags[1]: expected text in quotes",
        "16: run.slots: expected a whole number, without quotes",
        "17: run.audit_level: there is no such setting (hint: did you mean `stages.install.audit_level`?)",
    ]


WRONG = [
    ("stages.unit.coverage = 1", "expected true or false"),
    ('stages.unit.coverage = "true"', "expected true or false"),
    ("stages.unit.projects = 'unit'", "expected a list in [ ]"),
    ("stages.unit = 3", "expected a table"),
    ("stages = []", "expected a table"),
    ("stages.e2e.env = []", "expected a table"),
    ("stages.unit.timeout = '5 minutes'", 'text like "90s"'),
    ("stages.unit.timeout = 0", "above zero"),
    ("stages.unit.timeout = nan", "above zero"),
    ("stages.unit.timeout = inf", "one day"),
    ("stages.unit.timeout = true", "expected a duration"),
    ("run.slots = -1", "greater than or equal to 0"),
    ("run.outside = ['proto']", 'begins with "../"'),
    ("stages.audit.bundles = [{app = 'a', raw = '2 bananas'}]", "units: B, kB"),
    ("stages.audit.bundles = [{app = 'a', raw = -1}]", "expected a size"),
    ("stages.audit.bundles = [{app = '/etc'}]", "inside the workspace"),
    ("stages.audit.bundles = [{app = '../x'}]", "inside the workspace"),
    ("stages.audit.lighthouse = [{app = 'a', seo = 95}]", "less than or equal to 1"),
    ("stages.audit.lighthouse = [{app = 'a', pages = ['http://x']}]", "path of a page"),
    ("stages.audit.lighthouse = [{app = 'a', pages = []}]", "at least one"),
    ("stages.install.waivers = [{advisory = 'x', until = 2027-01-01, reason = 'y'}]", "GHSA-xxxx"),
    ("stages.install.waivers = [{advisory = 'CVE-2026-1234', until = 2027-01-01, reason = ' '}]", "some text"),
    ("stages.install.waivers = [{advisory = 'CVE-2026-1234', until = 2027-01-01T10:00:00, reason = 'y'}]", "a date"),
    ("stages.integration.rls = {role = 'app', set_tenant = 'set x'}", ":tenant"),
    ("stages.integration.rls = {set_tenant = ':tenant', tenants = ['a']}", "an element is missing"),
    ("stages.integration.env = {'A B' = 'x'}", "name of an environment variable"),
    ("stages.integration.env = {A = 'x'}\nstages.integration.secrets = {A = 'env://B'}", "A is set twice"),
    ("stages.integration.migrate = []", "expected a command"),
    ("stages.integration.migrate = ''", "expected a command"),
    ("stages.integration.migrate = 'NODE_ENV=test pnpm migrate'", "set variables in `env`"),
    ("stages.integration.migrate = 'pnpm \"migrate'", "not closed"),
    ("environments.development.neon = {project = 'a b', token = 'env://X'}", "should match pattern"),
    ("environments.development.neon = {project = 'a', token = 'napi_x'}", "by reference, never by its value"),
    ("environments.development.neon = {project = 'a', token = 'env://X', address = 'http://x.test'}", "https://"),
    ("smoke = [{name = 'a', point = 'ai'}]", "expected `requests`, or `absent`"),
    ("smoke = [{name = 'a', point = 'mail', absent = 'x'}]", "'email' or 'payments'"),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/'}]}]", "`app` is missing"),
    ("smoke = [{name = 'a', point = 'ai', app = 'b', requests = [{path = '/'}]}]", "there is no app b"),
    ("smoke = [{name = 'a', point = 'ai', app = 'b', requests = [{path = '/{c}'}]}]", "nothing is called c here"),
    ("smoke = [{name = 'a', point = 'ai', app = 'b', requests = [{path = '/', json = 1}]}]", "GET has no body"),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/', returns_upload = true}], app = 'b'}]", "uploaded"),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/', expect = {b = []}}]}]", "a number, true or false"),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/', capture = {b = 'c'}}]}]", 'write "json:data.id"'),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/', headers = {'b c' = 'd'}}]}]", "name of a header"),
    ("smoke = [{name = 'a', point = 'ai', requests = [{path = '/', json = {a = 2026-01-15}}]}]", "a date is text"),
    ("environments.staging.smoke.secrets = {A = 'hunter-two'}", "by reference, never by its value"),
    ("environments.staging.smoke.headers = {A = '{secret:B}'}", "there is no secret B"),
    ("environments.staging.smoke.without = {a = 'b'}", "there is no probe a"),
    ("unit.timeout = 3", "did you mean `stages.unit`?"),
    ("stages.units = {}", "did you mean `unit`?"),
    ("cache = {}", "there is no such setting"),
]


@pytest.mark.parametrize(("text", "why"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_value_is_refused_in_plain_words(text: str, why: str) -> None:
    assert why in "\n".join(mistakes(text))


@pytest.mark.parametrize(
    "line",
    [
        "a | b",
        "a && b",
        "a; b",
        "a > log",
        "a < b",
        "a $(b)",
        "a `b`",
        "a $HOME",
        'a "$(b)"',
        'a "$HOME"',
        "a\nb",
        "a & ",
    ],
)
def test_a_command_in_shell_language_is_refused(line: str) -> None:
    (mistake,) = mistakes(f"[stages.integration]\nmigrate = '''{line}'''")
    assert "2: stages.integration.migrate: no shell reads this command" in mistake
    assert "script of package.json" in mistake


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("pnpm db:migrate", ("pnpm", "db:migrate")),
        ("node -e 'a; b | c && $d'", ("node", "-e", "a; b | c && $d")),
        ('node -e "a; b"', ("node", "-e", "a; b")),
        (r"a \; b\ c", ("a", ";", "b c")),
        ("a ${DATABASE_URL} it' is' b", ("a", "${DATABASE_URL}", "it is", "b")),
    ],
)
def test_a_command_in_one_line_is_split_into_words(line: str, argv: tuple[str, ...]) -> None:
    assert config.loads(f"[stages.audit]\nbuild = '''{line}'''").stages.audit.build == argv


@pytest.mark.parametrize(
    "value", ['"sk_live_51HunterTwo"', "12345678", '["sk_live_51HunterTwo"]', '"vault://x"', '"env://"']
)
def test_a_secret_by_value_is_refused_and_not_repeated(value: str) -> None:
    (mistake,) = mistakes(f"[stages.integration.secrets]\nSTRIPE_KEY = {value}")
    assert mistake.startswith("2: stages.integration.secrets.STRIPE_KEY: a secret is given by reference")
    assert "HunterTwo" not in mistake
    assert "12345678" not in mistake


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\n\n[stages.unit\n", 3),
        ("[run]\nslots = 1\nslots = 2\n", 3),
        ('[run]\n\n\nslots = "', 4),
        ("a = [1,\n2,\n", 2),
        ("[run]\nslots = " + "9" * 5000, 1),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_the_line(text: str, line: int) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(f"{line}: ")


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too deeply"):
        config.loads("a = " + "[" * 100_000)
    (tmp_path / "shipway.toml").write_bytes(b"[run]\n# caf\xe9\n")
    with pytest.raises(UsageError, match=r"shipway.toml:2: this is not UTF-8"):
        config.load(tmp_path)
    (tmp_path / "shipway.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="larger than"):
        config.load(tmp_path)
    (tmp_path / "shipway.toml").unlink()
    (tmp_path / "shipway.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path)
    (mistake,) = mistakes('"\\u001b[31mred\\nline" = 1')
    assert "\x1b" not in mistake


def test_a_file_with_windows_line_ends_and_a_byte_order_mark_is_read() -> None:
    assert config.loads("\ufeff[run]\r\nslots = 2\r\n").run.slots == 2
    (mistake,) = mistakes("\ufeff[run]\r\n\r\nslot = 2\r\n")
    assert mistake.startswith("3: run.slot: ")


LINES = '''# 1
"quoted.key" = { x = 1, "y z" = [ 2, { q = 3 } ] } # 2 with ] and "
a.b.c = """ # 3
not = "a key"
"""" # 5
d = [ # 6
  [1, 2], # 7 ]
  'literal # not a comment',
  { e = "}", f = 2027-01-31T10:00:00Z },
  1.5e3,
] # 11
[t] # 12
x = \'\'\'
[not.a.table]
\'\'\' # 15
y.z = true # 16
[[t.list]] # 17
k = 1 # 18
[t.list.sub] # 19
k = 2 # 20
[[t.list]] # 21
"k" = 3 # 22
[[t.list.deep]] # 23
[[t.list.deep]] # 24
v = -inf # 25
'''


def test_every_key_of_a_file_is_found_on_its_line() -> None:
    data = tomllib.loads(LINES)
    lines = locate(LINES)
    assert {path: lines[path] for path in paths(data)} == {
        ("quoted.key",): 2,
        ("quoted.key", "x"): 2,
        ("quoted.key", "y z"): 2,
        ("quoted.key", "y z", 0): 2,
        ("quoted.key", "y z", 1): 2,
        ("quoted.key", "y z", 1, "q"): 2,
        ("a",): 3,
        ("a", "b"): 3,
        ("a", "b", "c"): 3,
        ("d",): 6,
        ("d", 0): 7,
        ("d", 0, 0): 7,
        ("d", 0, 1): 7,
        ("d", 1): 8,
        ("d", 2): 9,
        ("d", 2, "e"): 9,
        ("d", 2, "f"): 9,
        ("d", 3): 10,
        ("t",): 12,
        ("t", "x"): 13,
        ("t", "y"): 16,
        ("t", "y", "z"): 16,
        ("t", "list"): 17,
        ("t", "list", 0): 17,
        ("t", "list", 0, "k"): 18,
        ("t", "list", 0, "sub"): 19,
        ("t", "list", 0, "sub", "k"): 20,
        ("t", "list", 1): 21,
        ("t", "list", 1, "k"): 22,
        ("t", "list", 1, "deep"): 23,
        ("t", "list", 1, "deep", 0): 23,
        ("t", "list", 1, "deep", 1): 24,
        ("t", "list", 1, "deep", 1, "v"): 25,
    }
    assert set(lines) == set(paths(data))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, member in members for found in [(*path, key), *paths(member, (*path, key))]]


ENVIRONMENT = re.compile(r"^environments\.(development|staging|production)")
ROW = re.compile(r"^(benchmarks|extraction|watch)\.before")


def tables(model: type[pydantic.BaseModel], path: str = "") -> list[tuple[str, type[pydantic.BaseModel]]]:
    """Return every table of the settings by its heading in the document."""
    found = [(path, model)]
    for name, field in model.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, pydantic.BaseModel):
                inner = f"{path}.{name}".lstrip(".")
                found += tables(part, ROW.sub("smoke.requests", ENVIRONMENT.sub("environments.NAME", inner)))
    return found


def test_every_setting_is_documented_with_its_description_and_default() -> None:
    sections = dict(re.findall(r"^##+ \[+([\w.]+)\]+\n(.*?)(?=^##|\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL))
    expected: set[str] = set()
    for path, model in tables(Settings):
        for name, field in model.model_fields.items():
            assert field.description
            setting = field.alias or name
            inner = ENVIRONMENT.sub("environments.NAME", f"{path}.{setting}".lstrip("."))
            if ROW.sub("smoke.requests", inner) in {known for known, _ in tables(Settings)}:
                continue
            expected.add(inner)
            row = re.search(rf"^\| `{setting}` \| (.+) \| (.+) \| (.+) \|$", sections[path], re.MULTILINE)
            assert row, f"{inner} is not documented"
            assert row[3] == field.description, inner
            own = path == "environments.NAME" and setting == "branch"  # each has its own
            assert default_of(field) in row[2].split(", ") if own else row[2] == default_of(field), inner
    rows = {
        f"{path}.{row}" for path, text in sections.items() for row in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    }
    assert rows == expected


def default_of(field: pydantic.fields.FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int():
            return f"`{value}`"
        case float() if value < 1:
            return f"`{value:g}`"
        case float():
            hours, minutes = f'`"{value / 3600:g}h"`', f'`"{value / 60:g}m"`'
            return f'`"{value:g}s"`' if value % 60 else minutes if value % 3600 else hours
        case str():
            return f'`"{value}"`'
        case (_, *_):
            return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
        case _:
            return "none"


def test_the_examples_of_the_document_are_valid() -> None:
    examples = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) >= 5
    for example in examples:
        config.loads(example)


def test_the_schema_knows_every_setting_and_its_description() -> None:
    schema = config.schema()
    install = schema["$defs"]["Install"]
    assert install["properties"]["audit_level"]["enum"] == ["low", "moderate", "high", "critical"]
    assert install["properties"]["timeout"]["description"]
    assert install["additionalProperties"] is False
    assert "from" in schema["$defs"]["ForbiddenImport"]["properties"]


def test_the_watch_says_what_it_asks_and_of_whom() -> None:
    text = """
        [[apps]]
        name = "api"
        path = "."
        [[apps]]
        name = "web"
        path = "."
        [watch]
        app = "api"
        window = "10s"
        counter = { app = "api", path = "/n?a={since}&b={until}", headers = { A = "{secret:KEY}" } }
        [[watch.before]]
        path = "/me"
        capture = { id = "json:id" }
        [[watch.routes]]
        name = "mine"
        path = "/of/{id}"
        [[watch.routes]]
        name = "page"
        app = "web"
        path = "/{random}"
    """
    watch = config.loads(text).watch
    assert (watch.window, watch.looks) == (10, 10)
    assert (watch.secrets, watch.apps) == (frozenset({"KEY"}), frozenset({"api", "web"}))
    assert mistakes(text.replace('path = "/{random}"', 'path = "/{id}"'))[0].endswith("nothing is called id here")
    assert "expected {since} in the path" in mistakes(text.replace("a={since}&", ""))[0]
    assert "there is no app shop" in mistakes(text.replace('app = "web"', 'app = "shop"'))[0]
    assert "no less than `window`" in mistakes(text.replace('window = "10s"', 'window = "10s"\nextended = 5'))[0]
    assert "name the app" in mistakes(text.replace('[watch]\n        app = "api"', "[watch]"))[0]
    lacking = f'{text}\n[environments.production.smoke]\nsecrets = {{ OTHER = "env://A" }}'
    assert "`secrets` lacks KEY, which [watch] names" in mistakes(lacking)[0]


NOTIFY = "[environments.production.notify]\n"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (f'{NOTIFY}issues = "github"', "no repository at GitHub is connected (hint: [github] names it)"),
        (f'{NOTIFY}issues = "linear"', "issues at Linear need both the word and the team"),
        (f'{NOTIFY}linear = {{ key = "env://A", team = "ENG" }}', "issues at Linear need both the word and the team"),
        (f'{NOTIFY}email = {{ from = "a@b.test", to = ["c@d.test"] }}', "expected one carrier: `resend` or `smtp`"),
        (
            f'{NOTIFY}email = {{ from = "a@b.test", to = ["c@d.test"], smtp = {{ host = "m.test", user = "a" }} }}',
            "expected `user` and `password` together, or none of them",
        ),
        (f'{NOTIFY}email = {{ from = "nobody", to = ["c@d.test"] }}', "expected one e-mail address"),
        (f'{NOTIFY}email = {{ from = "a@b.test", to = ["c@d.test, e@f.test"] }}', "expected one e-mail address"),
        (f'{NOTIFY}email = {{ from = "a@b.test\\nBcc: x@y.test", to = ["c@d.test"] }}', "expected one e-mail address"),
        (f'{NOTIFY}pagerduty = {{ key = "{"k" * 32}" }}', "a secret is given by reference, never by its value"),
    ],
)
def test_an_environment_that_could_tell_nobody_is_refused(text: str, mistake: str) -> None:
    assert any(mistake in line for line in mistakes(text)), mistakes(text)


def test_a_mail_server_is_where_it_is_said_to_be() -> None:
    def address(text: str) -> str:
        email = f'email = {{ from = "A <a@b.test>", to = ["c@d.test"], smtp = {{ {text} }} }}'
        return config.loads(f"{NOTIFY}{email}").environments.production.notify.addresses["email.smtp"]

    assert address('host = "mail.test"') == "smtp://mail.test"
    assert address('host = "mail.test", port = 465, tls = true') == "smtps://mail.test:465"
    assert address('host = "::1", port = 25') == "smtp://[::1]:25"
