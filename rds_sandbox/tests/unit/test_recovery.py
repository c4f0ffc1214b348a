"""Who mends a server, and who is asked to change it, begin one after the other."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import Mock

from rds_sandbox import patches
from rds_sandbox.rds import recovery

FREE = 1 << 40  # bytes on the disk


def test_a_server_that_dies_while_a_request_is_answered_is_left_to_that() -> None:
    """What the request begins starts the server again, and ends with the status in which the request found the instance."""
    instance: Any = Mock(status="available")
    looking = threading.Thread(target=recovery._look_after, args=(instance, FREE))
    with patches.turn:
        looking.start()
        looking.join(0.05)
        found, instance.status = instance.status, "backing-up"
    looking.join()
    assert ("available", "backing-up") == (found, instance.status)
