"""The way back: every app put back to the newest earlier release that proved good.

rolling_back.py  the steps: chosen, flipped, written down, pinned out
choosing.py      what is gone back to
flipping.py      all apps at once; each must then say so itself
attributing.py   whether the cause lies outside
timing.py        how soon what was bad was found, and put back
returning.py     what became of it, for a report
"""
