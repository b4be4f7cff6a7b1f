"""Scenarios of a rehearsal: what is pushed and typed in the world of stand-ins, what goes wrong, how it must end.

scenario.py   what a scenario is: acts, commands, ends, as frozen values
catalogue.py  all of them by their names; staging.py and production.py: those of one environment, as data
candidates.py  the commits that are pushed; candidates_production.py: those that only production shows to be bad
customers.py  who uses production meanwhile
playing.py    plays one, by Shipway's own commands; following.py: the moment at which a promotion begins a step
ending.py     how a command ended beside how it must
report.py     all of it as a report
"""
