"""What storage has of IOPS and throughput: the baseline of its type and size, and what is left of it after a change."""

from __future__ import annotations

from typing import Any

import pytest

from rds_sandbox.rds.storage_rules import baseline, default_type, meant, provisioned


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("gp3", 20, (3000, 125)),
        ("gp3", 399, (3000, 125)),
        ("gp3", 400, (12000, 500)),
        ("gp2", 400, (None, None)),
        ("io1", 400, (None, None)),
        ("standard", 20, (None, None)),
    ],
)
def test_the_baseline(name: str, size: int, expected: tuple[int | None, int | None]) -> None:
    """RDS User Guide, "gp3 storage (recommended)": from 400 GiB on PostgreSQL's volumes are striped."""
    assert expected == baseline(name, size)


def test_the_type_that_is_meant() -> None:
    """API Reference, CreateDBInstance, StorageType: "io1, if the Iops parameter is specified. Otherwise, gp3"."""
    assert ("gp3", "io1") == (default_type(None), default_type(1000))


SMALL, LARGE, IO1 = ("gp3", 100, 3000, 125), ("gp3", 400, 15000, 500), ("io1", 100, 1000, None)


@pytest.mark.parametrize(
    ("before", "asked", "copied", "expected"),
    [
        ("io1", {"Iops": 0, "StorageType": "gp2"}, False, {"StorageType": "gp2"}),
        ("io1", {"Iops": 0}, False, {"Iops": 0}),
        ("io1", {"Iops": 0}, True, {"StorageType": "gp3"}),
        ("io1", {"Iops": 0, "StorageType": "io2"}, True, {"Iops": 0, "StorageType": "io2"}),
        ("gp2", {"Iops": 0}, True, {"StorageType": "gp2"}),
    ],
)
def test_iops_of_0(before: str, asked: dict[str, Any], copied: bool, expected: dict[str, Any]) -> None:
    """None are provisioned (API Reference, Iops of ModifyDBInstance and RestoreDBInstanceFromDBSnapshot)."""
    assert expected == meant(asked, {"StorageType": before}, copied=copied)


@pytest.mark.parametrize(
    ("before", "asked", "expected"),
    [
        (SMALL, {}, (3000, 125)),
        (SMALL, {"AllocatedStorage": 400}, (12000, 500)),
        (SMALL, {"AllocatedStorage": 400, "Iops": 13000}, (13000, 500)),
        (SMALL, {"StorageType": "gp2"}, (None, None)),
        (SMALL, {"StorageType": "io1", "Iops": 1000}, (1000, None)),
        (LARGE, {"AllocatedStorage": 500}, (15000, 500)),
        (LARGE, {"StorageThroughput": 600}, (15000, 600)),
        (LARGE, {"AllocatedStorage": 100}, (3000, 125)),
        (LARGE, {"StorageType": "gp2"}, (None, None)),
        (IO1, {"StorageType": "gp3"}, (3000, 125)),
        (IO1, {"StorageType": "gp3", "AllocatedStorage": 400}, (12000, 500)),
        (IO1, {"AllocatedStorage": 200, "Iops": 2000}, (2000, None)),
        (IO1, {"MaxAllocatedStorage": 200}, (1000, None)),
    ],
)
def test_what_a_change_leaves(before: tuple[Any, ...], asked: dict[str, Any], expected: tuple[int | None, int | None]) -> None:
    """What was provisioned stays with its type; a baseline is that of the new type and size."""
    current = dict(zip(("StorageType", "AllocatedStorage", "Iops", "StorageThroughput"), before, strict=True))
    assert expected == tuple(provisioned(asked, current).values())
