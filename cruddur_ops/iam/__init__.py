"""The least privilege for what the notebooks do on a target, as a rehearsal has recorded it in actions.json."""

from cruddur_ops.iam.boundary import boundary
from cruddur_ops.iam.missing import missing
from cruddur_ops.iam.policies import policy

__all__ = ["boundary", "missing", "policy"]
