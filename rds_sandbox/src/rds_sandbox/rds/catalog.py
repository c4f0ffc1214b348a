"""The describe actions of RDS that answer from catalog.toml.

All but the last are pure: parameters in the shape of botocore's model and a region in, the result's structure out, not yet cut
into pages.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from moto.rds.exceptions import InvalidParameterValue, RDSClientError

from rds_sandbox.patches import Constant, Request, action
from rds_sandbox.rds import facts
from rds_sandbox.rds.facts import InstanceClass, Major, Storage, Version
from rds_sandbox.rds.requests import filters, given, paged

Parameters = Mapping[str, Any]
Row = dict[str, Any]
Answer = Callable[[Parameters, str], Row]

ENGINE = facts.tables()["engine"]


def _answers(name: str, most: int = 100) -> Callable[[Answer], Answer]:

    def register(answer: Answer) -> Answer:
        @action("rds", name)
        def handle(request: Request) -> Constant:
            asked, region = given(request), request.backend.region_name
            return Constant((region, repr(asked)), paged(answer(asked, region), asked, most))

        return answer

    return register


def _require_engine(engine: str | None) -> None:
    """Refuse what is no engine, and what is another than the sandbox's; None is any."""
    facts.require_engine(engine)
    if engine not in {None, ENGINE["name"]}:
        raise InvalidParameterValue(f"Unrecognized engine name: {engine}")


@_answers("DescribeDBEngineVersions")
def describe_db_engine_versions(parameters: Parameters, region: str) -> Row:
    """`DescribeDBEngineVersions`; a bare major means all its minors, `IncludeAll` adds the withdrawn."""
    _require_engine(parameters.get("Engine"))
    wanted = filters(parameters, _FILTERS)
    withdrawn_too = parameters.get("IncludeAll") or "status" in wanted
    asked = parameters.get("EngineVersion")
    found = [v for v in facts.versions() if (v.offered or withdrawn_too) and _matches(v, asked)]
    if parameters.get("DefaultOnly"):
        found = [v for v in found if v.is_default and (asked or v == facts.default_version())]
    if family := parameters.get("DBParameterGroupFamily"):
        wanted["db-parameter-group-family"] = [family]
    rows = map(_engine_version, found)
    return {"DBEngineVersions": [row for row in rows if all(row.get(_FILTERS[key]) in values for key, values in wanted.items())]}


def _matches(version: Version, asked: str | None) -> bool:
    return asked in {None, str(version), str(version.major)}


_FILTERS = {
    "db-parameter-group-family": "DBParameterGroupFamily",
    "engine": "Engine",
    "engine-mode": "SupportedEngineModes",  # Aurora's: none of our rows has it
    "engine-version": "EngineVersion",
    "status": "Status",
}


def _engine_version(version: Version) -> Row:
    return {
        "Engine": ENGINE["name"],
        "MajorEngineVersion": str(version.major),
        "EngineVersion": str(version),
        "DBParameterGroupFamily": facts.family(version.major),
        "DBEngineDescription": ENGINE["description"],
        "DBEngineVersionDescription": f"{ENGINE['description']} {version}-R1",
        "ValidUpgradeTarget": [_target(version, to) for to in facts.upgrade_targets(version)],
        "ExportableLogTypes": ENGINE["exportable_log_types"],
        "SupportedFeatureNames": ENGINE["features"],
        "SupportedCACertificateIdentifiers": [c["CertificateIdentifier"] for c in facts.tables()["certificate"]],
        "Status": "available" if version.offered else "deprecated",
        **ENGINE["version"],
    }


def _target(version: Version, target: Version) -> Row:
    major = target.major > version.major
    return {
        "Engine": ENGINE["name"],
        "EngineVersion": str(target),
        "Description": f"{ENGINE['description']} {target}-R1",
        "AutoUpgrade": target.is_default and not major,
        "IsMajorVersionUpgrade": major,
    }


@_answers("DescribeOrderableDBInstanceOptions", 1000)
def describe_orderable_db_instance_options(parameters: Parameters, region: str) -> Row:
    """`DescribeOrderableDBInstanceOptions`: a row per version, class and storage type of the region."""
    if not parameters.get("Engine"):
        raise RDSClientError("MissingParameter", "The request must contain the parameter Engine")
    _require_engine(parameters["Engine"])
    facts.require(parameters.get("DBInstanceClass"), region)
    # What we have is of PostgreSQL's licence, in a VPC, not in a Local Zone.
    known = parameters.get("AvailabilityZoneGroup") in {None, region} and parameters.get("Vpc") is not False
    known = known and parameters.get("LicenseModel") in {None, ENGINE["license_model"]}
    rows = [
        _option(version, instance_class, storage, region)
        for version in facts.versions()
        if known and version.offered and _matches(version, parameters.get("EngineVersion"))
        for instance_class in facts.instance_classes().values()
        if parameters.get("DBInstanceClass") in {None, instance_class.name} and instance_class.orderable(version, region)
        for storage in facts.storage_types().values()
    ]
    return {"OrderableDBInstanceOptions": rows}


