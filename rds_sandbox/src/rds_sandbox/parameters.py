"""Parameters of Systems Manager: one write at a time, so that no two get the same version, as on AWS."""

from __future__ import annotations

import threading
from typing import Any

from moto.ssm.models import SimpleSystemManagerBackend

from rds_sandbox.patches import replaces

_turn = threading.Lock()
_put = SimpleSystemManagerBackend.put_parameter


@replaces(SimpleSystemManagerBackend, "put_parameter")
def put_parameter(backend: Any, *given: Any, **named: Any) -> Any:
    """moto's, by itself."""
    with _turn:
        return _put(backend, *given, **named)
