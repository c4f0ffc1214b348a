"""`make bench`: what the runbook costs beside what people would otherwise use, in one run, as ratios of medians.

`make bench ARGS="feed post"` measures these alone; `--tiny` does each once, with little data, to see that it works.
A module of this folder that is named here yields its lines, one for each comparison.
"""

from __future__ import annotations

import importlib
import sys

from benchmarks.compare import HEADING

TINY = "--tiny"
MODULES = (
    "start",
    "runs",
    "evidence",
    "seed",
    "feed",
    "post",
    "handler",
    "plan",
    "unchanged",
    "restore",
    "rehearsal",
    "gateway",
    "instances",
    "upgrade",
    "fleet",
)


def main() -> None:
    """Print the lines of the modules named in the arguments, all by default."""
    names = [name for name in sys.argv[1:] if name != TINY] or MODULES
    if unknown := [name for name in names if name not in MODULES]:
        sys.exit(f"no benchmark {', '.join(unknown)}: use some of {', '.join(MODULES)}")
    print(HEADING)
    for name in names:
        for line in importlib.import_module(f"benchmarks.{name}").lines(tiny=TINY in sys.argv):
            print(line, flush=True)


if __name__ == "__main__":
    main()
