"""The watch over a release that users were moved to: its window, then the armed watch without a lease.

watching.py   looks taken, one after the other, and what comes of them
looking.py    one look, or the baseline, written down before anything is ruled; counting.py: what it reads
synthetic.py  requests of our own where too few real ones come
alive.py      that a test event comes back, before zero errors count as good news
verdicts.py   the rulings, by the looks that are written down
"""
