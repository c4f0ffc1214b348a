"""What an account has of RDS, and may have: AWS's defaults, which are shown and not enforced.

Source: RDS User Guide, "Quotas and constraints for Amazon RDS"; RDS API Reference, AccountQuota.
"""

from __future__ import annotations

from typing import Any

from rds_sandbox.patches import Request, action


@action("rds", "DescribeAccountAttributes")
def describe(request: Request) -> dict[str, Any]:
    """As many as there are in the region."""
    backend = request.backend
    instances = backend.instances()
    manual = [each for each in backend.database_snapshots.values() if each.snapshot_type == "manual"]
    quotas = {
        "DBInstances": (len(instances), 40),
        "AllocatedStorage": (sum(each.allocated_storage for each in instances), 100_000),
        "ManualSnapshots": (len(manual), 100),
        "DBParameterGroups": (len(backend.db_parameter_groups), 50),
        "DBSubnetGroups": (len(backend.subnet_groups), 50),
        "EventSubscriptions": (len(backend.event_subscriptions), 20),
    }
    found = [{"AccountQuotaName": name, "Used": used, "Max": most} for name, (used, most) in quotas.items()]
    return {"AccountQuotas": found}
