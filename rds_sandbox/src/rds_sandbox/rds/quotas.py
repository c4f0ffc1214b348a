"""What an account has of RDS, and may have: AWS's defaults, which are shown and, but for replicas, not enforced."""

from __future__ import annotations

from typing import Any

from rds_sandbox.patches import Request, action
from rds_sandbox.rds import facts


@action("rds", "DescribeAccountAttributes")
def describe(request: Request) -> dict[str, Any]:
    """As many as there are in the region; of what the sandbox does not have, none."""
    backend = request.backend
    instances = backend.instances()
    manual = [each for each in backend.database_snapshots.values() if each.snapshot_type == "manual"]
    used = {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(each.allocated_storage for each in instances),
        "ManualSnapshots": len(manual),
        "DBParameterGroups": len(backend.db_parameter_groups),
        "DBSubnetGroups": len(backend.subnet_groups),
        "EventSubscriptions": len(backend.event_subscriptions),
        "OptionGroups": len(backend.option_groups),
        "SubnetsPerDBSubnetGroup": max((len(each.subnets) for each in backend.subnet_groups.values()), default=0),
        "ReadReplicasPerMaster": max((len(each.followers) for each in instances), default=0),
    }
    quotas = facts.tables()["quotas"].items()
    return {"AccountQuotas": [{"AccountQuotaName": name, "Used": used.get(name, 0), "Max": most} for name, most in quotas]}
