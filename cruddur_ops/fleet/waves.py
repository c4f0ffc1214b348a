"""In which order targets run, how many at a time, and when no more are started: plain decisions."""

import math
import re
from collections.abc import Collection, Sequence

from cruddur_ops.errors import WrongInput


def count(text: str, whole: int, option: str) -> int:
    """A number, or a percentage of the whole, rounded up."""
    if not re.fullmatch(r"\d{1,6}|\d{1,3}%", text, re.ASCII) or (text.endswith("%") and int(text[:-1]) > 100):
        raise WrongInput(f'--{option} cannot be "{text[:20]}": give numbers of targets, or percentages such as 10%')
    return math.ceil(whole * int(text[:-1]) / 100) if text.endswith("%") else int(text)


def split(names: Sequence[str], sizes: str) -> list[tuple[str, ...]]:
    """The waves: the first target alone, the canary, then so many at a time; the last size is repeated.

    Args:
        names: of all targets, in order.
        sizes: such as "1,10%,100%", percentages of all; a first "1" is the canary itself.
    """
    numbers = [max(count(size.strip(), len(names), "waves"), 1) for size in sizes.split(",")]
    numbers = numbers if numbers[0] == 1 else [1, *numbers]
    waves: list[tuple[str, ...]] = []
    left = tuple(names)
    while left:
        size = numbers[min(len(waves), len(numbers) - 1)] if waves or len(numbers) > 1 else 1
        waves.append(left[:size])
        left = left[size:]
    return waves


def stop_reason(failed: Collection[str], canary: str, most: int) -> str:
    """Why no further target is started; "" where it may be.

    Args:
        failed: the targets that have not passed so far.
        canary: the first target, which must pass.
        most: how many others may fail.
    """
    if canary in failed:
        return f"the canary {canary} has not passed"
    if len(failed) > most:
        return f"{len(failed)} of the targets have not passed, and {most} may"
    return ""


def fitting(memory: int, each: int) -> int:
    """How many runs fit into so many bytes, of which each takes some; at least one."""
    return max(memory // each, 1)
