"""What RDS accepts, and what a modification is refused for; test_wrong_instance_input has what a creation is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.rds.exceptions import RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.rds.validation import (
    check_create,
    check_identifier,
    check_modify,
    check_restore,
    resolve_upgrade,
    resolve_version,
)
from tests.cases import COMBINATION, EXTENDED_SUPPORT_DISABLED, REGION, VALID, VALUE

CURRENT: dict[str, Any] = {
    "EngineVersion": "17.11",
    "DBInstanceClass": "db.t4g.micro",
    "StorageType": "gp3",
    "AllocatedStorage": 100,
    "Iops": 3000,
    "StorageThroughput": 125,
    "MaxAllocatedStorage": 200,
    "Engine": "postgres",
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 7,
}
IO1 = {"StorageType": "io1", "Iops": 1000}
LARGE = {"AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500, "MaxAllocatedStorage": 1000}
ADVANCED = {"DatabaseInsightsMode": "advanced", "PerformanceInsightsRetentionPeriod": 465}
MANAGED = {"ManageMasterUserPassword": True}
PASSWORD = {"MasterUserPassword": "correct-horse-battery"}


def refusal(check: Callable[..., object], *arguments: object) -> str | None:
    """The code of the refusal, None where the check passes."""
    try:
        check(*arguments)
    except RDSClientError as error:
        return error.code
    return None


def create(**change: object) -> str | None:
    """The refusal of the valid request with this change."""
    return refusal(check_create, {**VALID, **change}, REGION)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"EngineVersion": "17"},
        {"EngineVersion": "17.11", "LicenseModel": "postgresql-license"},
        {"EngineVersion": "13"},
        EXTENDED_SUPPORT_DISABLED,
        {"StorageType": "gp3", "MaxAllocatedStorage": 22},
        {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 3000},
        {"StorageType": "io1", "AllocatedStorage": 100, "Iops": 5000},
        {"EnableCloudwatchLogsExports": ["postgresql", "upgrade"]},
        {"DatabaseInsightsMode": "advanced", "PerformanceInsightsRetentionPeriod": 465},
        {"CACertificateIdentifier": "rds-ca-ecc384-g1"},
        {"MasterUsername": "postgres"},
    ],
    ids=str,
)
def test_what_rds_accepts_passes(change: dict[str, Any]) -> None:
    """The original request passes, and so do its legal variations."""
    assert create(**change) is None


def test_without_a_storage_type_gp3_is_meant_and_io1_where_iops_are_given() -> None:
    """The API's default decides which limits hold."""
    bare = {name: value for name, value in VALID.items() if name != "StorageType"}
    assert refusal(check_create, bare, REGION) is None
    assert refusal(check_create, {**bare, "AllocatedStorage": 100, "Iops": 1000}, REGION) is None


def test_a_managed_password_needs_no_other() -> None:
    """ManageMasterUserPassword takes the place of MasterUserPassword."""
    managed = {name: value for name, value in VALID.items() if name != "MasterUserPassword"}
    assert refusal(check_create, {**managed, "ManageMasterUserPassword": True}, REGION) is None


@pytest.mark.parametrize(("day", "expected"), [(date(2027, 2, 28), None), (date(2027, 3, 1), COMBINATION)])
def test_extended_support_opted_out_fails_from_the_day_after_standard_support(day: date, expected: str | None) -> None:
    """Major 14 can be created without Extended Support to the last day of February 2027."""
    request = {**VALID, "EngineVersion": "14", **EXTENDED_SUPPORT_DISABLED}
    assert expected == refusal(check_create, request, REGION, day)


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, "18.6"), ("18", "18.6"), ("17", "17.11"), ("13", "13.23"), ("17.12", "17.12")]
)
def test_a_bare_major_resolves_to_its_default_minor(asked: str | None, expected: str) -> None:
    """Nothing, a major, or a minor: what RDS would create."""
    assert expected == resolve_version(asked)


def test_a_withdrawn_version_is_named_in_the_message() -> None:
    """The message is the one that RDS gives."""
    with pytest.raises(RDSClientError, match=r"Cannot find version 14\.6 for postgres"):
        resolve_version("14.6")


@pytest.mark.parametrize(
    ("wanted", "allow_major", "expected"),
    [
        (None, False, "17.11"),
        ("17.11", False, "17.11"),
        ("17.12", False, "17.12"),
        ("17", False, "17.11"),
        ("18", True, "18.6"),
        ("18.7", True, "18.7"),
    ],
)
def test_an_upgrade_leads_to_a_higher_version(wanted: str | None, allow_major: bool, expected: str) -> None:
    """No change, a minor upgrade, a major upgrade that is allowed."""
    assert expected == resolve_upgrade(wanted, "17.11", allow_major)


