"""A DB instance whose status follows a real server: moto's, with a machine behind it."""

from __future__ import annotations

import copy
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from moto.ec2.models import ec2_backends
from moto.rds import models

from rds_sandbox.callers import Origin
from rds_sandbox.ec2.access import admits
from rds_sandbox.ec2.internet import lets_through
from rds_sandbox.gateway import Admission
from rds_sandbox.host import Host
from rds_sandbox.machine import Machine
from rds_sandbox.postgres import DidNotStart, ServerFailed, roles
from rds_sandbox.rds import events, facts, iam_authentication, managed_secrets, parameter_groups
from rds_sandbox.rds.descriptions import DescribedDBInstance
from rds_sandbox.tables import limits

log = logging.getLogger(__name__)

ATTEMPTS = 3  # at a work whose server is killed meanwhile
FULL_DISK = os.strerror(ENOSPC)
# The status of one whose server does not start with the values of its parameter group ("Viewing Amazon RDS DB instance status"):
# it can be rebooted or deleted, and not be modified (AWS Knowledge Center, of the same status of Aurora MySQL).
INCOMPATIBLE = "incompatible-parameters"
FAILURES = (ServerFailed, OSError, psycopg.Error, subprocess.SubprocessError)

Work = Callable[[], None]
Steps = Iterable[tuple[str, Work]]


