"""A small checkout, with what a stranger may have left in it, and what lies beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ci.diagnosis.checkout import Checkout
from ci.diagnosis.quoting import Quoting
from ci.diagnosis.toolbox import Toolbox
from ci.redact import Redactor
from ci.vendors.model import ToolUse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

KNOWN = "wJalrXUtnFEMI-K7MDENG-bPxRfiCY"  # a secret that the redactor knows
OUTSIDE = "of-the-machine-4f1c9a77d2"  # secrets that it does not know: what keeps them away is the box alone
IN_ENV = "of-the-env-file-88d01be4c3"
CANARY = "canary-5b1f0c2ad9e84d7f"
NONCE = "c0ffee00c0ffee00"
PAY = "export function pay(amount: number) {\n  return amount.toFixd(2);\n}\n"
TEST = 'import { pay } from "./pay";\ntest("pays", () => expect(pay(1)).toBe("1.00"));\n'


def planted(place: Path) -> Path:
    """Return the directory of a new checkout at `place`, with secrets beside it and traps in it."""
    beside = place / "beside"
    beside.mkdir(parents=True)
    (beside / "passwd").write_text(f"root:{OUTSIDE}\n")
    root = place / "checkout"
    for path, text in {
        "package.json": '{"name": "shop"}\n',
        "README.md": "# The shop\n",
        "apps/web/src/pay.ts": PAY,
        "apps/web/src/pay.test.ts": TEST,
        "apps/web/app/[id]/page.tsx": "export default () => null;\n",
        "apps/web/src/key.ts": f'export const key = "{KNOWN}";\n',
        "apps/web/src/windows.ts": "const a = 1;\r\nconst b = 2;\r\n",
        "apps/web/src/twice.ts": "one\none\n",
        ".github/workflows/ci.yml": "on: push\n",
        ".env": f"STRIPE={IN_ENV}\n",
        "apps/web/.env.production": f"CANARY={CANARY}\n",
        "deploy/server.pem": f"{IN_ENV}\n",
        ".git/config": f"[remote]\n  url = https://x:{IN_ENV}@example.com\n",
        "node_modules/left/index.js": "module.exports = 1;\n",
        "apps/web/dist/pay.js": "toFixd\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    (root / "picture.png").write_bytes(b"\x89PNG\0\0")
    (root / "latin.txt").write_bytes(b"caf\xe9")
    (root / "link.txt").symlink_to("../beside/passwd")
    (root / "docs").symlink_to("../beside")
    (root / "environment").symlink_to("/proc/self/environ")
    (root / "apps/web/src/notes.txt").symlink_to("../../../.env")
    os.link(beside / "passwd", root / "hard.txt")
    os.mkfifo(root / "pipe")
    return root


def toolbox(root: Path, *, run: Callable[[str], Awaitable[str]] | None = None) -> Toolbox:
    """Return the tools over a checkout, whose one check says what `run` says."""

    async def says(name: str) -> str:
        return f"{name}: 1 failed\n"

    quoting = Quoting(redactor=Redactor({"AWS_KEY": KNOWN}), nonce=NONCE)
    return Toolbox(Checkout(root), quoting, checks=("unit/vitest@apps/web",), run=run or says)


def use(name: str, identity: str = "1", /, **given: object) -> ToolUse:
    """Return a use of a tool."""
    return ToolUse(id=identity, name=name, input=given)


def everything(place: Path) -> dict[str, bytes | Path]:
    """Return what lies in a directory: files by their content, links by where they lead."""
    return {
        os.path.relpath(path, place): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
