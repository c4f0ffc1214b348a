"""Regions and their availability zones: those that are asked for, of those that are open to the account.

Source: Amazon EC2 API Reference, DescribeAvailabilityZones, DescribeRegions, data types AvailabilityZone and Region.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ec2.exceptions import InvalidParameterValue
from moto.ec2.models.availability_zones_and_regions import Region, RegionsAndZonesBackend, Zone
from moto.utilities.utils import filter_resources

from rds_sandbox.patches import Request, action, replaces

OPEN = "opt-in-not-required"
ZONE = {
    "group-name": "group_name", "opt-in-status": "opt_in_status", "region-name": "region_name", "state": "state",
    "zone-id": "zone_id", "zone-name": "name", "zone-type": "zone_type",
}  # fmt: skip
REGION = {"endpoint": "endpoint", "opt-in-status": "opt_in_status", "region-name": "name"}
Zone.opt_in_status = OPEN  # type: ignore[attr-defined]
Zone.group_name = property(lambda zone: f"{zone.region_name}-zg-1")  # type: ignore[attr-defined]
Zone.network_border_group = property(lambda zone: zone.region_name)  # type: ignore[attr-defined]


@replaces(RegionsAndZonesBackend, "describe_availability_zones")
def zones(
    ec2: Any, filters: Mapping[str, Any] | None = None, zone_names: Iterable[str] = (), zone_ids: Iterable[str] = ()
) -> list[Zone]:
    """Those of the region, by name and id, which there are."""
    found: list[Zone] = ec2.zones.get(ec2.region_name, [])
    _require("availability zone", zone_names, {one.name for one in found})
    _require("availability zone id", zone_ids, {one.zone_id for one in found})
    found = [one for one in found if one.name in (zone_names or [one.name]) and one.zone_id in (zone_ids or [one.zone_id])]
    return list(filter_resources(found, filters or {}, tuple(ZONE.items())))


@action("ec2", "DescribeRegions")
def regions(request: Request) -> dict[str, list[Region]]:
    """Those that the account need not opt in to, or all."""
    asked, known = request.parameters, request.backend.regions
    names = asked.get("RegionNames", [])
    _require("region name", names, {one.name for one in known})
    found = [one for one in known if one.name in names or (not names and (asked.get("AllRegions") or one.opt_in_status == OPEN))]
    filters = request.moto._filters_from_querystring()
    return {"Regions": list(filter_resources(found, filters, tuple(REGION.items())))}


def _require(what: str, asked: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(asked).difference(known)):
        raise InvalidParameterValue(f"Invalid {what}: [{', '.join(unknown)}]")