class SandboxDBInstance(DescribedDBInstance):
    """A DB instance with a machine."""

    # What its address belongs to: the identifier in its region, as the DNS name on AWS.
    address_name = property(lambda self: f"{self.region}/{self.db_instance_identifier}")
    say = events.say  # record an event; its message

    def __init__(self, backend: models.RDSBackend, host: Host, **parameters: Any) -> None:
        super().__init__(backend, **parameters)
        self.maintenance: dict[str, dict[str, Any]] = {}  # the pending maintenance actions, by name
        self.optimizing_since: datetime | None = None  # when its storage was last changed (UTC)
        self.parameters: Mapping[str, str] = {}  # the values of the group that the server has
        self.reduced: Mapping[str, str] = {}  # what it has less of than these say, since this machine is no cloud
        self.base_settings: Mapping[str, str] | None = None  # of the server, whatever the group says
        self.begun = threading.Event()  # the work that was accepted last; its status tells of it from then on
        self.begun.set()
        self.at_work = threading.RLock()  # one work at a time; a source's comes before its replicas'
        self.ec2: Any = ec2_backends[self.account_id][self.region]  # looked up once: moto's look-up takes a lock
        self.verifiers: dict[str, str] = {}  # of the passwords that the sandbox gave roles who log in by IAM tokens, by name
        self.restored: list[SandboxDBInstance] = []  # those that are made from its backups
        self.exports_ended = False  # it is deleted
        self.exported: dict[Path, int] = {}  # how many bytes of each log file are in CloudWatch Logs
        self.read_only = False  # whether sessions begin so, unless the group says otherwise: in a blue/green deployment
        login, examines = partial(iam_authentication.login, self), partial(iam_authentication.examines, self)
        admission = Admission(host.callers.origin, self.admits, self.seen_as, self.requires_tls, login, examines)
        self.machine = Machine(host, self.dbi_resource_id.lower(), admission)

    @property
    def subnets(self) -> list[Any]:
        """Those that it is in: of its subnet group, those in its zone."""
        found: list[Any] = self.db_subnet_group._subnets
        return [each for each in found if each.availability_zone == self.availability_zone] or found

    @property
    def occupied_subnets(self) -> set[str]:
        """The ids of those that have its network interface, and that of its standby."""
        zone = self.secondary_availability_zone
        standby = [each for each in self.db_subnet_group._subnets if zone and each.availability_zone == zone]
        return {each.id for each in (self.subnets[0], *standby[:1])}

    @property
    def current_password(self) -> str:
        """The master user's password, managed or given."""
        managed = self.manage_master_user_password
        return managed_secrets.password(self.master_user_secret) if managed else str(self._master_user_password)

    def admits(self, origin: Origin) -> bool:
        """Whether a connection from there gets through, by the rules of this moment."""
        caller = self.machine.host.callers.identify(origin, self.ec2)
        if not self.machine.serving or self.machine.misled or not (caller.inside_vpc or self.publicly_accessible):
            return False
        ports = {self.port, self.machine.endpoint[1] if self.machine.endpoint else self.port}

        def look() -> bool:
            admitted = any(admits(self.vpc_security_group_ids, caller, port, self.ec2) for port in ports)
            return admitted and (caller.inside_vpc or lets_through(self.ec2, self.subnets, caller.address, ports))

        realism = self.machine.host.realism
        return realism.seen("ec2", (self.dbi_resource_id, caller, *ports), look) if realism else look()

    def seen_as(self, origin: Origin) -> str:
        """The address that the server would see for a connection from there."""
        return str(self.machine.host.callers.identify(origin, self.ec2).address)

    def requires_tls(self) -> bool:
        """`rds.force_ssl`: that of the parameter group, else by the major version."""
        usual = facts.major(self.engine_version) >= int(limits("rds")["force_ssl_major"])
        return self.parameters.get("rds.force_ssl", str(int(usual))) == "1"

    def begin(self, steps: Steps, end: str, last: Work = lambda: None, pause: float = 0.0) -> None:
        """Do the steps in a thread of their own, each under its status; then what comes last, and show the end's status.

        The status stays as it is for the seconds of the pause.
        """
        steps = tuple(steps)
        if pause:
            self.begun.clear()
        else:
            self.status = steps[0][0]
        threading.Thread(target=self._perform, args=(steps, end, last, pause), name=self.dbi_resource_id, daemon=True).start()

    def begin_later(self, steps: Steps, end: str, last: Work = lambda: None) -> SandboxDBInstance:
        """The same, a moment after the request is answered: what is answered is the instance as it is until then."""
        answer = copy.copy(self)
        self.begin(steps, end, last, pause=self.machine.host.delay)
        return answer

    def _perform(self, steps: tuple[tuple[str, Work], ...], end: str, last: Work, pause: float) -> None:
        """Whatever goes wrong shows in the status and in an event; the log has the stack trace."""
        time.sleep(pause)
        with self.at_work:
            try:
                for status, work in steps:
                    if not self.machine.removed:
                        self._perform_step(status, work)
                last()
            except Exception as error:
                end = self.ended_by(error, f"{self.status}: {error!r}")
                if end == "failed":
                    self.status = end
                    raise
                last()
            finally:
                self.begun.set()
            self.status = end

    def _perform_step(self, status: str, work: Work) -> None:
        self.status = status
        self.begun.set()
        began = time.monotonic()
        self._persist(work)
        self.machine.host.let_last(began)

    def _persist(self, work: Work) -> None:
        """Do the work; where the server is killed meanwhile, it is started again, as RDS does, and the work goes on."""
        for left in reversed(range(ATTEMPTS)):
            try:
                if self.machine.dead:
                    self.recover()
                work()
            except FAILURES:
                server = self.machine.server
                if not (left and server and server.was_killed()):
                    raise
                log.exception("%s was killed while %s", self.db_instance_identifier, self.status)
            else:
                return

    def ended_by(self, error: Exception, why: str) -> str:
        """The status after a failure, of which an event tells: what was created once can be started with other values."""
        if isinstance(error, DidNotStart) and self.parameters and self.machine.endpoint and FULL_DISK not in str(error):
            log.warning("%s: %s", self.db_instance_identifier, self.say("incompatible", state=INCOMPATIBLE, message=error))
            return INCOMPATIBLE
        self.say("failed", why=why)
        return "failed"

    def recover(self) -> None:
        """Start the server again that has died."""
        self.machine.stop()  # the gateway is silent from now on
        self.say("recovering")
        self.resume()
        self.say("recovered")

    def say_which_major_runs(self) -> None:
        """Where the one asked for is not on this machine."""
        asked, runs = facts.major(self.engine_version), self.machine.running_server().programs.major()
        if asked != runs:
            log.warning("%s: %s", self.db_instance_identifier, self.say("other_major", asked=asked, runs=runs))

    def halt(self) -> None:
        """End the server."""
        self.machine.stop()
        self.say("shut_down")

    def resume(self) -> None:
        """Start the server again."""
        parameter_groups.prepare(self, self.machine.running_server())
        self.machine.start()
        self.say("restarted")

    def restart(self) -> None:
        """End the server, where it runs, and start it again."""
        if self.machine.serving:
            self.halt()
        self.resume()

    def take_over_password(self) -> None:
        """Give the server the password that the API now knows."""
        roles.set_password(self.machine.running_server(), str(self.master_username), self.current_password)
        if self.manage_master_user_password:
            self.master_user_secret.status = "active"
        self.say("credentials_reset")
