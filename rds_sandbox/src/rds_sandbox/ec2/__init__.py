"""EC2: moto's, whose security groups are AWS's. Importing it patches moto."""

from rds_sandbox.ec2 import security_groups  # noqa: F401 - it puts its functions into the table