@cache
def _option(version: Version, instance_class: InstanceClass, storage: Storage, region: str) -> Row:
    """One row, made once for all pages and answers: read it, never change it."""
    return {
        "Engine": ENGINE["name"],
        "EngineVersion": str(version),
        "DBInstanceClass": instance_class.name,
        "LicenseModel": ENGINE["license_model"],
        "AvailabilityZones": [{"Name": zone} for zone in facts.zones(region)],
        "SupportsStorageAutoscaling": storage.name != "standard",
        **ENGINE["option"],
        **_limits(storage),
    }


def _limits(storage: Storage) -> Row:
    bounds = {"StorageSize": storage.size, "IopsPerDbInstance": storage.iops, "IopsPerGib": storage.iops_per_gib}
    bounds |= {"StorageThroughputPerDbInstance": storage.throughput}
    lowest = {f"Min{name}": pair[0] for name, pair in bounds.items() if pair}
    highest = {f"Max{name}": pair[1] for name, pair in bounds.items() if pair}
    provisioned = {"SupportsIops": bool(storage.iops), "SupportsStorageThroughput": bool(storage.throughput)}
    return {"StorageType": storage.name, **provisioned, **lowest, **highest}


@_answers("DescribeDBMajorEngineVersions")
def describe_db_major_engine_versions(parameters: Parameters, region: str) -> Row:
    """`DescribeDBMajorEngineVersions`, with the dates of standard and of Extended Support."""
    _require_engine(parameters.get("Engine"))
    asked = parameters.get("MajorEngineVersion")
    found = [m for m in facts.majors().values() if asked in {None, str(m.number)}]
    return {"DBMajorEngineVersions": [_major(m) for m in sorted(found, key=lambda m: m.number)]}


def _major(major: Major) -> Row:
    standard = _lifecycle("standard", major.released, major.standard_end)
    extended = _lifecycle("extended", major.standard_end + timedelta(days=1), major.extended_end)
    lives = [standard, extended]
    return {"Engine": ENGINE["name"], "MajorEngineVersion": str(major.number), "SupportedEngineLifecycles": lives}


def _lifecycle(name: str, start: date, end: date) -> Row:
    return {
        "LifecycleSupportName": f"open-source-rds-{name}-support",
        "LifecycleSupportStartDate": datetime.combine(start, time(), UTC),
        "LifecycleSupportEndDate": datetime.combine(end, time(23, 59, 59, 999000), UTC),
    }


@_answers("DescribeCertificates")
def describe_certificates(parameters: Parameters, region: str) -> Row:
    """`DescribeCertificates`; the sandbox's gateways present a certificate of their own authority."""
    asked = parameters.get("CertificateIdentifier")
    known = facts.tables()["certificate"]
    rows = [_certificate(c, region) for c in known if asked is None or asked.lower() == c["CertificateIdentifier"]]
    if asked and not rows:
        raise RDSClientError("CertificateNotFound", f"Certificate not found: {asked}")
    return {"Certificates": rows, "DefaultCertificateForNewLaunches": known[0]["CertificateIdentifier"]}


def _certificate(known: Row, region: str) -> Row:
    arn = f"arn:aws:rds:{region}::cert:{known['CertificateIdentifier']}"
    return {**known, "CertificateType": "CA", "CertificateArn": arn, "CustomerOverride": False}


@action("rds", "DescribeAccountAttributes")
def describe_account_attributes(request: Request) -> Row:
    """How much there is in the region, of what the sandbox has; and AWS's quotas, which are, but for replicas, not enforced."""
    backend, instances = request.backend, request.backend.instances()
    used = {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(each.allocated_storage for each in instances),
        "ManualSnapshots": sum(each.snapshot_type == "manual" for each in backend.database_snapshots.values()),
        "DBParameterGroups": len(backend.db_parameter_groups),
        "DBSubnetGroups": len(backend.subnet_groups),
        "EventSubscriptions": len(backend.event_subscriptions),
        "OptionGroups": len(backend.option_groups),
        "SubnetsPerDBSubnetGroup": max((len(each.subnets) for each in backend.subnet_groups.values()), default=0),
        "ReadReplicasPerMaster": max((len(each.followers) for each in instances), default=0),
    }
    quotas = facts.tables()["quotas"].items()
    return {"AccountQuotas": [{"AccountQuotaName": name, "Used": used.get(name, 0), "Max": most} for name, most in quotas]}
