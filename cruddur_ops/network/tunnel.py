"""The way to an instance that is not publicly accessible: a port of this machine, which SSM forwards from within its VPC.

Source: AWS Systems Manager User Guide, "Start a session", port forwarding to a remote host.
"""

import json

from cruddur_ops.target import Target

DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
LOCAL_ADDRESS = "127.0.0.1"
SHUT = "it is not publicly accessible, so that no rule for your address would let you in: go through its VPC"


def entrance(target: Target, port: int) -> tuple[str, int]:
    """The address to connect to instead of the endpoint's, empty where the target has no tunnel; and the port."""
    if not leads(target):
        return "", port
    return target.tunnel_address or LOCAL_ADDRESS, target.tunnel_port or port


def command(target: Target, host: str, port: int) -> str:
    """The command that opens it, through a machine in the VPC."""
    local = target.tunnel_port or port
    forwarded = {"host": [host], "portNumber": [str(port)], "localPortNumber": [str(local)]}
    where = f"--region {target.region}" + (f" --profile {target.profile}" if target.profile else "")
    return f"aws ssm start-session {where} --target INSTANCE --document-name {DOCUMENT} --parameters '{json.dumps(forwarded)}'"


def instructions(target: Target, host: str, port: int) -> tuple[str, ...]:
    """What to do to get in, a line each."""
    opened = f"in another terminal, INSTANCE being a machine there that SSM manages: {command(target, host, port)}"
    local = target.tunnel_port or port
    missing = f"then set tunnel_port = {local} in the target's section; connections still verify the name of the endpoint"
    return (opened,) if leads(target) else (SHUT, opened, missing)


def leads(target: Target) -> bool:
    """Whether the target is reached through a tunnel."""
    return bool(target.tunnel_port or target.tunnel_address)
