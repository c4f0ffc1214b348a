"""RDS: moto's, whose DB instances have servers. Importing it patches moto."""

from importlib import import_module

MODULES = (
    "backups", "blue_green", "catalog", "event_subscriptions", "events", "lifecycle", "log_files", "maintenance",
    "modifications", "parameter_groups", "replicas", "restores", "snapshots", "subnet_groups",
)  # fmt: skip
for name in MODULES:  # which put their functions into the table
    import_module(f"{__name__}.{name}")
