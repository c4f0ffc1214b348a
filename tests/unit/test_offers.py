"""What RDS offers, read from its answers."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.errors import NotOffered, WrongInput
from cruddur_ops.rds import offers, prices
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.offers import Offer
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import Target

TARGET = Target("test")
OFFERED = ["13.22-rds.20250508", "17.6", "17.10", "18.1", "18.3"]
MINORS = st.builds("{}.{}".format, st.integers(13, 19), st.integers(0, 30))


def option(**changes: object) -> dict[str, Any]:
    """An item of DescribeOrderableDBInstanceOptions."""
    return {
        "DBInstanceClass": "db.t4g.micro",
        "StorageType": "gp3",
        "AvailabilityZones": [{"Name": "ca-central-1b"}, {"Name": "ca-central-1a"}],
        "MinStorageSize": 20,
        "MaxStorageSize": 65536,
        "SupportsPerformanceInsights": True,
        "SupportsStorageEncryption": True,
        **changes,
    }


@pytest.mark.parametrize(("wanted", "version"), [("18", "18.3"), ("17", "17.10"), ("17.6", "17.6"), ("13", OFFERED[0])])
def test_the_newest_minor_of_a_major_or_the_very_version(wanted: str, version: str) -> None:
    """Numbers are compared as numbers: 17.10 is newer than 17.6."""
    assert version == offers.newest(wanted, OFFERED, "ca-central-1")


@pytest.mark.parametrize(("wanted", "near"), [("18.2", "18.1, 18.3"), ("14.6", "13, 17, 18"), ("99", "13, 17, 18")])
def test_a_version_that_is_not_offered(wanted: str, near: str) -> None:
    """The message names what is offered of that major, else the majors."""
    with pytest.raises(NotOffered, match=f"no PostgreSQL {wanted} in ca-central-1.*one of {near}$"):
        offers.newest(wanted, OFFERED, "ca-central-1")


@pytest.mark.parametrize(("size", "chosen"), [(20, False), (500, True)])
def test_iops_of_storage_that_has_grown(size: int, chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be chosen for as much as is there, however little was asked for."""
    monkeypatch.setattr(offers, "lifecycles", lambda *_: [])
    monkeypatch.setattr(prices, "monthly_cost", lambda _: MonthlyCost({}))
    found = Instance("x", "available", engine_version="18.1", db_instance_class="db.t4g.micro", allocated_storage=size)
    with nullcontext() if chosen else pytest.raises(WrongInput, match="iops cannot be chosen for 20 GiB of gp3"):
        offers.find(TARGET.asking("targets.toml", iops=13_000), found)


@given(st.lists(MINORS, min_size=1), st.data())
def test_the_newest_version_meets_what_was_wanted(offered: list[str], data: st.DataObject) -> None:
    """Of whatever is offered, the choice is of the wanted major, and none of that major is newer."""
    wanted = offers.major(data.draw(st.sampled_from(offered)))
    version = offers.newest(wanted, offered, "ca-central-1")
    assert wanted == offers.major(version)
    assert offers.meets(version, wanted)
    assert all(offers.meets(version, other) for other in offered if offers.major(other) == wanted)


@pytest.mark.parametrize(
    ("found", "wanted", "met"),
    [("18.1", "18", True), ("18.1", "18.1", True), ("18.10", "18.9", True), ("19.0", "18", True)]
    + [("17.10", "18", False), ("18.1", "18.2", False)],
)
def test_a_running_version_that_will_do(found: str, wanted: str, met: bool) -> None:
    """Any minor of the major, and anything newer: RDS never goes back."""
    assert met is offers.meets(found, wanted)