def test_a_bare_major_never_leads_back() -> None:
    """An instance above the default minor stays where it is."""
    assert resolve_upgrade("17", "17.12") == "17.12"


@pytest.mark.parametrize(
    ("change", "current", "expected"),
    [
        ({}, {}, None),
        ({"EngineVersion": "17.12"}, {}, None),
        ({"EngineVersion": "17.10"}, {}, COMBINATION),
        ({"EngineVersion": "16.16"}, {}, COMBINATION),
        ({"EngineVersion": "17.99"}, {}, COMBINATION),
        ({"EngineVersion": "18"}, {}, COMBINATION),
        ({"EngineVersion": "18", "AllowMajorVersionUpgrade": True}, {}, None),
        ({"EngineVersion": "18.1", "AllowMajorVersionUpgrade": True}, {}, COMBINATION),
        ({"DBInstanceClass": "db.t3.small"}, {}, None),
        ({"DBInstanceClass": "db.r7i.48xlarge"}, {}, None),
        ({"DBInstanceClass": "db.m8g.large"}, {}, COMBINATION),
        ({"DBInstanceClass": "db.t3.tiny"}, {}, VALUE),
        ({"DBInstanceClass": "db.t2.micro"}, {}, COMBINATION),
        ({"AllocatedStorage": 100}, {}, None),
        ({"AllocatedStorage": 150}, {}, None),
        ({"AllocatedStorage": 99}, {}, COMBINATION),
        ({"AllocatedStorage": 195}, {}, COMBINATION),
        ({"AllocatedStorage": 195, "MaxAllocatedStorage": 300}, {}, None),
        ({"MaxAllocatedStorage": 100}, {}, None),
        ({"MaxAllocatedStorage": 109}, {}, COMBINATION),
        ({"Iops": 4000}, {}, COMBINATION),
        ({"AllocatedStorage": 400, "Iops": 13000, "MaxAllocatedStorage": 1000}, {}, None),
        ({"StorageType": "gp2"}, {}, None),
        ({"StorageType": "gp9"}, {}, "StorageTypeNotSupported"),
        ({"StorageType": "io1"}, {}, COMBINATION),
        ({"StorageType": "io1", "Iops": 1000}, {}, None),
        ({"AllocatedStorage": 150}, IO1, COMBINATION),
        ({"AllocatedStorage": 150, "Iops": 2000}, IO1, None),
        ({"MaxAllocatedStorage": 150}, IO1, None),
        ({"AllocatedStorage": 500}, LARGE, COMBINATION),
        ({"Iops": 13000}, LARGE, COMBINATION),
        ({"AllocatedStorage": 500, "Iops": 13000}, LARGE, None),
        ({"StorageThroughput": 600}, LARGE, None),
        ({"StorageType": "gp2"}, LARGE, None),
        ({"StorageType": "gp3"}, {**LARGE, **IO1}, COMBINATION),
        ({"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000}, {**LARGE, **IO1}, None),
        (PASSWORD, {}, None),
        (PASSWORD, MANAGED, COMBINATION),
        ({"MasterUserPassword": "short"}, {}, VALUE),
        ({"ManageMasterUserPassword": True}, {}, None),
        ({"ManageMasterUserPassword": True, **PASSWORD}, {}, COMBINATION),
        ({"ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": "mine"}, {}, None),
        ({"ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": "mine"}, MANAGED, COMBINATION),
        ({"ManageMasterUserPassword": False}, MANAGED, COMBINATION),
        ({"ManageMasterUserPassword": False, **PASSWORD}, MANAGED, None),
        ({"BackupRetentionPeriod": 36}, {}, VALUE),
        ({"DBPortNumber": 80}, {}, VALUE),
        ({"PerformanceInsightsRetentionPeriod": 31}, {}, None),
        ({"PerformanceInsightsRetentionPeriod": 30}, {}, VALUE),
        ({"PerformanceInsightsRetentionPeriod": 31}, {"EnablePerformanceInsights": False}, COMBINATION),
        ({"PerformanceInsightsKMSKeyId": "mine"}, {}, None),
        ({"PerformanceInsightsKMSKeyId": "mine"}, {"PerformanceInsightsKMSKeyId": "mine"}, None),
        ({"PerformanceInsightsKMSKeyId": "mine"}, {"PerformanceInsightsKMSKeyId": "theirs"}, COMBINATION),
        ({"DatabaseInsightsMode": "advanced"}, {}, COMBINATION),
        ({"DatabaseInsightsMode": "advanced"}, {"PerformanceInsightsRetentionPeriod": 465}, None),
        ({"PerformanceInsightsRetentionPeriod": 7}, ADVANCED, COMBINATION),
        ({"EnablePerformanceInsights": False}, ADVANCED, COMBINATION),
        ({"EnablePerformanceInsights": False, "DatabaseInsightsMode": "standard"}, ADVANCED, None),
        ({"DeletionProtection": True}, ADVANCED, None),
        ({"Engine": "postgres"}, {}, None),
        ({"Engine": "oracle-ee-cdb"}, {}, COMBINATION),
        ({"EngineLifecycleSupport": "nonsense"}, {}, VALUE),
        ({"EngineLifecycleSupport": "open-source-rds-extended-support-disabled"}, {}, None),
        ({"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["audit"]}}, {}, COMBINATION),
        ({"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["audit"]}}, {}, COMBINATION),
        ({"CACertificateIdentifier": "none"}, {}, "CertificateNotFound"),
        ({"PreferredBackupWindow": "04:00-04:30"}, {"PreferredMaintenanceWindow": "sun:03:45-sun:04:15"}, VALUE),
        ({"NewDBInstanceIdentifier": "renamed"}, {}, None),
        ({"NewDBInstanceIdentifier": "re--named"}, {}, VALUE),
        ({"DeletionProtection": True}, {}, None),
    ],
    ids=str,
)
def test_a_modification_is_checked_against_the_instance(
    change: dict[str, Any], current: dict[str, Any], expected: str | None
) -> None:
    """Each change is refused with its code, or passes."""
    assert expected == refusal(check_modify, change, {**CURRENT, **current}, REGION)


@pytest.mark.parametrize(
    ("change", "source", "expected"),
    [
        ({"AllocatedStorage": 190}, {}, None),
        ({"AllocatedStorage": 150}, IO1, None),
        ({"AllocatedStorage": 99}, {}, VALUE),
        ({"MaxAllocatedStorage": 109}, {}, COMBINATION),
        ({"StorageType": "io1"}, {}, COMBINATION),
    ],
    ids=str,
)
def test_a_copy_is_checked_against_its_source(change: dict[str, Any], source: dict[str, Any], expected: str | None) -> None:
    """Of its storage size and IOPS count, not how far it may grow (API Reference, RestoreDBInstanceFromDBSnapshot)."""
    assert expected == refusal(check_restore, {"DBInstanceIdentifier": "copy", **change}, {**CURRENT, **source}, REGION)


@given(st.text("aZ09-_. é", max_size=70))
def test_identifiers(text: str) -> None:
    """Letters, digits and single inner hyphens pass, a letter first, up to 63."""
    legal = set(text) <= set("aZ09-") and "--" not in text and not text.endswith("-")
    expected = None if legal and 1 <= len(text) <= 63 and text[0] in "aZ" else VALUE
    assert expected == refusal(check_identifier, "DBInstanceIdentifier", text)


@given(st.one_of(st.text(max_size=12), st.text('az!~/@" ', min_size=6, max_size=9), st.text("x", min_size=126)))
def test_passwords(text: str) -> None:
    """8 to 128 printable ASCII characters pass, without slash, at sign, quote and space."""
    legal = all("!" <= character <= "~" and character not in '/@"' for character in text)
    assert (None if legal and 8 <= len(text) <= 128 else VALUE) == create(MasterUserPassword=text)


@given(st.one_of(st.integers(0, 800), st.integers(1, 25).map(lambda months: months * 31)))
def test_performance_insights_retention(days: int) -> None:
    """A week, 1 to 23 months of 31 days, or two years pass."""
    legal = days in {7, 731} or (days % 31 == 0 and 1 <= days // 31 <= 23)
    assert (None if legal else VALUE) == create(PerformanceInsightsRetentionPeriod=days)


@given(st.integers(-1, 70000), st.sampled_from(["gp2", "gp3"]))
def test_general_purpose_storage(size: int, storage: str) -> None:
    """20 to 65536 GiB pass, of gp2 and gp3 alike."""
    expected = None if 20 <= size <= 65536 else COMBINATION
    assert expected == create(AllocatedStorage=size, StorageType=storage)


def test_what_rds_would_upgrade_as_it_restores_it_is_not_in_the_sandbox() -> None:
    """RestoreDBInstanceFromDBSnapshot, EngineLifecycleSupport: a major past its standard support, unless it pays for more."""
    asked, source = {"DBInstanceIdentifier": "old"}, {**CURRENT, "EngineVersion": "13.23"}
    check_restore(asked, source, REGION)
    with pytest.raises(NotInSandbox, match="13.23"):
        check_restore({**asked, **EXTENDED_SUPPORT_DISABLED}, source, REGION)
