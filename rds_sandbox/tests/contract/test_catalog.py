"""What RDS offers, asked of a live sandbox through boto3."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from rds_sandbox.rds.catalog import describe_orderable_db_instance_options
from tests.support import Client

QUOTAS = {
    "AllocatedStorage", "AuthorizationsPerDBSecurityGroup", "DBClusterParameterGroups", "DBClusterRoles", "DBClusters",
    "DBInstances", "DBParameterGroups", "DBSecurityGroups", "DBSubnetGroups", "EventSubscriptions", "ManualSnapshots",
    "OptionGroups", "ReadReplicasPerMaster", "ReservedDBInstances", "SubnetsPerDBSubnetGroup",
}  # fmt: skip


def test_the_version_of_a_major_is_found_at_run_time(rds: Client) -> None:
    """The default minor of a major, its family and its logs."""
    [row] = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="17", DefaultOnly=True)["DBEngineVersions"]
    assert ("17.11", "17", "postgres17") == (
        row["EngineVersion"],
        row["MajorEngineVersion"],
        row["DBParameterGroupFamily"],
    )
    assert {"postgresql", "upgrade"} <= set(row["ExportableLogTypes"])
    assert ["17.12", "18.6", "18.7"] == [target["EngineVersion"] for target in row["ValidUpgradeTarget"]]


def test_withdrawn_versions_come_on_request(rds: Client) -> None:
    """14.6 is there, deprecated, with IncludeAll alone."""
    assert [] == rds.describe_db_engine_versions(EngineVersion="14.6")["DBEngineVersions"]
    [row] = rds.describe_db_engine_versions(EngineVersion="14.6", IncludeAll=True)["DBEngineVersions"]
    assert "deprecated" == row["Status"]


def test_filters_reach_the_catalog(rds: Client) -> None:
    """A list inside a list, as the query protocol sends it."""
    filters = [{"Name": "engine-version", "Values": ["16.16", "15.20"]}]
    rows = rds.describe_db_engine_versions(Filters=filters)["DBEngineVersions"]
    assert ["15.20", "16.16"] == [row["EngineVersion"] for row in rows]


def test_all_pages_together_are_all_options(rds: Client) -> None:
    """boto3's paginator walks the markers to the end."""
    request = {"Engine": "postgres", "EngineVersion": "17"}
    pages = list(rds.get_paginator("describe_orderable_db_instance_options").paginate(**request))
    found = [row for page in pages for row in page["OrderableDBInstanceOptions"]]
    expected = describe_orderable_db_instance_options(request, "ca-central-1")["OrderableDBInstanceOptions"]
    assert expected == found
    assert len(found) > len(pages[0]["OrderableDBInstanceOptions"]) == 100


def test_a_page_has_the_size_that_was_asked_for(rds: Client) -> None:
    """MaxRecords and Marker, by hand."""
    first = rds.describe_db_engine_versions(MaxRecords=20)
    second = rds.describe_db_engine_versions(MaxRecords=20, Marker=first["Marker"])
    rows = first["DBEngineVersions"] + second["DBEngineVersions"]
    assert 20 == len(first["DBEngineVersions"])
    assert len(rows) == len({row["EngineVersion"] for row in rows})


@pytest.mark.parametrize(
    "parameters",
    [{"MaxRecords": 5}, {"Marker": "nowhere"}, {"Engine": "postgresql"}],
    ids=["page too small", "foreign marker", "unknown engine"],
)
def test_wrong_questions_are_refused(rds: Client, parameters: dict[str, object]) -> None:
    """With AWS's code for a wrong value."""
    with pytest.raises(ClientError) as raised:
        rds.describe_db_engine_versions(**parameters)
    assert "InvalidParameterValue" == raised.value.response["Error"]["Code"]


def test_zones_of_the_options_are_those_of_ec2(rds: Client, ec2: Client) -> None:
    """The default VPC has a subnet in each zone that RDS names."""
    row = rds.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=20)["OrderableDBInstanceOptions"][0]
    known = {zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    assert known == {zone["Name"] for zone in row["AvailabilityZones"]}


def test_what_an_account_may_have(rds: Client) -> None:
    """The quotas of the AWS CLI's example of describe-account-attributes, with what there is of each."""
    found = {each["AccountQuotaName"]: each for each in rds.describe_account_attributes()["AccountQuotas"]}
    assert QUOTAS == set(found)
    assert (25, 0) == (found["DBSecurityGroups"]["Max"], found["DBSecurityGroups"]["Used"])


def test_support_dates_are_dates(rds: Client) -> None:
    """Clients parse them, to the millisecond and in UTC."""
    majors = rds.describe_db_major_engine_versions(Engine="postgres")["DBMajorEngineVersions"]
    assert ["13", "14", "15", "16", "17", "18"] == [major["MajorEngineVersion"] for major in majors]
    standard = majors[4]["SupportedEngineLifecycles"][0]
    assert datetime(2030, 2, 28, 23, 59, 59, 999000, UTC) == standard["LifecycleSupportEndDate"]


def test_certificates_are_described(rds: Client) -> None:
    """All of them, one of them, and the error for one that is not there."""
    answer = rds.describe_certificates()
    assert "rds-ca-rsa2048-g1" == answer["DefaultCertificateForNewLaunches"]
    assert 3 == len(answer["Certificates"])
    [one] = rds.describe_certificates(CertificateIdentifier="RDS-CA-ecc384-g1")["Certificates"]
    assert datetime(2121, 5, 25, 23, 41, 55, tzinfo=UTC) == one["ValidTill"]
    with pytest.raises(rds.exceptions.CertificateNotFoundFault):
        rds.describe_certificates(CertificateIdentifier="rds-ca-2015")
