// Drives the stand-in with Stripe's own library, as a product does: sells a plan and takes the webhooks.
// node round.mjs HOST PORT KEY RESTRICTED
import { createServer } from "node:http";
import Stripe from "stripe";

const [host, port, key, restricted] = process.argv.slice(2);
const where = { host, port, protocol: "http", maxNetworkRetries: 2, telemetry: false };
const stripe = new Stripe(key, where);
const told = {};

async function refusal(what) {
  try {
    await what();
    return "nothing";
  } catch (error) {
    return [error.constructor.name, error.statusCode, error.code ?? null];
  }
}

// The app's side: webhooks, verified by the library.
let secret = "";
const events = [];
const app = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    try {
      const body = Buffer.concat(parts);
      events.push(stripe.webhooks.constructEvent(body, request.headers["stripe-signature"], secret));
      response.writeHead(200).end();
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
});
await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
const hook = await stripe.webhookEndpoints.create({
  url: `http://127.0.0.1:${app.address().port}/hook`,
  enabled_events: ["checkout.session.completed", "customer.subscription.updated", "customer.subscription.deleted"],
});
secret = hook.secret;

const balance = await stripe.balance.retrieve();
told.livemode = balance.livemode;
told.request = balance.lastResponse.requestId.startsWith("req_");

const product = await stripe.products.create({ name: "Pro", metadata: { plan: "pro" } });
const price = await stripe.prices.create({
  product: product.id,
  currency: "eur",
  unit_amount: 1900,
  recurring: { interval: "month" },
  lookup_key: "pro",
});
told.price = (await stripe.prices.list({ lookup_keys: ["pro"], expand: ["data.product"] })).data[0].product.name;

const customer = await stripe.customers.create({ email: "a@b.test" }, { idempotencyKey: "tenant-1" });
const again = await stripe.customers.create({ email: "a@b.test" }, { idempotencyKey: "tenant-1" });
told.same = customer.id === again.id;
told.otherwise = await refusal(() => stripe.customers.create({ email: "c@d.test" }, { idempotencyKey: "tenant-1" }));

const session = await stripe.checkout.sessions.create({
  mode: "subscription",
  customer: customer.id,
  client_reference_id: "tenant-1",
  line_items: [{ price: price.id, quantity: 1 }],
  subscription_data: { metadata: { tenant: "tenant-1" } },
  success_url: "http://127.0.0.1:9/done?session={CHECKOUT_SESSION_ID}",
  cancel_url: "http://127.0.0.1:9/",
});
const paid = await fetch(session.url, {
  method: "POST",
  redirect: "manual",
  body: new URLSearchParams({ email: "a@b.test", number: "4242 4242 4242 4242" }),
});
told.back = [paid.status, paid.headers.get("location").endsWith(`?session=${session.id}`)];

const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription", "line_items"] });
told.session = [done.status, done.payment_status, done.subscription.status, done.line_items.data[0].description];
const subscription = done.subscription;
const item = subscription.items.data[0];
told.period = item.current_period_end > item.current_period_start;
told.active = (await stripe.subscriptions.list({ customer: customer.id, status: "active" })).data.length;
await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
told.canceled = (await stripe.subscriptions.cancel(subscription.id)).status;
told.invoice = (await stripe.invoices.retrieve(done.invoice)).amount_paid;

for (let number = 0; number < 12; number += 1) await stripe.customers.create({ email: `${number}@b.test` });
let customers = 0;
for await (const each of stripe.customers.list({ limit: 5 })) customers += each.object === "customer" ? 1 : 0;
told.customers = customers;
told.deleted = (await stripe.customers.del(customer.id)).deleted;

told.none = await refusal(() => stripe.customers.retrieve("cus_none"));
told.unknown = await refusal(() => stripe.customers.create({ emial: "a@b.test" }));
told.stranger = await refusal(() => new Stripe("sk_test_none", where).balance.retrieve());
told.restricted = await refusal(() => new Stripe(restricted, where).customers.list());

const until = Date.now() + 15_000;
while (events.length < 4 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
told.events = events.map(({ type }) => type).sort();
told.reference = events.find(({ type }) => type === "checkout.session.completed")?.data.object.client_reference_id;
app.close();
console.log(JSON.stringify(told));
