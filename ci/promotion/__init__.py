"""Promotions: durable sequences of small steps, each of which may be done again.

connected.py  an environment's outside services, with their secrets
doctor.py     what they have and lack, by reads alone
footprint.py  what an environment is configured with, to be compared with the others
standing.py   what environments serve, what goes on in them
asking.py     which commit an app says it serves
smoking.py    the smoke of an environment, and the ruling on it; target.py: where it is made
probes.py     its probes side by side, each until its deadline; visitor.py: who makes their requests; filling.py: values
tries.py      their tries as values, and what the gate sees of them
dotted.py     what stands at a dotted path of an answer
benchmarks.py how long routes take at a candidate and at what is served, side by side
extraction.py what the product's AI reads from sample documents
flow.py       carries a flow through its steps by the journal, under a lease, from wherever it was left
"""
