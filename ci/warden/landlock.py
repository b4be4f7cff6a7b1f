"""Landlock: where namespaces are refused, the kernel can still refuse writes outside the workspace.

Only files are ruled: which tree may be read, which written. Needs no privilege (Linux 5.13 and newer).
The network is not ruled, because Landlock knows ports but no addresses.
"""

from __future__ import annotations

import os
import struct

from ci.warden import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
MAKE_FILE, REFER, TRUNCATE, IOCTL_DEV = 1 << 8, 1 << 13, 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ_RIGHTS = EXECUTE | READ_FILE | READ_DIR
APPEND_RIGHTS = READ_FILE | READ_DIR | WRITE_FILE | MAKE_FILE | TRUNCATE
RULE_PATH_BENEATH = 1
CREATE_RULESET_VERSION = 1


def version() -> int:
    """Return the kernel's Landlock version, 0 where it has none."""
    try:
        return kernel.call("landlock_create_ruleset", kernel.LANDLOCK_CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(*, read: list[str], write: list[str], append: list[str]) -> None:
    """Let this process and all it starts read only beneath `read`, and write only beneath `write`. Raises OSError.

    Beneath `append` files may be made and written, and nothing removed, renamed or linked.
    """
    known = version()
    handled = (1 << 13) - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        if known >= since:
            handled |= right
    attributes = struct.pack("Q", handled)
    ruleset = kernel.call("landlock_create_ruleset", kernel.LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for paths, rights in ((read, READ_RIGHTS), (write, handled), (append, APPEND_RIGHTS)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        kernel.LIBC.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        kernel.call("landlock_restrict_self", kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule, and what may not be opened cannot be granted
    try:
        if not os.path.isdir(path):
            rights &= FILE_RIGHTS
        rule = struct.pack("=Qi", rights, place)
        kernel.call(f"landlock_add_rule {path}", kernel.LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(place)
