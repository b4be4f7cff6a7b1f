"""Started as a file in isolated mode (`python -I -S .../ci/warden/__main__.py SPEC`), so it finds its package by itself."""

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from ci.warden.program import main  # noqa: E402 - the line above makes it importable

sys.exit(main(sys.argv[1]))
