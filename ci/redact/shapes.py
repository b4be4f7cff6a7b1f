"""What is a secret by its looks alone: the keys and tokens of well-known vendors, and credentials in URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A kind of secret. Where one of the `anchors` stands, `pattern` is tried; its group 1, if any, is the secret.

    Patterns are possessive and bounded, so that none goes over the same text again and again. `passed_over` is
    the run behind an anchor in which, once the pattern failed, no other anchor needs a try. `wraps` says whether
    a line break inside is looked through.
    """

    name: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    wraps: bool = True
    passed_over: re.Pattern[str] = re.compile("")


def _shape(name: str, anchors: str, pattern: str, *, wraps: bool = True, passed_over: str = "") -> Shape:
    return Shape(
        name=name,
        anchors=tuple(anchors.split()),
        pattern=re.compile(pattern, re.DOTALL),
        wraps=wraps,
        passed_over=re.compile(passed_over),
    )


# Without a possessive group, which Python before 3.11.5 matches wrongly. The first and the last line may be broken
# anywhere; where the last one is missing, what follows in lines of base64 goes.
_PEM = (
    r"-----BEGIN[A-Z\s]{0,50}PRIVATE\s{0,20}KEY(?:\s{0,20}BLOCK)?-(?:\s{0,20}-){4}"
    r"(?:(?:[^-]|-(?!----)){1,20000}-----[^a-z0-9]{0,20}E[^a-z0-9]{0,120}?-(?:[^a-z0-9A-Z]{0,20}?-){4}"
    r"|(?:[\s\\rn]{0,8}[A-Za-z0-9+/=]{40,20000}+)+)"
)
_NOT_A_VALUE = r"(?![$<{*\[]|%[A-Z_]+%|x{3})"

SHAPES = (
    _shape("private key", "-----BEGIN", _PEM),
    _shape("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_", r".{8}[A-Za-z0-9]{16,}+"),
    _shape("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,}+={0,2}"),
    _shape("Anthropic key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,}+"),
    _shape("OpenAI key", "sk-proj- sk-svcacct-", r"sk-(?:proj|svcacct)-[A-Za-z0-9_-]{20,}+"),
    _shape("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r".{4}[A-Za-z0-9]{36,}+"),
    _shape("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}+"),
    _shape("GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20,}+"),
    _shape("npm token", "npm_", r"npm_[A-Za-z0-9]{36,}+"),
    _shape("AWS key", "AKIA ASIA", r".{4}[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("Slack token", "xoxb- xoxa- xoxp- xoxs- xoxr-", r".{5}[A-Za-z0-9-]{10,}+"),
    _shape("Google key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _shape("Resend key", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    _shape("Sentry token", "sntrys_ sntryu_", r".{7}[A-Za-z0-9+/=_-]{32,}+"),
    _shape("Linear key", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}+"),
    _shape("Neon key", "napi_", r"napi_[a-z0-9]{40,}+"),
    _shape(
        "JSON web token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+",
        passed_over=r"[A-Za-z0-9_-]*+",
    ),
    _shape(
        "password",
        "postgres:// postgresql:// mysql:// redis:// rediss:// mongodb:// mongodb+srv:// amqp:// amqps://",
        rf"[a-z+]{{5,11}}://[^\s/:@?#\"'<>]{{0,100}}:(?!\d{{1,5}}[^\s\d]*@){_NOT_A_VALUE}([^\s/@\"'<>]{{1,200}})@",
    ),
    _shape("password", "://", rf"://[^\s/:@?#\"'<>]{{0,100}}:{_NOT_A_VALUE}([^\s/@\"'<>]{{1,200}})@", wraps=False),
    _shape(
        "authorization",
        "uthorization UTHORIZATION",
        r".{12}[\"']{0,2}\s{0,5}[:=,]\s{0,5}[\"']?(?:value[\"']?\s?:\s?[\"'])?"
        r"(?:[Bb]earer|BEARER|[Bb]asic|BASIC|[Tt]oken)\s{1,9}([A-Za-z0-9._~+/-]{6,}+=*)",
    ),
    _shape("authorization", "earer EARER", r".{5}\s{0,9}((?=[^\s\d]{0,400}\d)[A-Za-z0-9._~+/-]{16,}+=*)"),
    _shape("npm token", "_authToken= _auth= _password=", r"_[a-zT]+=\"?((?=[^\s\d]{0,40}\d)[A-Za-z0-9+/=_.~-]{6,}+)"),
)


def find(text: str, *, wrapped: bool = False) -> Iterator[tuple[re.Match[str], Shape]]:
    """Yield the match and the shape of what looks like a secret; `wrapped`: only shapes that look through breaks."""
    for shape in SHAPES:
        if wrapped and not shape.wraps:
            continue
        for anchor in shape.anchors:
            after = 0
            while (at := text.find(anchor, after)) >= 0:
                if match := shape.pattern.match(text, at):
                    yield match, shape
                    after = match.end()
                elif run := shape.passed_over.match(text, at + len(anchor)):
                    after = run.end()


def shorten(match: re.Match[str], end: int, shape: Shape, breaks: list[int]) -> int:
    """Return where a secret that was found in a view, and seems to reach to `end`, ends: lines were joined at `breaks`.

    A secret that is whole before a break does not go on behind it when a plain word follows there.
    """
    for cut in reversed(breaks):
        if not (shape.pattern.fullmatch(match.string, match.start(), cut) and _WORD.fullmatch(match.string, cut, end)):
            break
        end = cut
    return end
