"""Adapters: each speaks one vendor's API and knows nothing else. Typed values in, typed values out.

exchange.py   one request: address, token, time limits, retries that obey the vendor, errors
answers.py    what came back, and how a vendor says what is wrong and how long to wait
adapter.py    what all of them are; `ensure`, for writes; keys that a vendor can take
github/       GitHub: branches, pull requests, issues, checks, deployments of one repository
pace.py       waiting for what a vendor does in its own time; a deadline by two clocks
platform.py   what serves the apps, whoever it is: vercel/ is Vercel, command.py any other by the user's own commands
neon.py       databases in branches; what it is asked for is done later, and waited for
neon_values.py what it tells; neon_restoring.py: restore points, and the way back to one

sentry.py     errors, requests and releases: sentry_calls.py asks, sentry_issues.py, sentry_counts.py and
              sentry_releases.py say what for, sentry_query.py in which words, sentry_values.py what comes
sentry_event.py  a test event, to prove that the monitor is alive
mail.py       a mail, whoever carries it; our own Message-ID
letters.py    a mail that arrived, read out of its source
smtp.py       any mail server, over SMTP; smtp_wire.py: one mail over one connection
mailpit.py    Mailpit: mails that were handed in, by search
mailbox.py    proof that a mail arrived: by token or Message-ID, before a deadline
linear.py     Linear: issues, one for each incident; linear_words.py: what is asked, in GraphQL
stripe.py     Stripe, read: whose a key is, and its mode
resend.py     Resend: mails sent, what became of them, mails received
model.py      a model and what is said with it; a scripted one
anthropic.py  Anthropic's models, through the SDK; anthropic_forms.py has the form of what is said

A client is made of an Exchange, which its module's `connect` makes of a token. What `exchange.before` is set to (Smtp
and CommandPlatform take it themselves) is awaited before each attempt of a write: whether the lease is still ours. A
and CommandPlatform take one themselves) is awaited before each attempt of a write: whether the lease is still ours. A
read that finds nothing gives None. A write is idempotent: by a key or a precondition that the vendor knows, or by
`ensure`, which looks before it writes, and for a while when the answer to a write was lost. What goes wrong is a
VendorError, which names the trouble and never a secret.
"""