def test_zones_of_an_orderable_class() -> None:
    """The zones are sorted, as everything that is shown."""
    options = [option(StorageType="gp2", AvailabilityZones=[]), option()]
    assert ("ca-central-1a", "ca-central-1b") == offers.orderable_zones(TARGET, "18.1", options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"db_instance_class": "db.t4g.mikro"}, "no db.t4g.mikro .*db_instance_class .*db.t4g.micro"),
        ({"storage_type": "gp4"}, "no gp4 for db.t4g.micro.*storage_type to one of gp3"),
        ({"availability_zone": "ca-central-1c"}, "no ca-central-1c .*availability_zone .*ca-central-1a"),
        ({"allocated_storage": 5}, "20 to 65536 GiB, not 5"),
        ({"allocated_storage": 70000}, "20 to 65536 GiB, not 70000"),
    ],
)
def test_what_cannot_be_ordered(changes: dict[str, Any], message: str) -> None:
    """The message names the setting, and what is nearest to it."""
    with pytest.raises(NotOffered, match=message):
        offers.orderable_zones(replace(TARGET, **changes), "18.1", [option()])


def test_a_region_without_any_class() -> None:
    """Where nothing at all can be ordered, no class is proposed."""
    with pytest.raises(NotOffered, match="choose another region or version"):
        offers.orderable_zones(TARGET, "18.1", [])


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("SupportsPerformanceInsights", "performance_insights"),
        ("SupportsStorageEncryption", "db_instance_class"),
        ("MultiAZCapable", "multi_az"),
    ],
)
def test_a_class_that_lacks_a_feature(member: str, message: str) -> None:
    """What the target asks for and the class has not is told before anything is created."""
    with pytest.raises(NotOffered, match=message):
        offers.orderable_zones(replace(TARGET, multi_az=True), "18.1", [option(**{member: False})])
    modest = replace(TARGET, performance_insights=False, storage_encrypted=False)
    assert offers.orderable_zones(modest, "18.1", [option(**{member: False})])


def test_end_of_standard_support() -> None:
    """The day in UTC on which standard support ends, not that of Extended Support."""
    periods = [
        {
            "LifecycleSupportName": f"open-source-rds-{name}-support",
            "LifecycleSupportStartDate": datetime(2025, 11, 14, tzinfo=UTC),
            "LifecycleSupportEndDate": datetime(year, 2, 28, 23, 59, 59, tzinfo=UTC),
        }
        for name, year in (("extended", 2034), ("standard", 2031))
    ]
    assert date(2031, 2, 28) == offers.end_of_support(periods)
    assert offers.end_of_support([]) is None


@pytest.mark.parametrize(
    ("on", "line"),
    [
        (date(2026, 11, 21), "PostgreSQL 18: standard support until 2031-02-28"),
        (date(2031, 2, 27), "WARNING: standard support of PostgreSQL 18 ends on 2031-02-28, in 1 days"),
        (date(2031, 3, 1), "WARNING: standard support of PostgreSQL 18 ended on 2031-02-28"),
    ],
)
def test_support_is_warned_of_in_time(on: date, line: str) -> None:
    """A year before the end, and after it, the line is a warning."""
    offer = Offer("18.1", "db.t4g.micro", (), date(2031, 2, 28), MonthlyCost())
    assert offer.support(on).startswith(line)


def test_an_offer_reads_well() -> None:
    """A notebook that ends a cell with it shows what, where, the cost and the support."""
    offer = Offer("18.1", "db.t4g.micro", ("ca-central-1a", "ca-central-1b"), None, MonthlyCost({"instance": 12.0}))
    lines = [
        "PostgreSQL 18.1 on db.t4g.micro, orderable in ca-central-1a, ca-central-1b",
        "cost: about 12 USD a month (instance 12.00)",
        "PostgreSQL 18: RDS names no end of standard support",
    ]
    assert lines == repr(offer).splitlines()


def test_support_without_a_date() -> None:
    """Where RDS names no date, none is made up."""
    offer = Offer("18.1", "db.t4g.micro", (), None, MonthlyCost())
    assert "PostgreSQL 18: RDS names no end of standard support" == offer.support(date(2026, 11, 21))
