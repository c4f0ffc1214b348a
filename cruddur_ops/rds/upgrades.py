"""The way from the running version to a newer one: RDS goes to some versions only, and from some to others in two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cruddur_ops import aws
from cruddur_ops.errors import NotOffered
from cruddur_ops.rds import offers
from cruddur_ops.rds.offers import ENGINE, Offer

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


def targets(target: Target, running: str) -> list[str]:
    """The versions to which RDS upgrades an instance of this version (RDS API Reference, UpgradeTarget)."""
    pages = (
        aws.client(target, "rds")
        .get_paginator("describe_db_engine_versions")
        .paginate(Engine=ENGINE, EngineVersion=running, IncludeAll=True)
    )
    found = [item for page in pages for item in page["DBEngineVersions"]]
    return [version["EngineVersion"] for item in found for version in item.get("ValidUpgradeTarget", [])]


def next_step(offer: Offer, running: str, reachable: Sequence[str]) -> Offer:
    """The offer with the version of the next step: the wanted one, else the newest minor of the running major.

    Raises:
        NotOffered: there is no way.
    """
    if offer.version in reachable:
        return offer
    minors = [version for version in reachable if offers.major(version) == offers.major(running)]
    if minors and offers.major(offer.version) != offers.major(running):
        return replace(offer, version=max(minors, key=offers.numbers), then=offer.version)
    near = ", ".join(sorted(reachable, key=offers.numbers)) or "none: restore into a new instance"
    raise NotOffered(f"RDS does not upgrade {running} to {offer.version}: set engine_version to one of {near}")
