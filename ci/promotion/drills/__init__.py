"""Drills: a bad release is played on staging, found as production would find it, and put back.

scenario.py   the scenarios as data, and what an environment lacks for one
beginning.py  whether a drill may begin, and the commit that it deploys
drilling.py   the list of its steps
planting.py   the fault: a probe that nothing meets, users who are pretended to have had trouble, our own death
ending.py     its end: staging as it was, people told, the times kept
"""
