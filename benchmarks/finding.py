"""How soon each scenario's bad release is found, and put back: each played whole, one after the other.

    ./benchmarks/found [SCENARIO...]

Times are those of the rehearsals' short windows, which each report states; a scenario takes some six minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ci.journal import Journal
from ci.journal.timings import REHEARSAL

ROOT = Path(__file__).parents[1]
BAD = ("bad-deploy", "error-spike", "slow-release", "mixed-rollback")


def main() -> int:
    """Play and print. Ends with 1 where one did not end as expected."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        os.environ["SHIPWAY_STATE"] = place
        for name in sys.argv[1:] or BAD:
            argv = [sys.executable, "-P", "-m", "ci.cli", "rehearse", name, "--report", f"{place}/{name}"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(argv, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
            wrong += done.returncode != 0
            kept = [
                each
                for each in Journal.local(ROOT / "examples/receipts").timings.recent(REHEARSAL)
                if each.scenario == name
            ]
            for each in kept:
                back = "not put back" if each.recovered is None else f"put back {each.recovered:.2f} s after that"
                print(f"{name}: found {each.detected:.1f} s after users had it, {back}", flush=True)
            if done.returncode != 0:
                print(f"{name}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
