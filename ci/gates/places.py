"""Places of a repository that a fix does not change by itself, and how far one that does may go at most.

A path is held against them as it looks (see lookalikes.py): in any case, in any letters that are drawn alike.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from ci.gates.lookalikes import folded

_CODE = r"\.[cm]?[jt]sx?$"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A kind of file, `what` in a sentence: "it is ...". A fix there is of tier `least` at least.

    `named`: the tools that read it know it by this spelling alone, so that another one is a disguise. What fits
    `loose` is such a file too, by a name that people gave it.
    """

    what: str
    least: int
    pattern: re.Pattern[str]
    named: bool = False
    loose: re.Pattern[str] | None = None


def _place(what: str, least: int, *patterns: str, named: bool = False, loose: str | None = None) -> Place:
    both = "|".join(f"(?:{pattern})" for pattern in patterns)
    also = None if loose is None else re.compile(loose)
    return Place(what=what, least=least, pattern=re.compile(both), named=named, loose=also)


def _within(names: str) -> str:
    """Everything below a directory of one of these names."""
    return rf"(?:^|/)(?:{names})/"


def _file(names: str) -> str:
    """A file of one of these names, wherever it is."""
    return rf"(?:^|/)(?:{names})$"


TESTS = _place(
    "a test", 2,
    rf"[._-](?:tests?|spec|e2e|cy|pw|bench)(?:-d)?{_CODE}",
    _file(r"(?:tests?|spec)(?:[._-][\w.-]*)?\.[cm]?[jt]sx?"),
    _within(r"(?:__)?(?:tests?|specs?|e2e|integration)(?:__)?|(?:e2e|integration)-tests?|test-[\w-]+|testing"),
    rf"\.(?:checks?|unit|integration|acceptance|functional|smoke|ct|property|fuzz|steps|benchmark){_CODE}",
    _within("test(?:utils?|helpers?)|cypress|playwright"),
    _file(r"[\w.-]*set-?up-?(?:tests?|vitest|jest|msw|mocks?|globals?|env|environment|dom|browser|after-?env)?\.[cm]?[jt]sx?"),
    _file(r"(?:vitest|jest|tests?)[.-]set-?up\.[cm]?[jt]sx?|(?:[\w.-]*-)?(?:globals|matchers)\.[cm]?[jt]sx?"),
    _file(r"test-?(?:utils?|helpers?)\.[cm]?[jt]sx?"),
)  # fmt: skip
SNAPSHOTS = _place(
    "a snapshot", 2,
    r"\.(?:snap|snapshot|shot)$|\.(?:approved|received|expected)\.[a-z0-9]+$",
    _within(r"__(?:snapshots|screenshots)__|[\w.-]*-snapshots"),
    r"(?:^|/)(?:expected|approved|baselines?|references?)/(?:[^/]{1,200}/){0,20}[^/]{1,200}\.(?![cm]?tsx?$|jsx$|css$)[a-z0-9]+$",
)  # fmt: skip
FIXTURES = _place(
    "a fixture", 2,
    _within("(?:__)?(?:fixtures?|mocks?|stubs?|data)__|fixtures?|mocks?|stubs?|fakes?|msw|mirage|nock"),
    _within("test-?data|factories|seeds?|samples?|golden|cassettes|recordings"),
    rf"[._-](?:mocks?|fixtures?|stubs?|fakes?|stories){_CODE}",
    _file(r"(?:mock|fixture|stub|fake)s?(?:[._-][\w.-]*)?\.[cm]?[jt]sx?"),
)  # fmt: skip
LOCK = _place(
    "a lock file", 2,
    _file(r"pnpm-lock\.yaml|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|bun\.lockb?|deno\.lock"), named=True,
)  # fmt: skip
MANIFEST = _place(
    "a package's manifest or the package manager's settings", 2,
    _file(r"package\.json|pnpm-workspace\.yaml|\.npmrc|\.yarnrc(?:\.yml)?|lerna\.json|rush\.json|bunfig\.toml"),
    _file(r"deno\.jsonc?"), named=True,
)  # fmt: skip
PACKAGE_HOOKS = _place(
    "code that the package manager runs", 3, _file(r"\.?pnpmfile\.[cm]?js"), _within(r"\.yarn"), named=True,
)  # fmt: skip
PATCHES = _place("a patch of a dependency", 2, _within("patches"), r"\.(?:patch|diff)$")
CONFIG = _place(
    "a tool's configuration", 2,
    r"\.config(?:\.[\w-]+)*\.(?:[cm]?[jt]s|jsonc?|ya?ml|toml)$",
    _file(r"(?:ts|js)config[\w.-]*\.json|biome\.jsonc?|turbo\.jsonc?|nx\.json|project\.json|vitest\.workspace\.\w+"),
    _file(r"\.?(?:eslint|prettier|oxlint|stylelint|lintstaged|commitlint|lighthouse|swc|babel|nyc|c8|mocha)rc[\w.]*"),
    _file(r"\.(?:eslint|prettier)ignore|\.size-limit[\w.]*|\.dependency-cruiser[\w.-]*|\.editorconfig|\.nvmrc"),
    _file(r"\.node-version|\.tool-versions|mise\.toml|knip\.jsonc?|lefthook\.ya?ml|dprint\.jsonc?|renovate\.json5?"),
    _file(r"[\w.-]*budgets?\.json|codecov\.ya?ml|[Mm]akefile|[Jj]ustfile|cypress\.json|sonar-project\.properties"),
    _file(r"vercel\.json|netlify\.toml|fly\.toml|wrangler\.(?:toml|jsonc?)|render\.yaml|Procfile|shipway\.toml"),
    r"\.d\.[cm]?ts$", named=True,
    loose=r"(?:^|[/._-])(?:vitest|jest|eslint|playwright|biome|prettier|tsconfig|stylelint|oxlint)(?=[/._-])",
)  # fmt: skip
CI = _place(
    "a CI file", 2,
    _within(r"\.(?:github|gitlab|circleci|buildkite|woodpecker|semaphore|teamcity|dagger|forgejo|gitea|azure[\w-]*)"),
    _file(r"\.gitlab-ci[\w.-]*\.ya?ml|[Jj]enkinsfile[\w.-]*|\.?azure-pipelines[\w.-]*\.ya?ml|\.woodpecker\.ya?ml"),
    _file(r"\.drone\.ya?ml|bitbucket-pipelines\.ya?ml|\.travis\.ya?ml|\.?appveyor\.ya?ml|\.cirrus\.ya?ml"),
    _file(r"cloudbuild\.ya?ml|buildspec[\w.-]*\.ya?ml|dagger\.json|action\.ya?ml"), named=True,
)  # fmt: skip
OWNERS = _place("a list of who reviews what", 2, _file("CODEOWNERS"), named=True)
CONTAINERS = _place(
    "a container's recipe", 2,
    _file(r"(?:[Dd]ocker|[Cc]ontainer)file[\w.-]*|[\w.-]+\.[Dd]ockerfile|\.dockerignore|(?:docker-)?compose[\w.-]*\.ya?ml"),
    r"\.tf(?:vars)?$", _within("k8s|helm|terraform"),
)  # fmt: skip
INSTRUCTIONS = _place(
    "an instruction file for agents", 2,
    _file(r"(?:AGENTS?|CLAUDE|GEMINI|SKILL|QWEN|CONVENTIONS|copilot-instructions)[\w.-]*\.mdx?|llms[\w-]*\.txt"),
    _file(r"[\w.-]+\.instructions\.md|\.(?:cursor|windsurf|cline|roo)rules[\w.-]*|\.aider[\w.]*"),
    _within(r"\.(?:cursor|claude|codex|agents?|windsurf|gemini|continue|roo)|prompts"),
)  # fmt: skip
HIDDEN = _place("in a dot-directory, or a dot-file", 2, r"(?:^|/)\.[^/]")
SAMPLE_ENVIRONMENT = _place(
    "a sample of an env file", 2, _file(r"\.?env[\w.-]*\.(?:example|sample|template|dist|defaults)")
)
MIGRATIONS = _place("in the migrations", 2, _within("migrations?|drizzle"), _within("supabase/functions"))
MIGRATING = _place("code that migrates databases", 3, _within("migrat(?:e|or|ing)"), rf"(?:^|/)migrat[\w-]*{_CODE}")
SQL = _place("SQL", 2, r"\.(?:sql|psql|pgsql)$")
CONTRACTS = _place(
    "a schema or a contract of an API", 2,
    r"\.(?:prisma|graphqls?|gql|proto|avsc|wsdl|xsd)$", _file(r"[\w.-]*(?:openapi|swagger|asyncapi)[\w.-]*"),
    _file(r"[\w.-]*schemas?\.(?:[cm]?[jt]s|json|ya?ml)"), _within("contracts?|schemas?"),
)  # fmt: skip
SCRIPTS = _place("a script of the repository's own", 2, _within("scripts|tools|hack"))
MADE = _place(
    "in a directory of made files", 2,
    _within(r"dist|build|out|coverage|vendor(?:ed)?|(?:__)?gen(?:erated)?(?:__)?|third[_-]?party"),
    rf"\.gen(?:erated)?{_CODE}",
)  # fmt: skip

