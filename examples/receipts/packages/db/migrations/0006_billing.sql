-- shipway: phase=expand

-- What the payment provider last said about each subscription; `tenants.plan` follows from all of a
-- tenant's.
create table subscriptions (
  tenant_id uuid not null references tenants (id) on delete cascade,
  subscription_id text not null check (length(subscription_id) between 1 and 255),
  customer_id text not null check (length(customer_id) between 1 and 255),
  plan text not null check (plan in ('free', 'pro', 'business')),
  status text not null check (length(status) between 1 and 40),
  said_at timestamptz not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, subscription_id)
);

alter table subscriptions enable row level security;
alter table subscriptions force row level security;

create policy tenant_isolation on subscriptions
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());

-- Every event that was handled, by its id: the provider sends each at least once.
create table billing_events (
  tenant_id uuid not null references tenants (id) on delete cascade,
  id text not null check (length(id) between 1 and 255),
  type text not null check (length(type) between 1 and 120),
  said_at timestamptz not null,
  received_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

alter table billing_events enable row level security;
alter table billing_events force row level security;

create policy tenant_isolation on billing_events
  for all
  using (tenant_id = app_tenant_id())
  with check (tenant_id = app_tenant_id());
