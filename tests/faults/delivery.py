"""Rows for install, e2e and audit: dependencies, what a browser sees, what it weighs and how it scores."""

from __future__ import annotations

import random

from tests.faults.planting import AFTER_INSTALL, Added, Change, Fault, Said, stages

INSTALL, PRODUCTION, EVERYTHING = "install/pnpm@.", "install/pnpm-audit@.", "audit/pnpm-audit-all@."
PLAYWRIGHT, BUNDLE, LIGHTHOUSE = "e2e/playwright@apps/web", "audit/bundle@apps/web", "audit/lighthouse@apps/web"
SIZES = "audit/size-limit@."
TIER1, LIST, PAGE = "apps/web/e2e/tier1.spec.ts", "apps/web/src/ReceiptList.tsx", "apps/web/index.html"
MAIN, LOCK = "apps/web/src/main.tsx", "pnpm-lock.yaml"
ADVISORY = "GHSA-aaaa-bbbb-cccc"
VULNERABLE = ("vulnerable", "--package", "hono")
PAYLOAD = "".join(random.Random(7).choices("0123456789abcdefghijklmnopqrstuvwxyz", k=60_000))  # noqa: S311 - no secret

COUNTS, MISTAKES = "the quota counts along', async ({ page }) => {\n", "nothing is sent', async ({ page }) => {\n"
SOMEBODY = "    await signUp(page, newPerson());"
ADA = "    await signUp(page, { ...newPerson(), email: 'ada@example.test' });"


def waiver(until: str) -> Change:
    """Return the edit that waives the stand-in's advisory."""
    table = f'[[stages.install.waivers]]\nadvisory = "{ADVISORY}"\nuntil = {until}\nreason = "never called by us"\n\n'
    return Change("shipway.toml", "[stages.typecheck]\n", f"{table}[stages.typecheck]\n")


NOT_CHECKED_FAILS = Change(
    "shipway.toml", "[stages.typecheck]\n", '[stages.install]\nnot_checked = "fail"\n\n[stages.typecheck]\n'
)

