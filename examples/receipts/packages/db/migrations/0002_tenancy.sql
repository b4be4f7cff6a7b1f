-- shipway: phase=expand

-- A setting made for one transaction is left behind as '' in a pooled connection, hence nullif:
-- "no tenant" must mean no row, never an error or a match.
create function app_tenant_id() returns uuid
  language sql stable
  return nullif(current_setting('app.tenant_id', true), '')::uuid;

create function app_user_id() returns text
  language sql stable
  return nullif(current_setting('app.user_id', true), '');

create table tenants (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 120),
  plan text not null default 'free' check (plan in ('free', 'pro', 'business')),
  created_at timestamptz not null default now()
);

alter table tenants enable row level security;
alter table tenants force row level security;

create policy tenant_isolation on tenants
  for all
  using (id = app_tenant_id())
  with check (id = app_tenant_id());

create table memberships (
  tenant_id uuid not null references tenants (id) on delete cascade,
  user_id text not null references auth_user (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);

create index memberships_user_id on memberships (user_id);

alter table memberships enable row level security;
alter table memberships force row level security;

create policy tenant_isolation on memberships
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());

-- Which tenants a person belongs to has to be read before a tenant can be set.
create policy own_memberships on memberships
  for select
  using (user_id = app_user_id());
