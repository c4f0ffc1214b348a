"""How long a recovery takes, and how much it loses: measured in a drill, and kept in the evidence of its run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime

from cruddur_ops.figures import Figures
from cruddur_ops.rds import instances
from cruddur_ops.target import Target


@dataclass(frozen=True)
class Recovery:
    """A recovery that is under way."""

    # How far the backups were behind the moment that is wanted, in seconds: what would be lost if the server were, too
    behind: float
    began: float = field(default_factory=time.monotonic)  # by the clock of this process

    @classmethod
    def begin(cls, target: Target, moment: datetime) -> Recovery:
        """Begin to measure, before the wait for the backups."""
        until = instances.require(target).restorable_until
        return cls(max(0.0, (moment - until).total_seconds()) if until else 0.0)

    def end(self) -> Figures:
        """The figures, once the recovered data were proved to be right."""
        seconds = time.monotonic() - self.began
        said = {"recovery time": f"{seconds:.0f} s", "recovery point": f"{self.behind:.0f} s"}
        return Figures("recovery", said, "; ".join(f"{name} {figure}" for name, figure in said.items()))
