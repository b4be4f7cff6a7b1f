"""Started as a file in isolated mode (`python -I -S ci/warden/__main__.py SPEC`): it finds its package by itself."""

import os.path
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from ci.warden.program import main

sys.exit(main(sys.argv[1]))
