"""Promotions: durable sequences of small steps, each of which may be done again.

flow.py    carries a flow through its steps by the journal, under a lease, from wherever it was left
"""
