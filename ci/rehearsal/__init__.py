"""Stand-ins: small real servers on loopback that speak the vendors' APIs, and the world that they make.

standin.py   what all of them share: one application, its calls written down, failures on demand
faults.py    the failures that a stand-in can be told to have, on planned.py: what becomes of the next ones of a kind
memory.py    what a stand-in knows, in a file, so that it is there after a restart
github/      GitHub, over a real bare repository
serving.py   a server for an application, on a port of the loopback
ports.py     ports that stay ours
leash.py     a command whose whole tree ends with us
switch.py    an address behind which deployments change places while requests go on
vercel/      Vercel, which really builds and starts the apps, behind such switches
doors.py     an address before a server that wakes when somebody connects
neon.py      databases in branches; neon_account.py what it knows and does, neon_documents.py its vendor's shapes,
             neon_requests.py what it is asked; neon_doors.py where computes are reached; neon_faults.py what fails;
             neon_restoring.py the way back
computes.py  the Postgres servers that these branches are
anthropic/   Anthropic's models, which answer by a script
sentry/      Sentry, which takes what the real SDKs send
once.py      idempotency keys: the same request gets the same answer
pages.py     pages for a person: everything escaped, nothing runs
mailpit.py   Mailpit; mailpit_mails.py: what it keeps and how it searches; mailpit_sending.py: its `/send`
sink.py      a mail server that delivers to it; sink_faults.py: how it fails on demand
linear.py    Linear, by GraphQL; linear_schema.py with linear.graphql and linear_library.graphql: what it knows;
             linear_world.py: a workspace; linear_filters.py: what filters mean; linear_cost.py: what a query costs
stripe.py    Stripe: keys, repeated requests, the page of Checkout; stripe_operations.py: the requests that it knows;
             stripe_forms.py: what it is sent; stripe_store.py: what an account holds; stripe_billing.py,
             stripe_subscriptions.py, stripe_checkout.py, stripe_portal.py: what is sold, and the pages for it;
             stripe_events.py: events and webhooks
advisories.py  a package registry's advisory service
resend.py    Resend, with an inbox; resend_mails.py: the mails that it takes; resend_fates.py: what becomes of them
world.py     all of it served, with the example deployed; tenancy.py: the three environments, as a team sets them up at
             the vendors; houses.py: their projects at Vercel, and how staging and production come to serve;
             arriving.py: whether what is built there serves; pushing.py: what a person does with git
connections.py  the tables of the example's shipway.toml that connect it, and their secrets; toml_text.py: TOML as text
customer.py  a customer of the example, who signs up and buys a plan
mark.py      how another process knows that it is in a rehearsal's world
"""
