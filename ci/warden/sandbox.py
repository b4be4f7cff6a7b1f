"""The sandbox: a copy-on-write workspace on the repository's own path, in a world that is otherwise read-only.

What is hidden is covered by an empty directory (home, /run) or a scratch one (/tmp); what must stay
visible underneath (tools, the package store) is cloned before and attached again after. Works alike for root
and for an ordinary user, inside a user namespace (overlayfs needs Linux 5.11 there, mount_setattr 5.12).
"""

from __future__ import annotations

import os
import stat

from ci.warden import kernel

TYPE_CHECKING = False  # as `typing` has it, without its import: the warden starts once per check
if TYPE_CHECKING:
    from typing import TypedDict

    class Cover(TypedDict):
        """A directory or file to hide: by `source`, which becomes writable there, or by an empty directory."""

        target: str
        source: str | None

    class View(TypedDict):
        """A directory or file that stays visible: what lies at `source` outside appears at `target`."""

        source: str
        target: str
        writable: bool

    class Sandbox(TypedDict):
        """Absolute paths all. What appears at `target` is `source`, or where that is None an overlay.

        `lower` is topmost first; `staging` is an empty directory to assemble the overlay on.
        """

        source: str | None
        target: str
        lower: list[str]
        upper: str
        work: str
        staging: str
        covers: list[Cover]
        views: list[View]
        loopback: bool


def enter(sandbox: Sandbox) -> None:
    """Change this process' world for good. Raises OSError, naming the call that the machine refused."""
    if sandbox["loopback"]:
        kernel.raise_loopback()
    if sandbox["source"] is None:
        _mount_overlay(sandbox)

    # Cloned first: the covers below hide the places where these lie.
    tree = kernel.clone_tree(sandbox["source"] or sandbox["staging"])
    views = [(view, kernel.clone_tree(view["source"])) for view in sandbox["views"]]
    sources = [(cover, kernel.clone_tree(cover["source"]) if cover["source"] else None) for cover in sandbox["covers"]]

    for cover, source in sources:
        if source is None:
            kernel.mount("tmpfs", cover["target"], "size=64m,mode=755")
        else:
            kernel.attach_tree(source, cover["target"])
    kernel.mount("tmpfs", "/dev/shm", "size=50%,mode=1777")
    os.makedirs(sandbox["target"], exist_ok=True)
    kernel.attach_tree(tree, sandbox["target"])
    for view, seen in views:
        _make_place(view["target"], directory=stat.S_ISDIR(os.fstat(seen).st_mode))
        kernel.attach_tree(seen, view["target"])

    kernel.set_read_only("/", read_only=True, recursive=True)
    writable = [sandbox["target"], "/proc", "/dev/shm"]
    writable += [cover["target"] for cover in sandbox["covers"] if cover["source"]]
    writable += [view["target"] for view in sandbox["views"] if view["writable"]]
    for path in writable:
        kernel.set_read_only(path, read_only=False, recursive=False)
    kernel.drop_privileges()


def _mount_overlay(sandbox: Sandbox) -> None:
    """Mount the workspace at `staging`, its directories named by short links in there, underneath.

    The kernel cuts the options of a mount at 4096 bytes, which some forty whole paths would fill.
    """
    os.chdir(sandbox["staging"])
    lower = {str(number): path for number, path in enumerate(sandbox["lower"])}
    for name, path in {**lower, "upper": sandbox["upper"], "work": sandbox["work"]}.items():
        os.symlink(path, name)
    kernel.mount("overlay", sandbox["staging"], f"lowerdir={':'.join(lower)},upperdir=upper,workdir=work,userxattr")
    os.chdir("/")


def _make_place(target: str, *, directory: bool) -> None:
    """Make a mount point where a cover took it away."""
    if os.path.lexists(target):
        return
    if directory:
        os.makedirs(target)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "x", encoding="utf-8"):
        pass
