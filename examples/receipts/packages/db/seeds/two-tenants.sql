-- Two tenants with a row in every table, for checks that try to cross from one to the other.
-- Applied as the owner; each tenant is set first, since row-level security is forced on owners too.

insert into auth_user (id, name, email) values
  ('seed-a', 'Ada', 'ada@example.test'),
  ('seed-b', 'Ben', 'ben@example.test');

select set_config('app.tenant_id', 'aaaaaaaa-0000-4000-8000-000000000001', true);
insert into tenants (id, name) values ('aaaaaaaa-0000-4000-8000-000000000001', 'Tenant A');
insert into memberships (tenant_id, user_id) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'seed-a');
insert into receipts (id, tenant_id, merchant, purchased_on, total_minor, currency, created_by) values
  ('aaaaaaaa-0000-4000-8000-00000000000a', 'aaaaaaaa-0000-4000-8000-000000000001', 'Corner Bakery',
   '2026-11-24', 1250, 'EUR', 'seed-a');
insert into receipt_files (receipt_id, tenant_id, name, media_type, bytes) values
  ('aaaaaaaa-0000-4000-8000-00000000000a', 'aaaaaaaa-0000-4000-8000-000000000001', 'a.pdf',
   'application/pdf', '\x255044462d');
insert into usage_counters (tenant_id, meter, month, used) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'receipts', '2026-11', 1);
insert into readings (tenant_id, month, status, model, file_sha256, created_by) values
  ('aaaaaaaa-0000-4000-8000-000000000001', '2026-11', 'done', 'seed', repeat('a', 64), 'seed-a');
insert into subscriptions (tenant_id, subscription_id, customer_id, plan, status, said_at) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'sub_a', 'cus_a', 'pro', 'active', now());
insert into billing_events (tenant_id, id, type, said_at) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'evt_a', 'customer.subscription.created', now());

select set_config('app.tenant_id', 'bbbbbbbb-0000-4000-8000-000000000001', true);
insert into tenants (id, name) values ('bbbbbbbb-0000-4000-8000-000000000001', 'Tenant B');
insert into memberships (tenant_id, user_id) values
  ('bbbbbbbb-0000-4000-8000-000000000001', 'seed-b');
insert into receipts (id, tenant_id, merchant, purchased_on, total_minor, currency, created_by) values
  ('bbbbbbbb-0000-4000-8000-00000000000b', 'bbbbbbbb-0000-4000-8000-000000000001', 'Book Barn',
   '2026-11-23', 990, 'USD', 'seed-b');
insert into receipt_files (receipt_id, tenant_id, name, media_type, bytes) values
  ('bbbbbbbb-0000-4000-8000-00000000000b', 'bbbbbbbb-0000-4000-8000-000000000001', 'b.pdf',
   'application/pdf', '\x255044462d');
insert into usage_counters (tenant_id, meter, month, used) values
  ('bbbbbbbb-0000-4000-8000-000000000001', 'receipts', '2026-11', 1);
insert into readings (tenant_id, month, status, model, file_sha256, created_by) values
  ('bbbbbbbb-0000-4000-8000-000000000001', '2026-11', 'done', 'seed', repeat('b', 64), 'seed-b');
insert into subscriptions (tenant_id, subscription_id, customer_id, plan, status, said_at) values
  ('bbbbbbbb-0000-4000-8000-000000000001', 'sub_b', 'cus_b', 'pro', 'active', now());
insert into billing_events (tenant_id, id, type, said_at) values
  ('bbbbbbbb-0000-4000-8000-000000000001', 'evt_b', 'customer.subscription.created', now());
