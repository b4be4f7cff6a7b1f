"""Commits that are well on every machine but production's: what only its address or its customers' data brings out."""

from __future__ import annotations

from ci.scenarios.candidates import RECEIPT_ROUTES, Candidate, Change

ANSWER = "    return c.json({ receipts });\n"

# It holds at a deployment's own address, where it is tried; customers come by another.
ORIGIN = Candidate(
    message="In production only the address counts that the platform tells",
    changes=(
        Change(
            path="apps/api/src/origins.ts",
            old="export function ownOrigins(request: Request): string[] {\n",
            new="""export function ownOrigins(request: Request): string[] {
  // Nobody can forge what the platform says.
  const deployed = process.env.VERCEL_URL;
  if (process.env.APP_ENVIRONMENT === 'production' && deployed !== undefined) {
    return [`http://${deployed}`, `https://${deployed}`];
  }
""",
        ),
    ),
)

# The yen has no cents. No test keeps a receipt from Japan; some customers do.
CENTS = Candidate(
    message="A list of receipts says what its cents come to",
    files={
        "apps/api/src/cents.ts": """import { type Money, toDecimal } from '@receipts/core';

/** What stands behind the point. */
export function centsOf(total: Money): number {
  const cents = /\\.(\\d\\d)$/.exec(toDecimal(total))?.[1];
  if (cents === undefined) {
    throw new Error('an amount without cents');
  }
  return Number(cents);
}
"""
    },
    changes=(
        Change(
            path=RECEIPT_ROUTES,
            old="import { requireUser, type Services, type SignedIn } from '../context.ts';\n",
            new="import { centsOf } from '../cents.ts';\n"
            "import { requireUser, type Services, type SignedIn } from '../context.ts';\n",
        ),
        Change(
            path=RECEIPT_ROUTES,
            old=ANSWER,
            new="""    const cents = receipts.reduce((sum, { total }) => sum + centsOf(total), 0);
    return c.json({ receipts, cents });
""",
        ),
    ),
)

# Each is compared with each other one: nothing for whoever has two, a second for whoever has many.
TWINS = Candidate(
    message="A list of receipts names those that were kept twice",
    files={
        "apps/api/src/twins.ts": """import type { Receipt } from '@receipts/db';

/** How many characters it takes to make one text of the other. */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const replaced = (row[j] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The ids of receipts that say nearly the same as another one. */
export function twinsAmong(receipts: readonly Receipt[]): string[] {
  const alike = (one: Receipt, other: Receipt): boolean =>
    one.id !== other.id && distance(one.note, other.note) < one.note.length / 10;
  return receipts
    .filter((one) => receipts.filter((other) => alike(one, other)).length > 0)
    .map(({ id }) => id);
}
"""
    },
    changes=(
        Change(
            path=RECEIPT_ROUTES,
            old="import { countedAt } from '../synthetic.ts';\n",
            new="import { countedAt } from '../synthetic.ts';\nimport { twinsAmong } from '../twins.ts';\n",
        ),
        Change(
            path=RECEIPT_ROUTES,
            old=ANSWER,
            new="    return c.json({ receipts, twins: twinsAmong(receipts) });\n",
        ),
    ),
)
