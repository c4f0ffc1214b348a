"""The facts file and the pure describe functions, held to botocore's model and to AWS's examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto.rds.exceptions import RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.rds.catalog import (
    describe_certificates,
    describe_db_engine_versions,
    describe_db_major_engine_versions,
    describe_orderable_db_instance_options,
)
from rds_sandbox.rds.facts import (
    Major,
    default_version,
    instance_classes,
    majors,
    storage_types,
    tables,
    versions,
    zones,
)
from rds_sandbox.rds.requests import paged

REGION = "ca-central-1"


def engine_versions(**parameters: Any) -> list[dict[str, Any]]:
    """The rows of DescribeDBEngineVersions."""
    rows: list[dict[str, Any]] = describe_db_engine_versions(parameters, REGION)["DBEngineVersions"]
    return rows


def numbers(**parameters: Any) -> list[str]:
    """The engine versions of DescribeDBEngineVersions."""
    return [row["EngineVersion"] for row in engine_versions(**parameters)]


def options(region: str = REGION, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of DescribeOrderableDBInstanceOptions for postgres."""
    request = {"Engine": "postgres", **parameters}
    result = describe_orderable_db_instance_options(request, region)
    rows: list[dict[str, Any]] = result["OrderableDBInstanceOptions"]
    return rows


@pytest.mark.parametrize(
    ("operation", "answer", "parameters"),
    [
        ("describe_db_engine_versions", describe_db_engine_versions, {"IncludeAll": True}),
        (
            "describe_orderable_db_instance_options",
            describe_orderable_db_instance_options,
            {"Engine": "postgres"},
        ),
        ("describe_db_major_engine_versions", describe_db_major_engine_versions, {}),
        ("describe_certificates", describe_certificates, {}),
    ],
)
def test_every_answer_has_the_shape_of_the_service_model(
    operation: str, answer: Callable[[dict[str, Any], str], dict[str, Any]], parameters: dict[str, Any]
) -> None:
    """The service model knows each member and accepts each value."""
    client = boto3.client("rds", region_name=REGION)
    with Stubber(client) as stubber:
        stubber.add_response(operation, answer(parameters, REGION))


def test_withdrawn_versions_are_listed_only_on_request() -> None:
    """14.6 cannot be created any more; IncludeAll and the status filter still show it."""
    assert "14.6" not in numbers()
    shown = engine_versions(IncludeAll=True, EngineVersion="14.6")
    assert [("14.6", "deprecated")] == [(row["EngineVersion"], row["Status"]) for row in shown]
    assert "14.6" in numbers(Filters=[{"Name": "status", "Values": ["deprecated"]}])


def test_a_bare_major_means_all_its_minors() -> None:
    """As AWS has it: oldest first, without the minor that the community skipped."""
    assert ["18.1", "18.2", "18.3", "18.4", "18.6", "18.7"] == numbers(EngineVersion="18")


def test_the_default_is_one_for_the_engine_and_one_for_each_major() -> None:
    """DefaultOnly with and without a major."""
    assert ["18.6"] == numbers(Engine="postgres", DefaultOnly=True)
    assert ["17.11"] == numbers(Engine="postgres", EngineVersion="17", DefaultOnly=True)


def test_versions_can_be_filtered() -> None:
    """By family, as a parameter and as a filter, and by version."""
    assert numbers(EngineVersion="16") == numbers(DBParameterGroupFamily="postgres16")
    family = {"Name": "db-parameter-group-family", "Values": ["postgres16", "postgres13"]}
    assert numbers(EngineVersion="13") + numbers(EngineVersion="16") == numbers(Filters=[family])
    assert ["17.11"] == numbers(Filters=[{"Name": "engine-version", "Values": ["17.11"]}])
    assert [] == numbers(Filters=[{"Name": "engine-mode", "Values": ["serverless"]}])


def test_an_unknown_filter_is_refused() -> None:
    """A mistyped filter is not taken for "no filter"."""
    with pytest.raises(RDSClientError, match="Unrecognized filter name: colour"):
        numbers(Filters=[{"Name": "colour", "Values": ["red"]}])


