"""Commits that scenarios push to main, as data: what is written anew, what is put in place of what.

Each is one that a careful reader might let through: it lints, it compiles, and its own tests are green.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Change:
    """A text that stands once in a file, and what comes in its place."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`message` is its subject, `files` are new ones by their paths, `changes` are made one after the other."""

    message: str
    files: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def edits(self, root: Path) -> dict[str, str]:
        """Return the whole texts of its files, in a checkout; `{now}` becomes the moment, in milliseconds since 1970.

        Raises ToolError where it does not fit there.
        """
        made = dict(self.files)
        for change in self.changes:
            text = made.get(change.path) or (root / change.path).read_text(encoding="utf-8")
            if text.count(change.old) != 1:
                told = change.old.strip().partition("\n")[0]
                raise ToolError(
                    f"the commit {self.message!r} does not fit {change.path}: {told!r} stands there not once"
                )
            made[change.path] = text.replace(change.old, change.new)
        return {path: text.replace("{now}", f"{time.time() * 1000:.0f}") for path, text in made.items()}


TAGS = Candidate(
    message="Receipts have tags",
    files={
        "packages/db/migrations/0007_receipt_tags.sql": """-- shipway: phase=expand

alter table receipts add column tags text[] not null default '{}';
"""
    },
)

# Nothing of it is wrong: what goes wrong is outside.
NOTE = Candidate(
    message="The README says what a receipt is",
    changes=(
        Change(
            path="README.md",
            old="# Receipts\n",
            new="# Receipts\n\nA receipt is what a shop hands out for what was paid.\n",
        ),
    ),
)

RATE = Candidate(
    message="Tests among staging's services sample fewer traces",
    changes=(
        Change(
            path="shipway.toml",
            old="[environments.staging.tests.variables]\n",
            new='[environments.staging.tests.variables]\nSENTRY_TRACES_SAMPLE_RATE = "15 %"\n',
        ),
    ),
)

USAGE_STORE = "packages/db/src/usage-store.ts"
METERING_TEST = "apps/api/test/metering.integration.test.ts"


def _one_by_one(path: str, times: str, call: str, *, wide: bool = True) -> Change:
    """Return what has a test ask one time after the other in place of all at once; `wide` is how it was wrapped."""
    every = f"Array.from({{ length: {times} }}, () => {call})"
    wrapped = f"\n      {every},\n    " if wide else every
    lines = (
        "const answers: Response[] = [];",
        f"for (let i = 0; i < {times}; i += 1) {{",
        f"  answers.push(await {call});",
        "}",
    )
    return Change(path=path, old=f"const answers = await Promise.all({wrapped});", new="\n    ".join(lines))


# Whoever reads before another has written does not see what that one takes.
PLAIN_COUNTING = Candidate(
    message="Usage is counted in two plain queries, and its tests one after the other",
    changes=(
        Change(
            path=USAGE_STORE,
            old="""    const { rows } = await this.client.query<{ used: number }>(
      `insert into usage_counters as counter (tenant_id, meter, month, used)
       select $1, $2, $3, $4::integer where $4::integer <= $5::integer
       on conflict (tenant_id, meter, month) do update
         set used = counter.used + excluded.used, updated_at = now()
         where counter.used + excluded.used <= $5::integer
       returning used`,
      [key.tenantId, key.meter, key.month, units, limit],
    );
    return rows[0]?.used;
""",
            new="""    const used = (await this.read(key)) + units;
    if (used > limit) {
      return undefined;
    }
    await this.client.query(
      `insert into usage_counters (tenant_id, meter, month, used) values ($1, $2, $3, $4)
       on conflict (tenant_id, meter, month) do update
         set used = excluded.used, updated_at = now()`,
      [key.tenantId, key.meter, key.month, used],
    );
    return used;
""",
        ),
        Change(
            path=USAGE_STORE,
            old="""/**
 * Counts in the caller's transaction: a receipt that is not kept is not counted either. The row
 * lock of the upsert makes callers at the edge wait for each other, so none reads a stale count.
 */
""",
            new="/** Counts in the caller's transaction: a receipt that is not kept is not counted either. */\n",
        ),
        _one_by_one(METERING_TEST, "20", "user.post('/api/receipts', draft)"),
        _one_by_one(METERING_TEST, "limit + 5", "user.post('/api/receipts', draft)"),
        _one_by_one("apps/api/test/readings.integration.test.ts", "limit + 6", "ask(user)", wide=False),
    ),
)

RECEIPT_ROUTES = "apps/api/src/routes/receipts.ts"
SLOW_TAG = Candidate(
    message="A list of receipts has an ETag",
    changes=(
        Change(
            path=RECEIPT_ROUTES,
            old="import { checkReceipt,",
            new="import { scryptSync } from 'node:crypto';\nimport { checkReceipt,",
        ),
        Change(
            path=RECEIPT_ROUTES,
            old="    return c.json({ receipts });\n",
            new="""    // Slow on purpose in its library: it is for passwords.
    const tag = scryptSync(JSON.stringify(receipts), 'etag', 16, { N: 4096 }).toString('hex');
    return c.json({ receipts }, 200, { etag: `"${tag}"` });
""",
        ),
    ),
)

SEED = "packages/db/seeds/two-tenants.sql"
COLUMNS = "insert into receipts (id, tenant_id, merchant, purchased_on, total_minor, currency, created_by"
# It adds and takes nothing away, so its phase is expand; but who is served does not know of the new demand.
CATEGORY = Candidate(
    message="Each receipt has a category",
    files={
        "packages/db/migrations/0007_receipt_category.sql": """-- shipway: phase=expand

alter table receipts add column category text;

create function require_category() returns trigger
  language plpgsql as $$
begin
  if new.category is null then
    raise exception 'a receipt needs a category';
  end if;
  return new;
end
$$;

create trigger receipts_need_a_category before insert on receipts
  for each row execute function require_category();
"""
    },
    changes=(
        Change(
            path="packages/db/src/receipts.ts",
            old="""total_minor, currency, note, created_by)
     values ($1, $2, $3, $4, $5, $6, $7)""",
            new="""total_minor, currency, note, created_by, category)
     values ($1, $2, $3, $4, $5, $6, $7, 'other')""",
        ),
        Change(
            path="apps/api/test/rls.integration.test.ts",
            old="""total_minor, currency)
                    values ($1, 'x', '2026-11-24', 1, 'EUR')`;""",
            new="""total_minor, currency, category)
                    values ($1, 'x', '2026-11-24', 1, 'EUR', 'other')`;""",
        ),
        *(
            Change(
                path=SEED,
                old=f"{COLUMNS}) values\n  ('{tenant}",
                new=f"{COLUMNS},\n  category) values\n  ('{tenant}",
            )
            for tenant in ("aaaaaaaa", "bbbbbbbb")
        ),
        Change(path=SEED, old="1250, 'EUR', 'seed-a');", new="1250, 'EUR', 'seed-a', 'other');"),
        Change(path=SEED, old="990, 'USD', 'seed-b');", new="990, 'USD', 'seed-b', 'other');"),
    ),
)
