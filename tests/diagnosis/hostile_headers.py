"""Patches that say one thing in their headers and do another, or lead out of the repository: as text."""

from __future__ import annotations

from tests.diagnosis.patches import NOT_AT_ALL, Case, diff

TOTAL = "packages/core/src/total.ts"
FIX = diff(TOTAL, (("item.price;", "item.price * item.count;"),))
NEW = "packages/core/src/new.ts"


def new(path: str, text: str = "x", *, mode: str = "100644", quoted: bool = False) -> str:
    """Return the patch of a new file of one line."""
    one, other = (f'"a/{path}"', f'"b/{path}"') if quoted else (f"a/{path}", f"b/{path}")
    return f"diff --git {one} {other}\nnew file mode {mode}\n--- /dev/null\n+++ {other}\n@@ -0,0 +1 @@\n+{text}\n"


def link(path: str, target: str) -> str:
    """Return the patch of a new symbolic link."""
    return new(path, target, mode="120000") + "\\ No newline at end of file\n"


def moved(one: str, other: str, how: str = "rename") -> str:
    """Return the patch of a file that is renamed or copied as it is."""
    return f"diff --git a/{one} b/{other}\nsimilarity index 100%\n{how} from {one}\n{how} to {other}\n"


def mode(path: str, before: str, after: str) -> str:
    """Return the patch of a file's mode."""
    return f"diff --git a/{path} b/{path}\nold mode {before}\nnew mode {after}\n"


def case(name: str, text: str | bytes, least: int = NOT_AT_ALL, denied: str = "") -> Case:
    """Return the case of a patch as it stands."""
    return Case(name=name, patch=text if isinstance(text, bytes) else text.encode(), least=least, denied=denied)


_THROUGH = "packages/core/src/out"
LEADING_OUT = (
    case("link-to-a-file-of-the-machine", link(NEW, "/etc/passwd")),
    case("link-to-git", link(NEW, "../../../.git/config")),
    case("link-to-a-protected-file", link("packages/core/src/ci.yml", "../../../.github/workflows/ci.yml")),
    case("write-through-a-link", link(_THROUGH, "../../../.github/workflows") + new(f"{_THROUGH}/ci2.yml")),
    case("write-through-a-link-to-git", link(_THROUGH, "../../../.git/hooks") + new(f"{_THROUGH}/pre-push")),
    case("file-becomes-a-link",
         f"diff --git a/{TOTAL} b/{TOTAL}\nold mode 100644\nnew mode 120000\n"),
    case("submodule", new("packages/core/src/sub", "Subproject commit " + "a" * 40, mode="160000")),
    case("above", new("../x.ts")),
    case("above-in-the-middle", new("packages/../../x.ts")),
    case("absolute", "--- /dev/null\n+++ /usr/shipway-x\n@@ -0,0 +1 @@\n+x\n", 2),
    case("absolute-below-a-prefix", new("/usr/shipway-x")),
    case("git-config", new(".git/config", "[core]")),
    case("git-hook", new(".git/hooks/pre-push")),
    case("git-in-capitals", new(".GIT/config")),
    case("git-with-a-dot", new(".git./config")),
    case("git-with-a-space", new(".git /config", quoted=True)),
    case("git-by-its-short-name", new("git~1/config")),
    case("git-with-a-stream", new(".git::$INDEX_ALLOCATION/config")),
    case("git-with-an-unseen-letter", new(".g\u200cit/config")),
    case("git-below", new("packages/core/.git/config")),
    case("git-modules-by-a-short-name", new("gitmod~1")),
    case("no-name", new("")),
)  # fmt: skip

MOVED = (
    case("test-renamed-away", moved("packages/core/test/total.test.ts", "packages/core/src/total.old.ts"), 2,
         "takes a test away"),
    case("source-renamed-to-a-workflow", moved(TOTAL, ".github/workflows/x.yml")),
    case("workflow-renamed-away", moved(".github/workflows/ci.yml", "packages/core/src/x.ts")),
    case("workflow-copied", moved(".github/workflows/ci.yml", ".github/workflows/more.yml", "copy")),
    case("source-copied-to-a-manifest", moved(TOTAL, "packages/core/src/package.json", "copy"), 2),
    case("auth-copied-into-source", moved("apps/api/src/auth.ts", "packages/core/src/more.ts", "copy"), 2),
    case("renamed-in-case", moved("package.json", "Package.json")),
    case("renamed-over-another", moved(TOTAL, "packages/core/src/round.ts")),
    case("renamed-from-what-is-not-there", moved("x.ts", "y.ts")),
    case("becomes-executable", mode(TOTAL, "100644", "100755")),
    case("new-executable", new("packages/core/src/run.ts", mode="100755")),
    case("mode-of-no-file", mode(TOTAL, "100644", "100666")),
    case("mode-of-a-directory", new("packages/core/src/dir", mode="040000")),
    case("setuid", new("packages/core/src/run.ts", mode="104755")),
)  # fmt: skip

