"""Public access to a DB instance: what the VPC must have for it.

Source: RDS API Reference, CreateDBInstance (PubliclyAccessible, InvalidVPCNetworkStateFault); RDS User Guide, "Working with a DB
instance in a VPC". The sentences are as users of CloudFormation and Terraform report them.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.rds.exceptions import RDSClientError

from rds_sandbox.ec2.internet import has_gateway, names_hosts
from rds_sandbox.rds.backend import DEFAULT_SUBNET_GROUP, SandboxRDSBackend


def asked_for(public: bool | None, subnet_group: str) -> bool:
    """Whether an instance is to be public: where nothing is said, one in the default subnet group is, and no other."""
    return subnet_group == DEFAULT_SUBNET_GROUP if public is None else public


def require(backend: SandboxRDSBackend, subnet_group: str) -> None:
    """Refuse a VPC in which an instance would have no public address, or no name for it."""
    ec2: Any = ec2_backends[backend.account_id][backend.region_name]
    vpc = ec2.vpcs[backend.describe_db_subnet_groups(subnet_group)[0].vpc_id]
    if not names_hosts(vpc):
        raise _fault("does not support DNS resolution, DNS hostnames, or both")
    if not has_gateway(ec2, vpc.id):
        raise _fault("has no internet gateway attached")


def _fault(lack: str) -> RDSClientError:
    message = f"Cannot create a publicly accessible DBInstance. The specified VPC {lack}. Update the VPC and then try again"
    return RDSClientError("InvalidVPCNetworkStateFault", message)
