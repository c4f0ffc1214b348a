"""What RDS offers, asked at run time: versions, classes, zones, the way of an upgrade, the end of standard support.

Asking for what the region has not raises NotOffered, with what is nearest; what is not there, or wants another setting too,
WrongInput.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.errors import AccessDenied, NotOffered, WrongInput
from cruddur_ops.rds import prices
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import Target

ENGINE = "postgres"
STANDARD_SUPPORT = "open-source-rds-standard-support"  # RDS API Reference, SupportedEngineLifecycle
LARGE = 400  # GiB from which on gp3 is striped, and its IOPS can be chosen ("gp3 storage", RDS User Guide)
NEAR_DAYS = 365  # time enough to plan and rehearse a major upgrade


@dataclass(frozen=True)
class Offer:
    """What RDS would run for a target."""

    version: str  # such as "18.1"
    db_instance_class: str  # such as "db.t4g.micro"
    zones: tuple[str, ...]  # where that class can be ordered; empty for an instance that runs already
    end_of_standard_support: date | None  # of the major version; None where RDS names no date
    monthly_cost: MonthlyCost  # at list prices
    then: str = ""  # the version that is wanted after this one, where RDS goes there in two steps; empty elsewhere

    def __repr__(self) -> str:
        zones = f", orderable in {', '.join(self.zones)}" if self.zones else ""
        what = f"PostgreSQL {self.version} on {self.db_instance_class}{zones}"
        return "\n".join([what, f"cost: {self.monthly_cost}", self.support(tags.today())])

    def support(self, on: date) -> str:
        """A line about the end of standard support, loud where it is near or past."""
        name, end = f"PostgreSQL {major(self.version)}", self.end_of_standard_support
        if end is None:
            return f"{name}: RDS names no end of standard support"
        days = (end - on).days
        if days < 0:
            return f"WARNING: standard support of {name} ended on {end}: set a newer engine_version"
        if days < NEAR_DAYS:
            return f"WARNING: standard support of {name} ends on {end}, in {days} days: plan the upgrade"
        return f"{name}: standard support until {end}"


def find(target: Target, found: Instance | None = None) -> Offer:
    """What RDS offers for the target; of an upgrade, the version of the next step towards the wanted one.

    Args:
        found: the DB instance that is there; if its version will do, that need not be on offer, and so with its class.
    """
    _require_complete(target, found)
    if not found:
        _require_named(target)
    running, zones = found.engine_version if found else "", tuple[str, ...]()
    version = running
    if not found or not meets(running, target.engine_version):
        version = newest(target.engine_version, versions(target), target.region)
        zones = orderable_zones(target, version, orderable_options(target, version))
    elif found.db_instance_class != target.db_instance_class:
        orderable_zones(target, version, orderable_options(target, version))
    end = end_of_support(lifecycles(target, version))
    offer = Offer(version, target.db_instance_class, zones, end, prices.monthly_cost(target))
    if version == running or not found:
        return offer
    return next_step(offer, running, upgrades(target, running), partial(upgrades, target))


def _require_complete(target: Target, found: Instance | None) -> None:
    """Refuse settings that RDS takes only with others (RDS API Reference, CreateDBInstance); storage never shrinks."""
    if target.asked("monitoring_interval") and target.monitoring_interval and not target.monitoring_role_arn:
        message = "monitoring_interval asks for Enhanced Monitoring, and nothing says as which role RDS writes that"
        raise WrongInput(f"{message}: set monitoring_role_arn, or monitoring_interval = 0")
    kind, size = target.storage_type, max(target.allocated_storage, found.allocated_storage if found else 0)
    for setting in () if provisions(kind, size) else ("iops", "storage_throughput"):
        if target.asked(setting) and getattr(target, setting):
            remedy = f"take it out, or use gp3 from {LARGE} GiB on"
            raise WrongInput(f"{setting} cannot be chosen for {size} GiB of {kind}, which have what they come with: {remedy}")


def provisions(storage_type: str, size: int) -> bool:
    """Whether IOPS are given to storage of so many GiB: smaller gp3 has what it comes with, and other types know none."""
    return storage_type in ("io1", "io2") or (storage_type == "gp3" and size >= LARGE)


def _require_named(target: Target) -> None:
    """Refuse names of what is not there, as far as one may look: RDS would, when all else is made already."""
    for setting, describe in NAMED.items():
        name = getattr(target, setting)
        with suppress(AccessDenied):
            if name and target.asked(setting) and describe(target, name) is None:
                raise WrongInput(f'there is no {setting} "{name}" in {target.region}: correct it, or make that first')


def _parameter_group(target: Target, name: str) -> object:
    """One that is made for the instance, as to practise on, is named as that is, and may come with it."""
    own = name.startswith(f"{target.db_instance_identifier}-{ENGINE}")
    code = "DBParameterGroupNotFound"
    return own or aws.find(target, "rds", "describe_db_parameter_groups", code, DBParameterGroupName=name)


def _subnet_group(target: Target, name: str) -> object:
    return aws.find(target, "rds", "describe_db_subnet_groups", "DBSubnetGroupNotFoundFault", DBSubnetGroupName=name)


def _certificate(target: Target, name: str) -> object:
    return aws.find(target, "rds", "describe_certificates", "CertificateNotFound", CertificateIdentifier=name)


def _key(target: Target, name: str) -> object:
    return aws.find(target, "kms", "describe_key", "NotFoundException", KeyId=name)


def _secret(target: Target, name: str) -> object:
    return aws.find(target, "secretsmanager", "describe_secret", "ResourceNotFoundException", SecretId=name)


# What else a new instance is made of, by setting; each is described, and None where there is none.
NAMED: Mapping[str, Callable[[Target, str], object]] = {
    "db_parameter_group_name": _parameter_group,
    "db_subnet_group_name": _subnet_group,
    "ca_certificate_identifier": _certificate,
    "kms_key_id": _key,
    "master_user_secret": _secret,
}


def numbers(version: str) -> tuple[int, ...]:
    """What versions are compared by: "18.1" is (18, 1), "13.22-rds.20250508" is (13, 22, 20250508)."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def major(version: str) -> str:
    """The major version, such as "18" of "18.1"."""
    return version.partition(".")[0]


