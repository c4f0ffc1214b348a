"""The images that everybody may use, each with its snapshot: moto would make 1,300 whenever EC2 is emptied, for nobody."""

from __future__ import annotations

import threading
from typing import Any

from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend

from rds_sandbox.patches import replaces

_make = AmiBackend._load_amis
_making = threading.RLock()


class WithImages:
    """An attribute of EC2's backend which has that of the images, too, once anybody reads it."""

    def __init__(self, name: str) -> None:
        """Of the attribute."""
        self.name = name

    def __get__(self, backend: Any, _: type) -> Any:
        """Make the images first, if they are not there yet."""
        with _making:
            if "images_made" not in vars(backend):
                backend.images_made = True
                _make(backend)
        return vars(backend)[self.name]

    def __set__(self, backend: Any, value: Any) -> None:
        """As any attribute is set."""
        vars(backend)[self.name] = value


@replaces(AmiBackend, "_load_amis")
def not_yet(_: AmiBackend) -> None:
    """Leave them to whoever asks for them."""


AmiBackend.amis = WithImages("amis")  # type: ignore[assignment]
EBSBackend.snapshots = WithImages("snapshots")  # type: ignore[assignment]