ROWS = (
    Fault(name="nothing is wrong", code=0, long=False),
    Fault(
        name="a lockfile that no longer fits",
        edits=(Change("apps/web/package.json", '"react": "^19.3.1"', '"react": "^18.3.0"'),),
        stages=stages(install="failed", **AFTER_INSTALL),
        failures=(
            Said(
                check=INSTALL,
                words="not up to date with apps/web/package.json: react (lockfile: ^19.3.1, manifest: ^18.3.0)",
                file=LOCK,
            ),
        ),
        long=False,
    ),
    Fault(
        name="a pnpm that is not the one that was pinned",
        edits=(Change("package.json", "+sha512.f49b5a8e", "+sha512.049b5a8e"),),
        stages=stages(install="error", **{**AFTER_INSTALL, "audit": "error"}),
        code=4,
        reasons={INSTALL: "packageManager pins pnpm@10"},
        long=False,
    ),
    Fault(
        name="a dependency with a known vulnerability",
        advisories=VULNERABLE,
        stages=stages(install="failed", audit="failed"),
        failures=(
            Said(check=PRODUCTION, words="hono <99.0.0: Prototype pollution", file=LOCK, rule=ADVISORY),
            Said(check=EVERYTHING, words="hono <99.0.0: Prototype pollution", file=LOCK, rule=ADVISORY),
        ),
        long=False,
    ),
    Fault(
        name="a development dependency with a known vulnerability",
        advisories=("vulnerable", "--package", "eslint"),
        stages=stages(audit="failed"),
        failures=(Said(check=EVERYTHING, words="eslint <99.0.0: Prototype pollution", file=LOCK, rule=ADVISORY),),
        long=False,
    ),
    Fault(
        name="a vulnerability below the bar",
        advisories=(*VULNERABLE, "--severity", "moderate"),
        code=0,
        notices={PRODUCTION: "(moderate)", EVERYTHING: "(moderate)"},
        long=False,
    ),
    Fault(
        name="a vulnerability that is waived",
        edits=(waiver("2999-12-31"),),
        advisories=VULNERABLE,
        code=0,
        notices={PRODUCTION: "waived until 2999-12-31: hono", EVERYTHING: "never called by us"},
        long=False,
    ),
    Fault(
        name="a waiver that has ended",
        edits=(waiver("2020-01-31"),),
        advisories=VULNERABLE,
        stages=stages(install="failed", audit="failed"),
        failures=(
            Said(check=PRODUCTION, words="its waiver ended on 2020-01-31", file=LOCK),
            Said(check=EVERYTHING, words="its waiver ended on 2020-01-31", file=LOCK),
        ),
    ),
    Fault(
        name="an advisory service that is down",
        advisories=("refused",),
        code=0,
        reasons={PRODUCTION: "not checked: ", EVERYTHING: "not checked: "},
        long=False,
    ),
    Fault(
        name="a registry without an advisory service",
        advisories=("405",),
        code=0,
        reasons={
            PRODUCTION: "not checked: the registry has no audit service (it answered 405)",
            EVERYTHING: "not checked: the registry has no audit service (it answered 405)",
        },
        long=False,
    ),
    Fault(
        name="an advisory service that answers garbage",
        advisories=("garbage",),
        code=0,
        reasons={PRODUCTION: "not checked: ", EVERYTHING: "not checked: "},
        long=False,
    ),
    Fault(
        name="an advisory service that is down where an answer is needed",
        edits=(NOT_CHECKED_FAILS,),
        advisories=("refused",),
        stages=stages(install="error", audit="error"),
        code=5,
        reasons={PRODUCTION: "not checked: ", EVERYTHING: "not checked: "},
    ),
    Fault(
        name="an app that does not build",
        edits=(Change(MAIN, "import { App } from './App.tsx';", "import { App } from './Application.tsx';"),),
        stages=stages(typecheck="failed", e2e="failed", audit="skipped"),
        failures=(
            Said(check="e2e/build@.", words="./Application.tsx", file=MAIN, at="./Application.tsx"),
            Said(
                check="typecheck/tsc@.",
                words="Cannot find module './Application.tsx'",
                file=MAIN,
                at="./Application.tsx",
            ),
        ),
        long=False,
    ),
    Fault(
        name="a flow that is broken in the browser",
        edits=(Change(LIST, "No receipts yet", "No vouchers yet"),),
        stages=stages(e2e="failed"),
        failures=(Said(check=PLAYWRIGHT, words="No receipts yet", file=TIER1),),
        others=True,
    ),
    Fault(
        name="two flows that disturb one another",
        edits=(
            Change(TIER1, f"{COUNTS}{SOMEBODY}", f"{COUNTS}{ADA}"),
            Change(TIER1, f"{MISTAKES}{SOMEBODY}", f"{MISTAKES}{ADA}"),
        ),
        code=0,
        flaky=(PLAYWRIGHT,),
        reasons={PLAYWRIGHT: "1 test failed and then passed"},
    ),
    Fault(
        name="a bundle over its budget",
        edits=(
            Added("apps/web/src/payload.ts", f"export const payload =\n  '{PAYLOAD}';\n"),
            Change(MAIN, "import './styles.css';", "import { payload } from './payload.ts';\nimport './styles.css';"),
            Change(MAIN, "createRoot(root,", "root.dataset.payload = payload;\ncreateRoot(root,"),
        ),
        stages=stages(audit="failed"),
        failures=(
            Said(check=BUNDLE, words="over its budget"),
            Said(check=SIZES, words="over its limit of", file="package.json", rule="size-limit"),
        ),
        others=True,
    ),
    Fault(
        name="a page that scores below its budget",
        edits=(
            Change(PAGE, "width=device-width, initial-scale=1", "width=1280, user-scalable=no"),
            Change(PAGE, "<title>Receipts: every receipt of your business in one place</title>", ""),
        ),
        stages=stages(audit="failed"),
        failures=(Said(check=LIGHTHOUSE, words="apps/web /: accessibility is", rule="lighthouse-accessibility"),),
        others=True,
    ),
)
