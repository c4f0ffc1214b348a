"""Ours beside theirs: the same work in turn, as a ratio of medians."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from tqdm import tqdm

ROUNDS = 5
HEADING = f"{'':<66}  {'ours':>9}  {'beside':>9}  ratio  limit"

Measure = Callable[[], float]


def compare(name: str, ours: Measure, theirs: Measure, limit: float, rounds: int = ROUNDS) -> str:
    """Measure both in turn, so that a machine whose speed drifts is fair to both."""
    pairs = [(ours(), theirs()) for _ in tqdm(range(rounds), desc=name, leave=False, disable=None)]
    mine, other = (median(column) for column in zip(*pairs, strict=True))
    return f"{name:<66}  {shown(mine):>9}  {shown(other):>9}  {mine / other:5.2f}  {limit:5.2f}"


def timed(work: Callable[[], object]) -> Measure:
    """A measure of some work: its seconds."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def shown(seconds: float) -> str:
    """Such as "1.25 s" or "0.31 ms"."""
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.2f} ms"
