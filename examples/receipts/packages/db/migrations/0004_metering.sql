-- shipway: phase=expand

create table usage_counters (
  tenant_id uuid not null references tenants (id) on delete cascade,
  meter text not null check (length(meter) between 1 and 40),
  month text not null check (month ~ '^\d{4}-\d{2}$'),
  used integer not null check (used >= 0),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, meter, month)
);

alter table usage_counters enable row level security;
alter table usage_counters force row level security;

create policy tenant_isolation on usage_counters
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