# Who gets in, who pays, who sees whose rows: by the words of a path, however they are joined.
_WORDS = {
    "auth": (
        r"auth(?:n|z|s|ed|entic\w*|oriz\w*|oris\w*)?|oauth2?|oidc|saml|sso|jwts?|jwks|login|logout|signin|signup|signout|"
        r"passwords?|passwd|passkeys?|mfa|totp|otp|sessions?|credentials?|permissions?|rbac|acls?|security|csrf|cors|"
        r"crypto\w*|encrypt\w*|decrypt\w*|secrets?|apikeys?|sanitiz\w*|captcha|middlewares?|guards?|admins?"
    ),
    "billing": (
        r"billing|bills?|payments?|pay|payouts?|stripe|paddle|invoices?|invoicing|subscriptions?|checkout|pricing|"
        r"refunds?|charges?|ledger|metering|quotas?|wallets?|taxes|tax|vat|entitlements?"
    ),
    "row-level security": r"rls|rowlevel\w*|tenan(?:t|ts|cy)|multitenan\w*|polic(?:y|ies)",
}  # fmt: skip
# Softer words of the same: a path about them is looked at.
_SOFT = re.compile(
    r"access|roles?|tokens?|cookies?|accounts?|identity|identities|members?|memberships?|owners?|ownership|webhooks?|"
    r"prices?|carts?|orders|discounts?|coupons?|credits?|balances?"
)
_SOFT_FILE = re.compile(r"(?:^|/)(?:proxy|order|hooks\.(?:server|client))\.[cm]?[jt]sx?$")
# Tokens of a language, or of a design: nobody gets in by them.
_OF_A_LANGUAGE = re.compile(
    r"lex|lexers?|pars(?:e|er|ers|ing)|tokeni[sz]\w*|grammars?|syntax|ast|compilers?|designs?|themes?|theming|styles?|css|"
    r"colou?rs?|palettes?|markdown|highlight\w*"
)
_SENSITIVE = {what: re.compile(pattern) for what, pattern in _WORDS.items()}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(rf"{_CAMEL.pattern}|[^A-Za-z0-9]+")

