"""Anthropic's Messages API, standing in for a model: it answers by a script, and refuses what the real API refuses.

application.py  the routes, keys, errors, limits; `Anthropic`
demands.py      what a request must be like
script.py       rules: when the last words match, answer so
receipts.py     what a receipt says, for the example's extraction
tokens.py       tokens, guessed; what of them the prompt cache had
stream.py       an answer in the events of a stream
"""

from ci.rehearsal.anthropic.application import KEY, Anthropic

__all__ = ["KEY", "Anthropic"]
