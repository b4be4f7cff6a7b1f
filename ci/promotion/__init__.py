"""Promotions: durable sequences of small steps, each of which may be done again.

staging.py    the list of steps of a promotion to staging; its files, in their order:
  admission.py   whether a commit may be promoted at all
  proving.py     the seven stages, as evidence and with the environment's services
  news.py        what is new since what is served; inputs.py: which apps that touches
  requesting.py  the pull request: made, looked at again, merged as it was tested
  migrating.py   the gates before it, migrations on a copy, then on the environment's own database; databases.py
  deploying.py   each app to an address of its own; users moved to all of them, or back
  trying.py      the candidate tried there: tier 2, benchmarks.py, extraction.py
  closing.py     what is done whatever came: nothing is left over, who must know is told
  soaking.py     the testing window, without a lease
production.py the list of steps of a promotion to production; the files of its own:
  releasing.py   the soak, a person's approval, the staged smoke, the switch, the proof and the merge
  keeping.py     which apps are left as they are, because nothing changed of them
  overseeing.py  the baseline, the window under the lease, the armed watch without one
  telling.py     people told of what failed, and that it is over; doubting.py: of what stays and may be bad
  adopting.py    what is served before the first release, taken for good
route.py      the way to an environment: steps under a lease, a window without one, what is done after it
rollback/     every app put back to what proved good
watch/        a release that users were moved to, watched: its window, then the armed watch without a lease
promoting.py  what all of these work with; work.py: what they have run on a commit, history.py: what git tells of it
carrying.py   a promotion as a whole: begun once, carried on by one process after the other
drills/       a bad release played on staging, to see that it is found and put back
barring.py    what people do beside it: freeze, pin, close an incident
connected.py  an environment's outside services, with their secrets
doctor.py     what they have and lack, by reads alone; findings.py: as values
notices/      who is told of an incident, once each: mail, page, issue
footprint.py  what an environment is configured with, to be compared with the others
standing.py   what environments serve, what goes on in them, what bars them, and the next command
asking.py     which commit an app says it serves
smoking.py    the smoke of an environment, and the ruling on it; target.py: where it is made
probes.py     its probes side by side, each until its deadline; visitor.py: who makes their requests; filling.py: values
tries.py      their tries as values, and what the gate sees of them
dotted.py     what stands at a dotted path of an answer
benchmarks.py how long routes take at a candidate and at what is served, side by side
extraction.py what the product's AI reads from sample documents
flow.py       carries a flow through its steps by the journal, under a lease, from wherever it was left
"""
