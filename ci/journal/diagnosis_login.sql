-- A login for who looks for causes: it reads what a diagnosis needs, and writes what a diagnosis writes, no more.
-- Whoever owns the journal runs this once, and again after an upgrade of Shipway. It sets no password.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'shipway_diagnosis') then
        create role shipway_diagnosis login noinherit connection limit 20;
    end if;
end
$$;

grant usage on schema shipway to shipway_diagnosis;
revoke all on all tables in schema shipway from shipway_diagnosis;
grant select on
    shipway.about, shipway.runs, shipway.incidents, shipway.cases, shipway.proposals, shipway.fixes, shipway.reverts,
    shipway.spendings, shipway.flows, shipway.entries, shipway.refusals, shipway.leases
    to shipway_diagnosis;
grant insert on
    shipway.flows, shipway.entries, shipway.refusals, shipway.leases, shipway.proposals, shipway.spendings
    to shipway_diagnosis;
grant update (state, reason, ended) on shipway.flows to shipway_diagnosis;
grant update (epoch, flow, holder, expires) on shipway.leases to shipway_diagnosis;
grant update (state) on shipway.incidents to shipway_diagnosis;
grant update (spent) on shipway.spendings to shipway_diagnosis;

-- Everybody else is ruled by their grants alone, as before.
do $$
declare
    name text;
begin
    foreach name in array
        array['flows', 'entries', 'refusals', 'leases', 'incidents', 'proposals', 'spendings']
    loop
        execute format('alter table shipway.%I enable row level security', name);
        execute format('drop policy if exists everybody on shipway.%I', name);
        execute format('create policy everybody on shipway.%I using (true) with check (true)', name);
        execute format('drop policy if exists diagnosis_inserts on shipway.%I', name);
        execute format('drop policy if exists diagnosis_updates on shipway.%I', name);
    end loop;
end
$$;

-- Whether a diagnosis goes on: it is open, and its lease is held.
create or replace function shipway.diagnosing(flow text) returns boolean language sql stable
    set search_path = shipway, pg_catalog
    return exists (
        select from shipway.flows f join shipway.leases l on l.environment = f.environment and l.flow = f.id
        where f.id = diagnosing.flow and f.kind = 'diagnosis' and f.state in ('running', 'paused', 'waiting')
            and l.expires > extract(epoch from clock_timestamp())
    );

-- It begins one for an incident that waits for it, and moves no flow but its own.
create policy diagnosis_inserts on shipway.flows as restrictive for insert to shipway_diagnosis with check (
    kind = 'diagnosis' and state = 'running' and ended is null
    and asked::json ->> 'cycle' ~ '^([1-9]|1[0-2])$'
    and id = format('diagnosis-%s-%s', asked::json ->> 'beginning', asked::json ->> 'cycle')
    and environment = format('incident %s', asked::json ->> 'beginning')
    and exists (select from shipway.incidents i where i.id = asked::json ->> 'beginning')
    and exists (
        select from shipway.incidents i
        where i.id = asked::json ->> 'incident' and i.commit_sha = flows.commit_sha and i.state = 'waiting'
    )
);
create policy diagnosis_updates on shipway.flows as restrictive for update to shipway_diagnosis
    using (kind = 'diagnosis' and state in ('running', 'paused', 'waiting')) with check (kind = 'diagnosis');
create policy diagnosis_inserts on shipway.entries as restrictive for insert to shipway_diagnosis
    with check (shipway.diagnosing(flow) and json_typeof(facts::json) = 'object');
create policy diagnosis_inserts on shipway.refusals as restrictive for insert to shipway_diagnosis
    with check (shipway.diagnosing(flow));
create policy diagnosis_inserts on shipway.proposals as restrictive for insert to shipway_diagnosis
    with check (
        cycle between 1 and 12 and json_typeof(document::json) = 'object' and octet_length(document) < 1000000
        and shipway.diagnosing(format('diagnosis-%s-%s', incident, cycle))
    );

-- It sets money aside for the diagnosis that goes on, now, and settles each call once.
create policy diagnosis_inserts on shipway.spendings as restrictive for insert to shipway_diagnosis with check (
    spent is null and reserved >= 0 and abs(moment - extract(epoch from clock_timestamp())) < 60
    and shipway.diagnosing(format('diagnosis-%s-%s', incident, cycle))
);
create policy diagnosis_updates on shipway.spendings as restrictive for update to shipway_diagnosis
    using (spent is null and shipway.diagnosing(format('diagnosis-%s-%s', incident, cycle))) with check (spent >= 0);

-- An incident that waits becomes one with a proposal.
create policy diagnosis_updates on shipway.incidents as restrictive for update to shipway_diagnosis
    using (state = 'waiting') with check (state = 'proposed');

-- It leases what its own flows are about, for minutes, and takes from nobody what they hold.
create policy diagnosis_inserts on shipway.leases as restrictive for insert to shipway_diagnosis with check (
    expires < extract(epoch from clock_timestamp()) + 120
    and exists (
        select from shipway.flows f
        where f.id = leases.flow and f.environment = leases.environment and f.kind = 'diagnosis'
    )
);
create policy diagnosis_updates on shipway.leases as restrictive for update to shipway_diagnosis
    using (environment like 'incident %') with check (
        expires < extract(epoch from clock_timestamp()) + 120
        and exists (
            select from shipway.flows f
            where f.id = leases.flow and f.environment = leases.environment and f.kind = 'diagnosis'
        )
    );
create or replace function shipway.keep_lease() returns trigger language plpgsql
    set search_path = shipway, pg_catalog as $$
begin
    if current_user <> 'shipway_diagnosis' then
        return new;
    end if;
    if new.epoch not in (old.epoch, old.epoch + 1) then
        raise insufficient_privilege using message = 'a lease counts its holders one by one';
    end if;
    if old.expires + 15 > extract(epoch from clock_timestamp())
        and (old.flow not like 'diagnosis-%' or (new.epoch, new.flow, new.holder) <> (old.epoch, old.flow, old.holder))
        and old.expires > 0
    then
        raise insufficient_privilege using message = format('%s is held by %s', old.environment, old.holder);
    end if;
    return new;
end
$$;
drop trigger if exists keep_lease on shipway.leases;
create trigger keep_lease before update on shipway.leases for each row execute function shipway.keep_lease();
