"""What resources are found by, and moto does not know: an attribute, of the name of the filter.

Source: EC2 API Reference, Filters of DescribeSubnets, DescribeNetworkAcls, DescribeVpcEndpoints.
"""

from operator import attrgetter

from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCEndPoint

from rds_sandbox.patches import replaces

replaces(Subnet, "availabilityzoneid")(property(attrgetter("_availability_zone.zone_id")))
replaces(Subnet, "subnet_arn")(property(attrgetter("arn")))
replaces(NetworkAcl, "network_acl_id")(property(attrgetter("id")))
replaces(VPCEndPoint, "vpc_endpoint_id")(property(attrgetter("id")))
