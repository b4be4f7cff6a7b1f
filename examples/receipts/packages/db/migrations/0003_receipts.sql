-- shipway: phase=expand

create table receipts (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants (id) on delete cascade,
  merchant text not null check (length(merchant) between 1 and 120),
  purchased_on date not null,
  total_minor bigint not null check (total_minor >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  note text not null default '' check (length(note) <= 500),
  created_by text references auth_user (id) on delete set null,
  created_at timestamptz not null default now(),
  -- Lets other tables refer to a receipt of their own tenant only.
  unique (tenant_id, id)
);

create index receipts_by_day on receipts (tenant_id, purchased_on desc, created_at desc);

alter table receipts enable row level security;
alter table receipts force row level security;

create policy tenant_isolation on receipts
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());

create table receipt_files (
  receipt_id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  media_type text not null check (media_type in ('application/pdf', 'image/jpeg', 'image/png')),
  bytes bytea not null check (octet_length(bytes) between 1 and 2097152),
  created_at timestamptz not null default now(),
  foreign key (tenant_id, receipt_id) references receipts (tenant_id, id) on delete cascade
);

alter table receipt_files enable row level security;
alter table receipt_files force row level security;

create policy tenant_isolation on receipt_files
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
