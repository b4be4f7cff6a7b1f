"""The wrappers: for each CI host its own configuration file, a checkout and one command.

They lie beside this file as they lie in a repository, `github/.github/workflows/shipway.yml`, with VERSION for the
version of Shipway that is to run.
"""

from __future__ import annotations

from pathlib import Path

from ci import __version__
from ci.errors import UsageError
from ci.hosts import HOSTS

_HERE = Path(__file__).parent


def wrapper(host: str) -> str:
    """Return the text of a host's wrapper for this version of Shipway."""
    template = _HERE / host / HOSTS[host].wrapper
    return template.read_text(encoding="utf-8").replace("VERSION", __version__)


def install(host: str, root: Path) -> bool:
    """Write a host's wrapper to its place in the repository at `root`; say whether it was not there yet.

    Raises UsageError where another file stands there: it is never overwritten.
    """
    _refuse_what_is_no_top(root)
    place, text = HOSTS[host].wrapper, wrapper(host)
    target = root / place
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        if target.is_file() and target.read_bytes() == text.encode():
            return False
        raise UsageError(
            f"{place} is there already and holds something else; it is left as it is",
            hint="move it away, or let init write into an empty directory and take the lines over",
        ) from error
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}") from error
    return True


def _refuse_what_is_no_top(root: Path) -> None:
    """Refuse what is no directory, or lies inside a repository: a CI host looks at the top only."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory", hint="name the top of a repository")
    here = root.resolve()
    top = next((each for each in (here, *here.parents) if (each / ".git").exists()), here)
    if top != here:
        raise UsageError(f"{root} lies inside the repository {top}", hint="CI hosts read the top of it: name that")