@pytest.mark.parametrize("engine", tables()["engine"]["others"])
def test_other_engines_of_rds_are_not_in_the_sandbox(engine: str) -> None:
    """Valid values of Engine (API Reference, CreateDBInstance): an empty list would say that RDS has them not."""
    for describe in (describe_db_engine_versions, describe_db_major_engine_versions, describe_orderable_db_instance_options):
        with pytest.raises(NotInSandbox, match=engine):
            describe({"Engine": engine}, REGION)


def test_an_unknown_engine_is_refused() -> None:
    """RDS itself has nothing of postgresql."""
    with pytest.raises(RDSClientError, match="Unrecognized engine name: postgresql"):
        numbers(Engine="postgresql")


def test_upgrade_targets_are_offered_higher_and_not_older() -> None:
    """16.15 is of August 2026: 17.10 of May is no target for it, 17.11 is."""
    [row] = engine_versions(EngineVersion="16.15")
    expected = ["16.16", "17.11", "17.12", "18.6", "18.7"]
    assert expected == [target["EngineVersion"] for target in row["ValidUpgradeTarget"]]
    assert [False, True, True, True, True] == [t["IsMajorVersionUpgrade"] for t in row["ValidUpgradeTarget"]]


def test_every_upgrade_target_can_be_created() -> None:
    """No target is a version that RDS has withdrawn."""
    targets = {t["EngineVersion"] for row in engine_versions() for t in row["ValidUpgradeTarget"]}
    assert targets <= set(numbers())


@pytest.mark.parametrize("major", majors().values(), ids=lambda major: str(major.number))
def test_each_major_has_an_offered_default(major: Major) -> None:
    """The default minor exists, and is not withdrawn."""
    assert default_version(major.number).offered


def test_each_minor_is_listed_once() -> None:
    """The release table has no version twice."""
    assert len(set(versions())) == len({str(version) for version in versions()})


def test_lifecycles_are_those_of_the_example_of_aws() -> None:
    """The AWS CLI documents major 17 to the millisecond."""
    [major] = describe_db_major_engine_versions({"MajorEngineVersion": "17"}, REGION)["DBMajorEngineVersions"]
    standard, extended = major["SupportedEngineLifecycles"]
    assert {
        "LifecycleSupportName": "open-source-rds-standard-support",
        "LifecycleSupportStartDate": datetime(2024, 11, 14, tzinfo=UTC),
        "LifecycleSupportEndDate": datetime(2030, 2, 28, 23, 59, 59, 999000, UTC),
    } == standard
    assert {
        "LifecycleSupportName": "open-source-rds-extended-support",
        "LifecycleSupportStartDate": datetime(2030, 3, 1, tzinfo=UTC),
        "LifecycleSupportEndDate": datetime(2033, 2, 28, 23, 59, 59, 999000, UTC),
    } == extended


@pytest.mark.parametrize("major", majors().values(), ids=lambda major: str(major.number))
def test_extended_support_lasts_three_years_to_the_end_of_february(major: Major) -> None:
    """Both kinds of support end on the last day of a February."""
    assert [3, 3] == [(day + timedelta(days=1)).month for day in (major.standard_end, major.extended_end)]
    assert major.standard_end.year + 3 == major.extended_end.year


def test_there_is_one_option_for_each_version_class_and_storage_type() -> None:
    """No combination is missing or doubled."""
    rows = [(row["EngineVersion"], row["DBInstanceClass"], row["StorageType"]) for row in options()]
    classes = [c for c in instance_classes().values() if c.majors and REGION not in c.missing]
    assert len(set(rows)) == len(rows) == len(numbers()) * len(classes) * len(storage_types())


def test_an_option_has_the_zones_and_limits() -> None:
    """gp3 in ca-central-1: three zones without a c, sizes, IOPS and throughput from the striped size on."""
    rows = options(EngineVersion="17.11", DBInstanceClass="db.t4g.micro")
    [row] = [row for row in rows if row["StorageType"] == "gp3"]
    assert [{"Name": f"ca-central-1{letter}"} for letter in "abd"] == row["AvailabilityZones"]
    assert (20, 65536) == (row["MinStorageSize"], row["MaxStorageSize"])
    assert (12000, 64000) == (row["MinIopsPerDbInstance"], row["MaxIopsPerDbInstance"])
    assert row["SupportsStorageThroughput"]


