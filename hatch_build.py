"""Compiles the sources where the wheel's build is the build of a Dagger module's runtime.

Each function call of a module is a new container over that image. Without byte code in it, each
of the three containers of one ``dagger call ... verify`` would compile all our modules again.
"""

import compileall
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Set by Dagger's Python SDK in the container where it installs a module, and nowhere else.
RUNTIME = "DAGGER_BASE_IMAGE"
SOURCES = ("ci", "containers", "sdk/src")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling leaves its parameter unbound
    """The hook that hatchling looks for under this name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 # the hook's signature
        """Write ``__pycache__`` beside the sources of an editable install in a module's runtime."""
        if version != "editable" or RUNTIME not in os.environ:
            return
        root = Path(self.root)
        for source in SOURCES:
            compileall.compile_dir(root / source, quiet=1)
        compileall.compile_file(root / "pipeline.py", quiet=1)
