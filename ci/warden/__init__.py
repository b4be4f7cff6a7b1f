"""The warden: our small program inside a check's workspace, the same on every executor.

It takes all steps of a check as a file, keeps servers alive between them, ends each by its own timeout,
and says what happened as JSON lines on its standard output. On the host it first makes the sandbox and is
PID 1 of its namespaces; where namespaces are refused it adopts every orphan instead. When the pipe
on its standard input closes, Shipway is gone, and so is the whole tree a moment later.

It uses nothing but the standard library, because it also runs where nothing else is installed.
"""
