"""`make bench`: what the runbook costs beside what people would otherwise use, in one run, as ratios of medians."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from tqdm import tqdm

from benchmarks import runs, start

ROUNDS = 5

Measure = Callable[[], float]


def compare(name: str, ours: Measure, theirs: Measure, limit: float) -> str:
    """Measure both in turn, so that a machine whose speed drifts is fair to both."""
    pairs = [(ours(), theirs()) for _ in tqdm(range(ROUNDS), desc=name, leave=False)]
    mine, other = (median(column) for column in zip(*pairs, strict=True))
    return f"{name:<58}  {mine:6.2f} s  {other:6.2f} s  {mine / other:5.2f}  {limit:5.2f}"


def main() -> None:
    """Print a line for each comparison, then where the seconds of `make run` go."""
    print(f"{'':<58}  {'ours':>8}  {'beside':>8}  ratio  limit")
    print(compare("sandbox up, instance available : initdb, pg_ctl, moto", start.ours, start.bare, 2.0))
    with runs.provisioned():
        print(compare("cruddur-ops run : loop of papermill commands", runs.ours, runs.shell_loop, 0.6))
    print(f"\n`make run` with the environment in place, {runs.from_nothing()}")


if __name__ == "__main__":
    main()