_PLACES = (
    TESTS, SNAPSHOTS, FIXTURES, LOCK, MANIFEST, PACKAGE_HOOKS, PATCHES, CONFIG, CI, OWNERS, CONTAINERS, INSTRUCTIONS,
    HIDDEN, SAMPLE_ENVIRONMENT, MIGRATIONS, MIGRATING, SQL, CONTRACTS,
    SCRIPTS, MADE,
)  # fmt: skip
_FOLDED = {place: re.compile(place.pattern.pattern, re.IGNORECASE) for place in _PLACES}
_STYLE = re.compile(r"\.(?:css|scss|less|sass)$")
SOURCE = re.compile(r"\.(?:[cm]?[jt]sx?|css|scss|less|sass|html|vue|svelte|astro)$")


def places(path: str) -> tuple[Place, ...]:
    """Return every place that a path is in, by what it looks like; `totalTest.ts` is read as `total-test.ts` too."""
    looks = folded(path)
    words = folded(_CAMEL.sub("-", path)) if path.isascii() else looks
    return tuple(
        place
        for place in _PLACES
        if _FOLDED[place].search(looks)
        or (not place.named and _FOLDED[place].search(words))
        or (place.loose is not None and place.loose.search(words))
    )


def disguised(path: str) -> Place | None:
    """Return the place that a path looks as if it were in, where its tools would not take it for that."""
    looks = folded(path)
    named = (each for each in _PLACES if each.named and _FOLDED[each].search(looks))
    return next((each for each in named if not each.pattern.search(path)), None)


def sensitive(path: str) -> tuple[str, ...]:
    """Return what a path's words are about: auth, billing, row-level security."""
    words = _words(path)
    joined = [*words, *(one + other for one, other in itertools.pairwise(words))]
    return tuple(what for what, pattern in _SENSITIVE.items() if any(pattern.fullmatch(word) for word in joined))


def delicate(path: str) -> tuple[str, ...]:
    """Return the words of a path that may be about who gets in, who pays, or whose rows these are."""
    found = [word for word in _words(path) if _SOFT.fullmatch(word)]
    if _SOFT_FILE.search(folded(path)):
        found.append(path.rpartition("/")[2])
    language = reads_language(path)
    return tuple(word for word in dict.fromkeys(found) if not (language and word.startswith("token")))


def reads_language(path: str) -> bool:
    """Whether a path is about a language or a design, the tokens of which let nobody in."""
    return is_style(path) or any(_OF_A_LANGUAGE.fullmatch(word) for word in _words(path))


def is_style(path: str) -> bool:
    """Whether a path is one of a sheet of styles."""
    return _STYLE.search(folded(path)) is not None


def _words(path: str) -> list[str]:
    return [word.casefold() for word in _BETWEEN.split(_plain(path)) if word]


def _plain(path: str) -> str:
    """Return the path in Latin letters, in the case that it is written in where that can be."""
    return path if path.isascii() else folded(path)
