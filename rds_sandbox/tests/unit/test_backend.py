"""The instances of an account, while they come and go."""

from __future__ import annotations

from typing import Any

import rds_sandbox.rds  # noqa: F401 - it patches moto
from rds_sandbox.rds.backend import SandboxRDSBackend


def test_instances_that_come_and_go_while_others_are_described() -> None:
    """Whoever looks sees those of one moment."""
    databases: Any = SandboxRDSBackend("ca-central-1", "123456789012").databases
    for look in (databases.items, databases.values, lambda: databases):
        databases.update(One=1, Two=2, Three=3)
        seen = []
        for one in look():
            databases[f"{one}-more"] = 2
            databases.pop("three", None)
            seen.append(one)
        assert 3 == len(seen)
        databases.clear()
