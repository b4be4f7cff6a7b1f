"""Planted failures beyond one file of sources: the schema, dependencies, tenants, and services that disagree."""

from __future__ import annotations

from ci.scenarios.candidates import Candidate
from tests.diagnosis.planted import E2E, INSTALL, INTEGRATION, RLS, TSC, UNIT, changes, plant

DB, MIGRATIONS, API, WEB = "packages/db/src", "packages/db/migrations", "apps/api/src", "apps/web/src"
RECEIPTS, RLS_TESTS = "apps/api/test/receipts.integration.test.ts", "apps/api/test/rls.integration.test.ts"
MONTH = "packages/metering/src/month.ts"
LOCK = "pnpm install --lockfile-only"
SEED = "packages/db/seeds/two-tenants.sql"

SCHEMA = (
    plant("a column that no migration adds", "schema", INTEGRATION, "keeps a receipt and gives it back",
          (f"{DB}/receipts.ts", "total_minor, currency, note, created_by)\n     values ($1, $2, $3, $4, $5, $6, $7)",
           "total_minor, currency, note, created_by, category)\n     values ($1, $2, $3, $4, $5, $6, $7, 'other')"),
          files=(RECEIPTS,), packages=("apps/api",),
          fix=Candidate(message="Fix: receipts have a category", files={
              f"{MIGRATIONS}/0007_receipt_category.sql":
                  "-- shipway: phase=expand\n\nalter table receipts add column category text default 'other';\n"
          }), tier=2),
    plant("a column by another name", "schema", INTEGRATION, "keeps a file and gives the same bytes back",
          (f"{DB}/receipts.ts", "'select name, media_type", "'select file_name as name, media_type"),
          files=(RECEIPTS,), packages=("apps/api",), tier=2, batch="stored"),
    plant("a migration that Postgres cannot read", "schema", INTEGRATION, "0007_labels.sql",
          new={f"{MIGRATIONS}/0007_labels.sql": "-- shipway: phase=expand\n\ncreate table labels (id int,);\n"},
          fix=((f"{MIGRATIONS}/0007_labels.sql", "(id int,)", "(id int)"),), tier=3),
    plant("a migration without its phase", "schema", UNIT, "are all named, numbered and phased",
          new={f"{MIGRATIONS}/0007_labels.sql": "alter table receipts add column label text;\n"},
          files=("packages/db/test/migrations.test.ts",),
          fix=((f"{MIGRATIONS}/0007_labels.sql", "alter table", "-- shipway: phase=expand\n\nalter table"),), tier=3),
    plant("seeds of an older schema", "schema", RLS, "colour",
          (SEED, "(id, name) values ('aaaaaaaa-0000-4000-8000-000000000001', 'Tenant A')",
           "(id, name, colour) values ('aaaaaaaa-0000-4000-8000-000000000001', 'Tenant A', 'red')"),
          tier=3, batch="stored"),
)  # fmt: skip

DEPENDENCY = (
    plant("a range that the lock file does not know", "dependency", INSTALL, "ERR_PNPM_OUTDATED_LOCKFILE",
          ("packages/email/package.json", '"resend": "6.38.0"', '"resend": "^6.38.0"'),
          files=("pnpm-lock.yaml", "packages/email/package.json"), packages=(".", "packages/email"), repair=LOCK,
          fix=(("pnpm-lock.yaml", " resend:\n        specifier: 6.", " resend:\n        specifier: ^6."),)),
    plant("an override that the lock file does not know", "dependency", INSTALL, "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
          ("pnpm-workspace.yaml", "  - packages/*\n", "  - packages/*\noverrides:\n  resend: 6.38.0\n"),
          files=("pnpm-lock.yaml",), packages=(".",), repair=LOCK,
          fix=(("pnpm-lock.yaml", "  excludeLinksFromLockfile: false\n\n",
                "  excludeLinksFromLockfile: false\n\noverrides:\n  resend: 6.38.0\n\n"),)),
    plant("a version that nobody published", "dependency", INSTALL, "ERR_PNPM",
          ("packages/email/package.json", '"nodemailer": "10.6.1"', '"nodemailer": "999.0.0"'),
          files=("pnpm-lock.yaml", "packages/email/package.json"), packages=(".", "packages/email"), tier=2),
    plant("a lock file that lost a package in a merge", "dependency", INSTALL, "ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY",
          ("pnpm-lock.yaml", "  nodemailer@10.6.1: {}\n\n  obug@2.2.1: {}", "  obug@2.2.1: {}"),
          files=("pnpm-lock.yaml",), repair="pnpm install --fix-lockfile"),
    plant("a package that its manifest does not name", "dependency", UNIT, "date-fns",
          (MONTH, "/** A calendar", "import { addMonths } from 'date-fns';\n\n/** A calendar"),
          (MONTH, "new Date(Date.UTC(year, month + 1, 1))", "addMonths(new Date(Date.UTC(year, month, 1)), 1)"),
          files=(MONTH,), tier=3),
    plant("a release with a hole that is mended in the next", "dependency", "install/pnpm-audit@.", "GHSA",
          ("apps/api/package.json", '"hono": "^4.13.19"', '"hono": "4.6.4"'),
          files=("apps/api/package.json",), tier=2,
          why_not="no registry here tells of advisories; the stand-in of the advisories has a test of its own"),
)  # fmt: skip

