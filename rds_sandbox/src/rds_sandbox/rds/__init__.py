"""RDS: moto's, whose DB instances have servers. Importing it patches moto."""

from rds_sandbox.rds import (  # noqa: F401 - they put their functions into the table
    backups,
    blue_green,
    catalog,
    event_subscriptions,
    events,
    lifecycle,
    log_files,
    maintenance,
    modifications,
    parameter_groups,
    quotas,
    replicas,
    restores,
    snapshots,
    subnet_groups,
)
