"""Names and text that are not what they seem, and fixes that are too large to be one: as edits."""

from __future__ import annotations

from tests.diagnosis.hostile_patches import TOTAL, fixed
from tests.diagnosis.patches import NOT_AT_ALL, Case, edited

_LINES = "".join(f"export const n{at} = {at};\n" for at in range(41))
LOOKS: tuple[Case, ...] = (
    edited("case-of-workflows", {".GitHub/Workflows/more.yml": "on: push\n"}, NOT_AT_ALL),
    edited("case-of-a-manifest", {"PACKAGE.JSON": "{}\n"}, NOT_AT_ALL),
    edited("case-of-a-manifest-below", {"packages/core/Package.json": "{}\n"}, NOT_AT_ALL),
    edited("case-of-env", {".ENV": "x\n"}, NOT_AT_ALL),
    edited("case-of-a-sibling", {"packages/core/src/Total.ts": fixed("1")}, NOT_AT_ALL),
    edited("case-of-a-directory", {"packages/Core/src/more.ts": fixed("1")}, NOT_AT_ALL),
    edited("cyrillic-manifest", {"p\u0430ckage.json": "{}\n"}, NOT_AT_ALL),
    edited("cyrillic-sibling", {"packages/core/src/tot\u0430l.ts": fixed("1")}, NOT_AT_ALL),
    edited("greek-sibling", {"packages/core/src/r\u03bfund.ts": fixed("1")}, NOT_AT_ALL),
    edited("full-width-manifest", {"\uff50\uff41\uff43\uff4b\uff41\uff47\uff45.json": "{}\n"}, NOT_AT_ALL),
    edited("full-width-stop", {"packages/core/src/total\uff0ets": fixed("1")}, NOT_AT_ALL),
    edited("combining", {"packages/core/src/tota\u0301l.ts": fixed("1")}, NOT_AT_ALL),
    edited("zero-width", {"packages/core/src/to\u200btal.ts": fixed("1")}, NOT_AT_ALL),
    edited("soft-hyphen", {"packages/core/src/more\u00ad.ts": fixed("1")}, NOT_AT_ALL),
    edited("bidi-name", {"packages/core/src/gnp.\u202est.ts": fixed("1")}, NOT_AT_ALL),
    edited("newline-in-a-name", {"packages/core/src/a\nb.ts": fixed("1")}, NOT_AT_ALL),
    edited("escape-in-a-name", {"packages/core/src/a\x1b[2J.ts": fixed("1")}, NOT_AT_ALL),
    edited("space-at-the-end", {"packages/core/src/total.ts ": fixed("1")}, NOT_AT_ALL),
    edited("dot-at-the-end", {"packages/core/src/total.ts.": fixed("1")}, NOT_AT_ALL),
    edited("stream-of-ntfs", {"packages/core/src/total.ts:evil": fixed("1")}, NOT_AT_ALL),
    edited("short-name-of-ntfs", {"PACKAG~1.JSO": "{}\n"}, NOT_AT_ALL),
    edited("device", {"packages/core/src/aux.ts": fixed("1")}, NOT_AT_ALL),
    edited("backslash", {"packages\\core\\src\\x.ts": fixed("1")}, NOT_AT_ALL),
    edited("no-latin-at-all", {"packages/core/src/\u043f\u0430\u043a\u0435\u0442.ts": fixed("1")}, 2),
    edited("trojan-source",
           {TOTAL: (("let sum = 0;", "let sum = 0; /*\u202e } \u2066if (admin)\u2069 \u2066 begin */"),)},
           NOT_AT_ALL),
    edited("zero-width-in-code", {TOTAL: (("let sum = 0;", "let sum\u200b = 0;"),)}, NOT_AT_ALL),
    edited("separator-in-code", {TOTAL: (("let sum = 0;", "let sum = 0; // all\u2028sum = 10;"),)}, NOT_AT_ALL),
    edited("return-in-code", {TOTAL: (("let sum = 0;", "let sum = 10;\rlet sum = 0;"),)}, NOT_AT_ALL),
    edited("tags-in-code", {TOTAL: (("let sum = 0;", "let sum = 0; // \U000e0041\U000e0042"),)}, NOT_AT_ALL),
    edited("look-alike-in-code", {TOTAL: (("let sum = 0;", "let sum = 0, s\u0443m = 1;"),)}, NOT_AT_ALL),
    edited("nul-in-code", {TOTAL: (("let sum = 0;", "let sum = 0; // \0"),)}, NOT_AT_ALL),
    edited("no-utf-8", {"packages/core/src/more.ts": 'export const x = "\udcff";\n'}, NOT_AT_ALL),
    edited("four-files", {f"packages/core/src/n{at}.ts": fixed("1") for at in range(4)}, 2),
    edited("forty-one-lines", {"packages/core/src/more.ts": _LINES}, 2),
    edited("one-long-line", {"packages/core/src/more.ts": fixed('"' + "x" * 9000 + '"')}, 2),
    edited("one-line-of-100-kb", {"packages/core/src/more.ts": fixed('"' + "x" * 100_000 + '"')}, NOT_AT_ALL),
    edited("fifty-one-files", {f"packages/core/src/n{at}.ts": fixed("1") for at in range(51)}, NOT_AT_ALL),
    edited("too-many-lines", {"packages/core/src/more.ts": "let x = 1;\n" * 2001}, NOT_AT_ALL),
    edited("more-than-a-mebibyte", {"packages/core/src/more.ts": "let x = 1;\n" * 100_000}, NOT_AT_ALL),
)  # fmt: skip