LABELS = """-- shipway: phase=expand

create table labels (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  name text not null
);
"""
POLICY = """
alter table labels enable row level security;
alter table labels force row level security;

create policy tenant_isolation on labels
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
"""
TENANCY = (
    plant("a table of tenants without a policy", "row-level security", RLS, "labels",
          new={f"{MIGRATIONS}/0007_labels.sql": LABELS}, files=(), packages=("packages/db",),
          fix=((f"{MIGRATIONS}/0007_labels.sql", "  name text not null\n);\n", f"  name text not null\n);\n{POLICY}"),),
          tier=3, batch="tenants"),
    plant("a policy that lets everybody read", "row-level security", INTEGRATION,
          "shows each tenant its own receipts only",
          (f"{MIGRATIONS}/0003_receipts.sql", "on receipts\n  for all\n  using (tenant_id = app_tenant_id())",
           "on receipts\n  for all\n  using (true)"),
          files=(RLS_TESTS,), packages=("apps/api",), tier=3, batch="tenants"),
    plant("a table whose owner is not bound", "row-level security", INTEGRATION, "is on and forced for every table",
          (f"{MIGRATIONS}/0005_readings.sql", "alter table readings force row level security;\n", ""),
          files=(RLS_TESTS,), packages=("apps/api",),
          fix=((f"{MIGRATIONS}/0005_readings.sql", "alter table readings enable row level security;\n",
                "alter table readings enable row level security;\nalter table readings force row level security;\n"),),
          tier=3, batch="tenants"),
    plant("a tenant that stays with the connection", "row-level security", INTEGRATION, "",
          (f"{DB}/workspace.ts", "set_config('app.tenant_id', $1, true)", "set_config('app.tenant_id', $1, false)"),
          files=(), packages=("apps/api",), tier=3, wished=3,
          why_not="no test of the example sees it: a fix that brings this along must not go out for being green"),
)  # fmt: skip

RENAMED = "upgradeOf"
SERVICES = (
    plant("a name that the API and the web app still use", "several services", TSC, RENAMED,
          ("packages/core/src/plan.ts", "export function upgradeOf(", "export function nextPlanOf("),
          files=("apps/api/src/quota.ts", "apps/web/src/PlanCard.tsx", "packages/email/src/templates.ts"),
          packages=("apps/api", "apps/web", "packages/core", "packages/email"),
          fix=Candidate(message="Fix: all use the new name", changes=changes(
              ("apps/api/src/quota.ts", "type PlanId, upgradeOf }", "type PlanId, nextPlanOf as upgradeOf }"),
              ("apps/web/src/PlanCard.tsx", "plans, upgradeOf }", "nextPlanOf as upgradeOf, plans }"),
              ("packages/core/test/plan.test.ts", "PlanFor, upgradeOf }", "PlanFor, nextPlanOf as upgradeOf }"),
              ("packages/email/src/templates.ts", "plans, upgradeOf }", "nextPlanOf as upgradeOf, plans }"),
          )), tier=3, batch="services"),
    plant("the API frames refusals in another way than the web app reads", "several services", INTEGRATION,
          "names the fields that are wrong",
          (f"{API}/errors.ts", "c.json({ error: { code,", "c.json({ failure: { code,"),
          (f"{WEB}/api/http.ts", "& { readonly error?:", "& { readonly failed?:"),
          (f"{WEB}/api/http.ts", "answer?.error ?? answer", "answer?.failed ?? answer"),
          files=(RECEIPTS,), packages=("apps/api",), tier=3),
    plant("the web app reads refusals in another way than the API frames them", "several services", UNIT,
          "passes on the words and the fields of our own routes",
          (f"{WEB}/api/http.ts", "answer?.error ?? answer", "answer?.failure ?? answer"),
          (f"{WEB}/api/http.ts", "& { readonly error?:", "& { readonly failure?:"),
          files=("apps/web/test/http.test.ts",),
          fix=Candidate(message="Fix: both say failure", changes=changes(
              (f"{API}/errors.ts", "c.json({ error: { code,", "c.json({ failure: { code,"),
              (f"{WEB}/api/http.ts", "answer?.failure ?? answer", "answer?.failure ?? answer?.error ?? answer"),
              (f"{WEB}/api/http.ts", "{ readonly failure?:", "{ readonly error?: Refusal; readonly failure?:"),
          )), tier=3, wished=3),
    plant("the web app asks an address that the API has not", "several services", E2E, "signs up",
          (f"{WEB}/api/receipts.ts", "request<Account>('/api/usage')", "request<Account>('/api/account')"),
          files=("apps/web/e2e/tier1.spec.ts",), tier=3, wished=3,
          why_not="it takes a browser for minutes: the tests of the stage e2e have one like it"),
)  # fmt: skip