def meets(found: str, wanted: str) -> bool:
    """Whether a running version is the wanted one or newer; "18" is met by any 18.x. RDS never goes back."""
    return numbers(found) >= numbers(wanted)


def versions(target: Target) -> list[str]:
    """The versions of PostgreSQL with which the region lets an instance be created."""
    found = aws.pages(target, "rds", "describe_db_engine_versions", Engine=ENGINE)
    return [item["EngineVersion"] for item in found if item.get("Status") != "deprecated"]


def newest(wanted: str, offered: Sequence[str], region: str) -> str:
    """The wanted version, or the newest minor of a wanted major."""
    matching = [version for version in offered if wanted in (version, major(version))]
    if matching:
        return max(matching, key=numbers)
    minors = {version for version in offered if major(version) == major(wanted)}
    near = sorted(minors or {major(version) for version in offered}, key=numbers)
    raise NotOffered(f"RDS offers no PostgreSQL {wanted} in {region}: set engine_version to one of {', '.join(near)}")


def upgrades(target: Target, running: str) -> list[str]:
    """The versions to which RDS upgrades an instance of this version (RDS API Reference, UpgradeTarget)."""
    found = aws.pages(target, "rds", "describe_db_engine_versions", Engine=ENGINE, EngineVersion=running, IncludeAll=True)
    return [version["EngineVersion"] for item in found for version in item.get("ValidUpgradeTarget", [])]


def next_step(offer: Offer, running: str, reachable: Sequence[str], onward: Callable[[str], Sequence[str]]) -> Offer:
    """The offer with the version of the next step; see `steps`."""
    first, *then = steps(running, offer.version, reachable, onward)
    return replace(offer, version=first, then=offer.version if then else "")


