// Drives the stand-in with Resend's own library. node round.mjs ADDRESS KEY
import { Resend } from "resend";

const [baseUrl, key] = process.argv.slice(2);
const resend = new Resend(key, { baseUrl });
const told = {};
const mail = {
  from: "Receipts <hello@receipts.test>",
  to: ["team@inbox.receipts.test"],
  subject: "Welcome",
  text: "The token is 4711.",
  html: "<p>The token is <b>4711</b>.</p>",
  replyTo: "support@receipts.test",
  attachments: [{ filename: "a.txt", content: Buffer.from("hello") }],
};
const refusal = ({ error }) => [error?.name, error?.statusCode];

const first = await resend.emails.send(mail, { idempotencyKey: "welcome/1" });
const second = await resend.emails.send(mail, { idempotencyKey: "welcome/1" });
told.same = typeof first.data.id === "string" && first.data.id === second.data.id;
told.otherwise = refusal(await resend.emails.send({ ...mail, subject: "Other" }, { idempotencyKey: "welcome/1" }));
const sent = await resend.emails.get(first.data.id);
told.sent = [sent.data.subject, sent.data.last_event, sent.data.to];
const listed = await resend.emails.list({ limit: 10 });
told.listed = listed.data.data.length;
const received = await resend.emails.receiving.list();
told.received = received.data.data.map(({ subject }) => subject);
const letter = await resend.emails.receiving.get(received.data.data[0].id);
told.text = letter.data.text;
const domains = await resend.domains.list();
told.domains = domains.data.data.map(({ name, status }) => [name, status]);
told.none = refusal(await resend.emails.get("4ef9a417-02e9-4d39-ad75-9611e0fcc33c"));
told.wrong = refusal(await resend.emails.send({ ...mail, from: "me@elsewhere.test" }));
told.stranger = refusal(await new Resend("re_unknown", { baseUrl }).domains.list());
console.log(JSON.stringify(told));
