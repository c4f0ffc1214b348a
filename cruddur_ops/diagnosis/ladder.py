"""A ladder of checks, in the order in which a packet and a login go; at the first that failed stands what mends it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from cruddur_ops import aws
from cruddur_ops.errors import AccessDenied, AwsUnreachable, OpsError, aimed

FIRST = "credentials"  # whoever cannot ask AWS at all, cannot ask it for anything


class State(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Rung:
    """A check: its state, the fact that decided it, and what mends it, where it failed first."""

    name: str
    state: State
    fact: str
    remedy: str = ""


def passed(name: str, fact: str) -> Rung:
    """A check that passed."""
    return Rung(name, State.PASSED, fact)


def failed(name: str, fact: str, remedy: str) -> Rung:
    """A check that failed."""
    return Rung(name, State.FAILED, fact, remedy)


def unknown(name: str, fact: str) -> Rung:
    """A check that could not be made."""
    return Rung(name, State.UNKNOWN, fact)


def decided(name: str, decide: Callable[[], Rung]) -> Rung:
    """The rung; an expected failure of looking is one, too."""
    from botocore.exceptions import ClientError

    try:
        return decide()
    except OpsError as error:
        return refused(name, error)
    except ClientError as error:
        return unknown(name, f"AWS refuses {error.operation_name} ({aws.error_code(error)})")


def refused(name: str, error: OpsError) -> Rung:
    """The rung that an expected failure comes to; what one may not look at, or what AWS does not tell, is unknown."""
    if isinstance(error, (AccessDenied, AwsUnreachable)) and name != FIRST:
        return unknown(name, str(error))
    fact, _, remedy = str(error).partition(": ")
    return failed(name, fact, remedy)


@dataclass(frozen=True)
class Ladder:
    """All rungs. It reads well at the end of a cell."""

    title: str
    rungs: Sequence[Rung]

    @property
    def sound(self) -> bool:
        """Whether all passed."""
        return all(rung.state is State.PASSED for rung in self.rungs)

    @property
    def first_failed(self) -> Rung | None:
        """The rung that has the remedy."""
        return next((rung for rung in self.rungs if rung.state is State.FAILED), None)

    def __repr__(self) -> str:
        """A line for each rung, below it what mends it; then the rung to see to."""
        width = max(len(rung.name) for rung in self.rungs)
        lines = [f"{self.title}: {self._outcome()}"]
        for rung in self.rungs:
            lines.append(f"  {rung.state:7}  {rung.name:{width}}  {rung.fact}")
            lines += [f"  {'':7}  {'':{width}}  -> {rung.remedy}"] if rung.remedy else []
        return "\n".join(lines)

    def _outcome(self) -> str:
        if self.first_failed:
            return f"ends at {self.first_failed.name}"
        open_ = [rung.name for rung in self.rungs if rung.state is State.UNKNOWN]
        return f"nothing failed, but {', '.join(open_)} could not be looked at" if open_ else "every step passed"

    def as_json(self) -> str:
        """The same for a program."""
        return json.dumps({"title": self.title, "sound": self.sound, "rungs": [asdict(rung) for rung in self.rungs]}, indent=2)


def climbed(target: str, title: str, names: Sequence[str], found: Iterable[Rung]) -> Ladder:
    """The ladder of these rungs: those that were not reached are unknown, and only the first that failed keeps its remedy."""
    by_name = {rung.name: rung for rung in found}
    rungs, first = [], ""
    for name in names:
        rung = by_name.get(name) or unknown(name, f"comes after {first}" if first else "could not be looked at")
        rungs.append(replace(rung, remedy="" if first else aimed(rung.remedy, target)))
        first = first or (name if rung.state is State.FAILED else "")
    return Ladder(title, tuple(rungs))