_BODY = FIX.split("\n", 1)[1]
MALFORMED = (
    case("junk", "this is no patch\n"),
    case("nothing", b""),
    case("headers-alone", f"diff --git a/{TOTAL} b/{TOTAL}\nindex 1111111..2222222 100644\n"),
    case("count-too-high", FIX.replace("@@ -", "@@ -1,99 +1,99 @@\n@@ -", 1)),
    case("count-wrong", f"--- a/{TOTAL}\n+++ b/{TOTAL}\n@@ -1,1 +1,9 @@\n-import\n+export\n"),
    case("hunk-cut-off", FIX[:-30]),
    case("hunk-of-nothing", f"--- a/{TOTAL}\n+++ b/{TOTAL}\n@@ -1,0 +1,0 @@\n"),
    case("hunk-of-huge-numbers", f"--- a/{TOTAL}\n+++ b/{TOTAL}\n@@ -{10**30},1 +1,1 @@\n-a\n+b\n"),
    case("hunk-that-is-nowhere", FIX.replace("item.price;", "item.cost;")),
    case("two-names-in-one-header", f"diff --git a/{TOTAL} b/.github/workflows/ci.yml\n{_BODY}", 1),
    case("other-names-below", f"diff --git a/{TOTAL} b/{TOTAL}\nnew file mode 100644\n--- /dev/null\n"
         "+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+x\n"),
    case("no-header", "--- a/x\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+x\n"),
    case("quotes-that-do-not-end",
           'diff --git "a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ "b/x\n@@ -0,0 +1 @@\n+x\n', 2),
    case("quotes-that-hide", new("\\056github/workflows/x.yml", quoted=True)),
    case("quotes-that-hide-git", new("\\056\\147it/config", quoted=True)),
    case("quotes-with-a-nul", new("packages/core/src/a\\000b.ts", quoted=True), 2),
    case("quotes-with-no-utf-8", new("packages/core/src/\\377.ts", quoted=True)),
    case("quotes-with-a-tab", new("packages/core/src/a\\tb.ts", quoted=True)),
    case("tab-and-a-date", f"--- a/{TOTAL}\tnow\n+++ b/{TOTAL}\tnow\n" + _BODY.split("\n", 2)[2], 1),
    case("two-headers-for-one-file", new(NEW) + f"diff --git a/{NEW} b/{NEW}\n--- a/{NEW}\n+++ b/{NEW}\n"
         "@@ -1 +1 @@\n-x\n+import 'node:child_process';\n", 2),
    case("new-twice", new(NEW) + new(NEW, "y"), 1),
    case("deleted-and-new", diff("packages/core/test/total.test.ts", None) + new("packages/core/test/total.test.ts"), 2,
         "takes assertions away"),
    case("junk-behind", FIX + "Have a nice day.\n", 1),
    case("a-second-patch-behind-junk", FIX + "Signed-off-by: x\n\n" + new(".github/workflows/x.yml")),
    case("a-patch-within-a-patch", FIX + "-- \n2.39.5\n\n" + new(".npmrc2") + link("x", "/etc"), NOT_AT_ALL),
    case("returns-at-the-ends", FIX.replace("\n", "\r\n")),
    case("returns-into-a-file", diff("packages/core/src/more.ts", "let x = 1;\r\nlet y = 2;\r\n"), 1),
    case("nul-in-the-header", FIX.replace("total.ts", "total\0.ts")),
    case("binary",
           new(NEW).split("--- ")[0] + "index 0000000..1111111\nGIT binary patch\nliteral 5\nMcmZQzWMT#Y01f~L\n\n"),
    case("binary-without-data",
           f"diff --git a/{NEW} b/{NEW}\nnew file mode 100644\nBinary files /dev/null and b/{NEW} differ\n"),
    case("binary-bomb",
           new(NEW).split("--- ")[0] + f"index 0000000..1111111\nGIT binary patch\nliteral {2**40}\nzcmZQz\n\n"),
    case("of-subversion", f"Index: {TOTAL}\n===\n--- {TOTAL}\n+++ {TOTAL}\n@@ -1 +1 @@\n-a\n+b\n"),
    case("combined", f"diff --cc {TOTAL}\n@@@ -1,1 -1,1 +1,1 @@@\n--a\n++b\n"),
    case("of-an-editor", "1c\nx\n.\n"),
    case("directory-instead-of-a-file", new("packages/core/src/total.ts/x.ts")),
    case("file-instead-of-a-directory", new("packages/core/src")),
    case("name-of-4000-letters", new("packages/core/" + "/".join(["n" * 100] * 40) + ".ts")),
    case("name-of-300-letters", new(f"packages/core/{'n' * 300}.ts")),
)  # fmt: skip

HEADERS: tuple[Case, ...] = (*LEADING_OUT, *MOVED, *MALFORMED)
