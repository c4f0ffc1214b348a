"""What is past its date: resources of this runbook whose Expires tag names a day that is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from cruddur_ops import tags
from cruddur_ops.rds import inventory
from cruddur_ops.rds.inventory import Leftover
from cruddur_ops.target import Target


@dataclass(frozen=True, order=True)
class Expired:
    """A resource that was wanted until a day that is over."""

    region: str
    days: int  # since that day
    owner: str
    resource: Leftover

    def __str__(self) -> str:
        """Two lines: whose it is and since when it is over, and what removes it."""
        what = f"{self.resource.kind} {self.resource.name}"
        return f"{self.region}: {what} of {self.owner}, {self.days} days over\n    {self.resource.command} --region {self.region}"


def find(target: Target, regions: Iterable[str]) -> list[Expired]:
    """What is expired in these regions, region by region, the oldest first."""
    found = [one for region in regions for one in _of_region(replace(target, region=region), tags.today())]
    return sorted(found, key=lambda one: (one.region, -one.days, one.resource))


def _of_region(target: Target, on: date) -> Iterator[Expired]:
    for arn, labels in inventory.tagged(target):
        left = tags.days_left(labels, on)
        if left is not None and left < 0:
            yield Expired(target.region, -left, labels.get("Owner", "an unknown owner"), inventory.from_arn(arn, "expired"))
