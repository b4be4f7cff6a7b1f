"""Rows for integration: tenants that are not kept apart, and quotas that are counted wrong."""

from __future__ import annotations

from tests.faults.planting import Added, Change, Fault, Said, stages

VITEST, RLS = "integration/vitest@.", "integration/rls@."
RECEIPTS, NEXT = "packages/db/migrations/0003_receipts.sql", "packages/db/migrations/0099_next.sql"
ROUTES, STORE = "apps/api/src/routes/receipts.ts", "packages/db/src/usage-store.ts"
RLS_TEST, METERING_TEST = "apps/api/test/rls.integration.test.ts", "apps/api/test/metering.integration.test.ts"
EXPAND = "-- shipway: phase=expand\n\n"
VIEW = """-- shipway: phase=expand

create view receipt_overview as
  select tenant_id, merchant from receipts;
"""
FOR_ALL = """create policy tenant_isolation on receipts
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
"""
BY_COMMAND = """create policy tenant_read on receipts for select using (tenant_id = app_tenant_id());
create policy tenant_write on receipts for insert with check (tenant_id = app_tenant_id());
create policy tenant_change on receipts for update using (tenant_id = app_tenant_id());
"""

ROWS = (
    Fault(
        name="a new table without row-level security",
        edits=(
            Added(
                NEXT,
                f"{EXPAND}create table notes (\n  id uuid primary key default gen_random_uuid(),\n"
                "  tenant_id uuid not null references tenants (id),\n  body text not null\n);\n",
            ),
        ),
        stages=stages(integration="failed"),
        failures=(
            Said(check=RLS, words="row-level security is not enabled", file=NEXT, at="create table notes"),
            Said(check=VITEST, words="'notes'", file=RLS_TEST),
        ),
        others=True,
        long=False,
    ),
    Fault(
        name="row-level security that its owner escapes",
        edits=(Change(RECEIPTS, "alter table receipts force row level security;\n", ""),),
        stages=stages(integration="failed"),
        failures=(
            Said(check=RLS, words="not forced", file=RECEIPTS, at="create table receipts"),
            Said(check=VITEST, words="receipts", file=RLS_TEST),
        ),
    ),
    Fault(
        name="no policy for DELETE",
        edits=(Change(RECEIPTS, FOR_ALL, BY_COMMAND),),
        stages=stages(integration="failed"),
        failures=(Said(check=RLS, words="DELETE", file=RECEIPTS, at="create table receipts"),),
        others=True,
    ),
    Fault(
        name="the application's role bypasses row-level security",
        edits=(Added(NEXT, f"{EXPAND}alter role receipts_app bypassrls;\n"),),
        stages=stages(integration="failed", e2e="failed"),
        failures=(Said(check=RLS, words="BYPASSRLS"),),
        others=True,
    ),
    Fault(
        name="a view that shows the rows of all tenants",
        edits=(Added(NEXT, VIEW),),
        stages=stages(integration="failed"),
        failures=(Said(check=RLS, words="receipt_overview", file=NEXT, at="create view"),),
        others=True,  # it can be written through as well
    ),
    Fault(
        name="a route that asks the database as its owner",
        edits=(
            Change(ROUTES, "import { Hono } from 'hono';", "import { Hono } from 'hono';\nimport pg from 'pg';"),
            Change(
                ROUTES,
                "const routes = new Hono<SignedIn>();",
                "const admin = new pg.Pool({ connectionString: process.env.DATABASE_URL });\n"
                "  const routes = new Hono<SignedIn>();",
            ),
            Change(
                ROUTES,
                "await inWorkspaceOf(pool, c.var.user, (client) => findReceipt(client, id));",
                "await findReceipt(await admin.connect(), id);",
            ),
        ),
        stages=stages(integration="failed"),
        failures=(Said(check=VITEST, words="expected 200 to be 404", file=RLS_TEST, at="ben.request(path)).status"),),
    ),
    Fault(
        name="a quota that ends one too early",
        edits=(
            Change(STORE, "counter.used + excluded.used <= $5::integer", "counter.used + excluded.used < $5::integer"),
        ),
        stages=stages(integration="failed"),
        failures=(Said(check=VITEST, words="expected", file=METERING_TEST),),
        others=True,
    ),
)
