"""The only way to a log, a report, a prompt: what is secret is taken out, in whatever form it appears.

redactor.py     Redactor: text, executions; the way in
forms.py        a secret's value -> all the forms in which it may be met
view.py         a text as it was before terminals, JSON, URLs and HTML wrote it down, with the way back
cuts.py         what is left of a secret that was cut short
shapes.py       what is a secret by its looks alone
tails.py        the last line of a text that is still being written
files.py        files, archives and what is withheld
environment.py  which variables and which lines of .npmrc are secrets
"""

from ci.redact.files import WithheldError
from ci.redact.redactor import Redactor

__all__ = ["Redactor", "WithheldError"]
