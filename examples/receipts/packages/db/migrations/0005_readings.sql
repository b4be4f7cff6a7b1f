-- shipway: phase=expand

-- Of the bytes as they came in, so that a download can prove that it gives the same back. Files of
-- older builds have none.
alter table receipt_files add column sha256 text check (sha256 ~ '^[0-9a-f]{64}$');

-- One row for each file that the AI was asked to read. A unit of the month's quota is taken when it
-- starts and given back when it fails: a row that is still running says so even after a crash.
create table readings (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  month text not null check (month ~ '^\d{4}-\d{2}$'),
  status text not null default 'running' check (status in ('running', 'done', 'failed')),
  failure text check (length(failure) <= 200),
  model text not null check (length(model) between 1 and 120),
  file_sha256 text not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
  input_tokens integer check (input_tokens >= 0),
  output_tokens integer check (output_tokens >= 0),
  created_by text references auth_user (id) on delete set null,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);

create index readings_by_tenant on readings (tenant_id, started_at desc);

alter table readings enable row level security;
alter table readings force row level security;

create policy tenant_isolation on readings
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
