"""A server that has died is started again, as RDS does; where its disk is full, that is the status until it is not.

Source: Amazon RDS User Guide, "Amazon RDS event categories and event messages" (RDS-EVENT-0006, 0020, 0021, 0031 and 0221)
and "Viewing Amazon RDS DB instance status".
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.models import rds_backends
from werkzeug.exceptions import HTTPException

from rds_sandbox import patches
from rds_sandbox.host import Host
from rds_sandbox.rds import log_exports
from rds_sandbox.rds.backend import FULL
from rds_sandbox.rds.instances import FAILURES, FULL_DISK, SandboxDBInstance

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
LEAST_BYTES = 16 << 20  # free on the disk: a server needs some WAL files to start


def watch(host: Host) -> None:
    """Look after all instances from now on, in a thread of its own."""
    threading.Thread(target=_watch, args=(host,), name="recovery", daemon=True).start()


def _watch(host: Host) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        with suppress(OSError):  # the folder is gone: the sandbox ends
            free = shutil.disk_usage(host.root).free
            backends: list[Any] = list(rds_backends[DEFAULT_ACCOUNT_ID].values())
            for instance in (each for backend in backends for each in backend.instances()):
                _look_after(instance, free)
                with suppress(OSError, ServiceException, HTTPException):  # its group was deleted meanwhile
                    log_exports.export(instance)


def _look_after(instance: SandboxDBInstance, free: int) -> None:
    """What is wrong is found out before the status: who ends a server sets that first."""
    dead = instance.machine.dead
    with patches.turn:
        if not instance.begun.is_set():
            return  # what was accepted a moment ago finds out by itself
        if instance.status == "available" and free < LEAST_BYTES:
            _begin(instance, "stopping", instance.machine.stop, full=True)
        elif (instance.status == "available" and dead) or (instance.status == FULL and free > 2 * LEAST_BYTES):
            _begin(instance, "rebooting", instance.recover)


def _begin(instance: SandboxDBInstance, status: str, work: Callable[[], None], *, full: bool = False) -> None:
    instance.status = status
    threading.Thread(target=_perform, args=(instance, work, full), name=instance.dbi_resource_id, daemon=True).start()


def _perform(instance: SandboxDBInstance, work: Callable[[], None], full: bool) -> None:
    """Do the work; why it failed tells whether the disk is full."""
    began = time.monotonic()
    try:
        work()
    except FAILURES as error:
        log.exception("%s could not be recovered", instance.db_instance_identifier)
        full = FULL_DISK in str(error)
        if not full:
            instance.status = instance.ended_by(error, f"it was recovered: {error}")
            return
    instance.machine.host.let_last(began)
    if full:
        instance.say("exhausted")
        instance.say("storage_full")
    instance.status = FULL if full else "available"
