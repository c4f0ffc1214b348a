"""What is asked of a worker for one target, and what it answers. No secret is in either: a worker has its own credentials."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PASSED = "passed"
# How a target ended, by the class of the failure; any other failed.
VERDICTS = {
    "RunInProgress": "locked",
    "PlanMoved": "moved",
    **dict.fromkeys(("AwsUnreachable", "DatabaseUnreachable", "ConnectionTimedOut"), "unreachable"),
    **dict.fromkeys(("AccessDenied", "NoCredentials", "LoginRefused", "NotPermitted"), "denied"),
    "RunInterrupted": "interrupted",
}


def place(target: str) -> str:
    """The folder of a target: a section of a TOML file may be called anything."""
    return "target-" + re.sub(r"[^\w.-]", "_", target)


@dataclass(frozen=True)
class Order:
    """A run of notebooks on one target."""

    target: str
    fleet: str  # its name
    folder: str  # where the evidence of the fleet is, if the worker sees it, too
    notebooks: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    plan_only: bool = False
    plan: str = ""  # the plan file that may be applied, and nothing else
    evidence_url: str = ""
    seconds: int = 0  # how long it may take

    @property
    def place(self) -> str:
        """The folder of the target within the fleet's."""
        return place(self.target)


@dataclass(frozen=True)
class Report:
    """How a run on one target went.

    Attributes:
        target: its name.
        verdict: "passed", or what it is instead.
        why: what failed, in a line; empty where it passed.
        seconds: of the whole run.
        host: of the worker.
        folder: of the run, on the worker.
        notebooks: name, verdict, seconds and counted changes of each.
        changes: how many are planned, or were.
        facts: what the target is like, to be compared with others.
        figures: what it has and nobody compares, such as its size.
        digest: of its plan.
        plan: the plan file; kept apart from the rest.
    """

    target: str
    verdict: str
    why: str = ""
    seconds: float = 0.0
    host: str = ""
    folder: str = ""
    notebooks: tuple[Mapping[str, Any], ...] = ()
    changes: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    plan: str = ""

    @property
    def passed(self) -> bool:
        """Whether all went well."""
        return self.verdict == PASSED
