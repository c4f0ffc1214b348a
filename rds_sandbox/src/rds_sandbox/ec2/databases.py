"""The DB instances in a region's network, of which EC2 knows no more than their network interfaces."""

from __future__ import annotations

from typing import Any

from moto.rds.models import rds_backends


def instances_of(ec2: Any) -> list[Any]:
    """Those of the account and region of this backend of EC2."""
    return list(rds_backends[ec2.account_id][ec2.region_name].databases.values())