def steps(running: str, wanted: str, reachable: Iterable[str], onward: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    """The versions to go to in order: straight, else over the newest minor of the running major that goes on to the wanted one.

    Args:
        running: the version that runs.
        wanted: another one.
        reachable: the versions to which RDS upgrades the running one.
        onward: tells those of another, as `upgrades` does.
    """
    offered = sorted(reachable, key=numbers)
    if wanted in offered:
        return (wanted,)
    minors = [version for version in offered if major(version) == major(running)]
    for minor in reversed(minors):
        if wanted in onward(minor):
            return minor, wanted
    near = ", ".join(offered) or "none: restore into a new instance"
    raise NotOffered(f"RDS does not upgrade {running} to {wanted}: set engine_version to one of {near}")


def orderable_options(target: Target, version: str) -> list[dict[str, Any]]:
    """What can be ordered of that version: of the target's class, or of all if that is not on offer."""
    operation, wanted = "describe_orderable_db_instance_options", {"Engine": ENGINE, "EngineVersion": version, "Vpc": True}
    narrowed = aws.pages(target, "rds", operation, **wanted, DBInstanceClass=target.db_instance_class)
    return narrowed or aws.pages(target, "rds", operation, **wanted)


def orderable_zones(target: Target, version: str, options: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The zones in which the target's class and storage type can be ordered, in its size and with its features."""
    where = f"PostgreSQL {version} in {target.region}"
    _require("db_instance_class", target.db_instance_class, {option["DBInstanceClass"] for option in options}, where)
    of_class = [option for option in options if option["DBInstanceClass"] == target.db_instance_class]
    types = {option["StorageType"]: option for option in of_class}
    _require("storage_type", target.storage_type, types, f"{target.db_instance_class}, {where}")
    option = types[target.storage_type]
    zones = tuple(sorted(zone["Name"] for zone in option["AvailabilityZones"]))
    if target.availability_zone:
        _require("availability_zone", target.availability_zone, zones, f"{target.db_instance_class}, {where}")
    _require_features(target, option)
    return zones


def _require(setting: str, value: str, offered: Iterable[str], where: str) -> None:
    """Raise NotOffered, with what is nearest, unless the value is on offer."""
    offered = sorted(offered)
    if value not in offered:
        near = difflib.get_close_matches(value, offered, n=5, cutoff=0.5) or offered[:5]
        advice = f"set {setting} to one of {', '.join(near)}" if near else "choose another region or version"
        raise NotOffered(f"RDS offers no {value} for {where}: {advice}")


def _require_features(target: Target, option: Mapping[str, Any]) -> None:
    """Raise NotOffered unless the option has what the target asks for; silence of RDS counts as yes."""
    name = f"{target.db_instance_class} with {target.storage_type}"
    least, most = option.get("MinStorageSize", 0), option.get("MaxStorageSize", float("inf"))
    if not least <= target.allocated_storage <= most:
        wrong = f"not {target.allocated_storage}: set allocated_storage to that"
        raise NotOffered(f"{name} has {least} to {most} GiB, {wrong}")
    if target.multi_az and not option.get("MultiAZCapable", True):
        raise NotOffered(f"{name} has no standby in another zone: set multi_az = false")
    if target.performance_insights and not option.get("SupportsPerformanceInsights", True):
        raise NotOffered(f"{name} has no Performance Insights: set performance_insights = false")
    if target.storage_encrypted and not option.get("SupportsStorageEncryption", True):
        raise NotOffered(f"{name} cannot be encrypted: set another db_instance_class")


def lifecycles(target: Target, version: str) -> list[dict[str, Any]]:
    """The support periods of that version's major, as RDS names them."""
    found = aws.pages(target, "rds", "describe_db_major_engine_versions", Engine=ENGINE, MajorEngineVersion=major(version))
    return [period for item in found for period in item.get("SupportedEngineLifecycles", [])]


def end_of_support(periods: Iterable[Mapping[str, Any]], name: str = STANDARD_SUPPORT) -> date | None:
    """The last day of a kind of support; None where RDS names none."""
    found = [period for period in periods if period["LifecycleSupportName"] == name]
    return found[0]["LifecycleSupportEndDate"].date() if found else None
