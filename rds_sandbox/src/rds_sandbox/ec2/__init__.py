"""EC2: moto's, whose security groups are AWS's. Importing it patches moto."""

from rds_sandbox.ec2 import (  # noqa: F401 - they put their functions into the table
    dependencies,
    endpoint_services,
    endpoints,
    images,
    instances,
    internet,
    nat_gateways,
    network_acls,
    network_interfaces,
    networks,
    prefix_lists,
    routes,
    security_groups,
    tags,
)
