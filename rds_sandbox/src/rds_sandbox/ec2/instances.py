"""EC2 instances, which moto makes one by one: more than an account may have at first are refused, as by EC2; and their images.

The images that everybody may use have a snapshot each: moto would make 1,300 whenever EC2 is emptied, for nobody.
Source: EC2 API Reference, RunInstances and "Error codes for the Amazon EC2 API"; what an account may have goes by vCPUs.
"""

import threading
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend

from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

MOST = limits("ec2")["instances"]
_make = AmiBackend._load_amis
_making = threading.RLock()


class WithImages:
    """An attribute of EC2's backend which has that of the images, too, once anybody reads it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, backend: Any, _: type) -> Any:
        """Make the images first, if they are not there yet."""
        with _making:
            if "images_made" not in vars(backend):
                backend.images_made = True
                _make(backend)
        return vars(backend)[self.name]

    def __set__(self, backend: Any, value: Any) -> None:
        vars(backend)[self.name] = value


@replaces(AmiBackend, "_load_amis")
def not_yet(_: AmiBackend) -> None:
    """Leave them to whoever asks for them."""


AmiBackend.amis = WithImages("amis")  # type: ignore[assignment]
EBSBackend.snapshots = WithImages("snapshots")  # type: ignore[assignment]


@action("ec2", "RunInstances")
def run(request: Request) -> object:
    """As many as are asked for at least, if the account may have them."""
    least, most = request.parameters["MinCount"], request.parameters["MaxCount"]
    if not 1 <= least <= most:
        raise EC2ClientError("InvalidParameterValue", f"Value ({least}) for parameter minCount is invalid: maxCount is {most}.")
    if least > MOST:
        why = f"You have requested more vCPU capacity than your current limit of {MOST} allows."
        raise EC2ClientError("VcpuLimitExceeded", why)
    return MOTO
