"""Where steps run, and in which order.

host.py runs checks straight on the machine; scheduler.py gives them slots, longest first; reuse.py decides
by content hash which need not run at all. `find` picks the executor.
"""
