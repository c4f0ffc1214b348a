"""What differs between targets: for each fact the groups of targets that have the same value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNKNOWN = "-"


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same everywhere, and who has which value, the largest group first."""

    name: str
    groups: Sequence[tuple[str, tuple[str, ...]]]


def differences(facts: Mapping[str, Mapping[str, str]]) -> list[Difference]:
    """What is not the same on all targets; first what most of them have alike, since few are the exceptions there.

    Args:
        facts: of each target by name; what a target does not tell is a value of its own.
    """
    names = dict.fromkeys(name for found in facts.values() for name in found)
    compared = [Difference(name, _groups(name, facts)) for name in names]
    return sorted((one for one in compared if len(one.groups) > 1), key=lambda one: -len(one.groups[0][1]))


def _groups(name: str, facts: Mapping[str, Mapping[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for target, its in facts.items():
        found[its.get(name, UNKNOWN)].append(target)
    return sorted(((value, tuple(who)) for value, who in found.items()), key=lambda group: (-len(group[1]), group[0]))
