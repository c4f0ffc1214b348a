"""Blue/green deployments, by real replication: a copy of a DB instance that follows it, until the two change names.

Source: Amazon RDS User Guide, "Using Amazon RDS Blue/Green Deployments for database updates", its pages on creating, viewing,
switching and deleting, on limitations, and on PostgreSQL's replication methods.
"""

from rds_sandbox.rds.blue_green import creation, deletion, switchover  # noqa: F401 - they put their functions into the table