def test_a_class_can_be_missing_in_a_region() -> None:
    """af-south-1 has db.m6g, not db.m7g."""
    assert options("af-south-1", DBInstanceClass="db.m6g.large")
    assert [] == options("af-south-1", DBInstanceClass="db.m7g.large")


@pytest.mark.parametrize(
    "parameters",
    [
        {"LicenseModel": "general-public-license"},
        {"Vpc": False},
        {"AvailabilityZoneGroup": "us-east-1-bos-1"},
        {"EngineVersion": "14.6"},
        {"DBInstanceClass": "db.t2.micro"},
        {"DBInstanceClass": "db.x"},
    ],
    ids=str,
)
def test_nothing_orderable_is_an_empty_list(parameters: dict[str, Any]) -> None:
    """Another licence, no VPC, a Local Zone, a withdrawn version, an old or unknown class."""
    assert [] == options(**parameters)


@pytest.mark.parametrize(("region", "more"), [("xx-north-1", {}), (REGION, {"DBInstanceClass": "db.m6gd.large"})], ids=str)
def test_what_is_orderable_where_the_catalog_knows_nothing(region: str, more: dict[str, str]) -> None:
    """An empty list would say that RDS has nothing there, or not this class."""
    with pytest.raises(NotInSandbox, match=more.get("DBInstanceClass", region)):
        options(region, **more)


def test_options_need_an_engine() -> None:
    """The one parameter that the API requires."""
    with pytest.raises(RDSClientError, match="must contain the parameter Engine"):
        describe_orderable_db_instance_options({}, REGION)


def test_certificates_name_the_default() -> None:
    """Three authorities; the RSA 2048 one signs new instances."""
    result = describe_certificates({}, REGION)
    assert "rds-ca-rsa2048-g1" == result["DefaultCertificateForNewLaunches"]
    valid = {c["CertificateIdentifier"]: c["ValidTill"].year for c in result["Certificates"]}
    assert {"rds-ca-rsa2048-g1": 2061, "rds-ca-rsa4096-g1": 2121, "rds-ca-ecc384-g1": 2121} == valid


@given(st.integers(0, 250), st.integers(20, 100))
def test_pages_put_together_are_all_rows(count: int, limit: int) -> None:
    """Every row is on one page, each page but the last is full."""
    found: list[int] = []
    marker: str | None = None
    while marker is not None or not found:
        answer = paged({"Rows": range(count)}, {"Marker": marker, "MaxRecords": limit})
        rows, marker = answer["Rows"], answer["Marker"]
        assert len(rows) == limit or marker is None
        found += rows
        if not count:
            break
    assert list(range(count)) == found


@pytest.mark.parametrize("marker", ["0", "-1", "3", "999", "next", "٣"])
def test_a_marker_that_no_page_gave_is_refused(marker: str) -> None:
    """A wrong marker is an error, not the first page again."""
    with pytest.raises(RDSClientError, match="marker"):
        paged({"Rows": [1, 2, 3]}, {"Marker": marker})


@pytest.mark.parametrize("limit", [0, 19, 101])
def test_max_records_has_bounds(limit: int) -> None:
    """20 to 100, as the API reference says."""
    with pytest.raises(RDSClientError, match="Must be between 20 and 100"):
        paged({"Rows": []}, {"MaxRecords": limit})


def test_prices_name_known_families_and_regions() -> None:
    """Each family that can be ordered has a price, each priced region has zones."""
    families = {name for name, row in tables()["families"].items() if row.get("majors", True)}
    assert families == tables()["prices"]["hourly"].keys()
    assert all(zones(region["code"]) for region in tables()["prices"]["region"])


@pytest.mark.parametrize(
    ("name", "vcpus", "memory"),
    [("db.t4g.micro", 2, 1), ("db.t3.2xlarge", 8, 32), ("db.m5.24xlarge", 96, 384), ("db.r6i.32xlarge", 128, 1024),
     ("db.m7i.48xlarge", 192, 768), ("db.x2g.large", 2, 32)],
)  # fmt: skip
def test_an_instance_class_knows_its_size(name: str, vcpus: int, memory: int) -> None:
    """RDS User Guide, "Hardware specifications for DB instance classes"; the tables by family come out as one value per class."""
    found = instance_classes()[name]
    assert (name.rpartition(".")[0], vcpus, memory) == (found.family, found.vcpus, found.memory)
    assert set(majors()) == set(found.majors)
