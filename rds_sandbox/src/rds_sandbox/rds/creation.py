"""How a DB instance comes to be, whatever its data come from."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from rds_sandbox.patches import Request
from rds_sandbox.postgres import DidNotStart, Server
from rds_sandbox.rds import backups, log_exports, parameter_groups, subnet_groups
from rds_sandbox.rds.backend import SandboxRDSBackend
from rds_sandbox.rds.instances import SandboxDBInstance, Steps, Work

Prepare = Callable[[SandboxDBInstance, Server], None]
More = Callable[[SandboxDBInstance], Steps]
Obtain = Callable[[], Server]
Values = Mapping[str, Any]
CREATED = {"name": "created"}


def create(
    request: Request,
    parameters: Values,
    obtain: Obtain,
    prepare: Prepare,
    event: Values = CREATED,
    source: SandboxDBInstance | None = None,
    more: More | None = None,
) -> dict[str, Any]:
    """Register an instance with the parameters of moto's constructor, and begin the work; the answer to the request.

    `obtain` gives it a server, which `prepare` makes what it is to be, and starts. The event says that it is there: its name in
    events.toml, and its values. `source` is what it is to be a read replica of; `more` are the steps after its creation; without
    them, backups are enabled.
    """
    group = (parameters.get("db_subnet_group_name") or request.backend.default_subnet_group()).lower()
    instance = _registered(request, {**parameters, "db_subnet_group_name": group})
    instance.source = source
    instance.begin((*_steps(instance, obtain, prepare, event), *(more or _backups)(instance)), "available")
    return {"DBInstance": instance}


def _registered(request: Request, parameters: dict[str, Any]) -> SandboxDBInstance:
    backend: SandboxRDSBackend = request.backend
    identifier = parameters["db_instance_identifier"]
    backend.require_free(identifier)
    named, subnet_group = parameters.get("vpc_security_group_ids"), parameters["db_subnet_group_name"]
    parameters["vpc_security_group_ids"] = named or [backend.default_security_group(subnet_group)]
    backend.require_groups(parameters["vpc_security_group_ids"], subnet_group)
    zone = _zone(backend, parameters)
    parameters["publicly_accessible"] = subnet_groups.is_public(parameters.get("publicly_accessible"), subnet_group)
    if parameters["publicly_accessible"]:
        subnet_groups.require_public(backend, subnet_group)
    if name := parameters.get("option_group_name"):
        backend.require_option_group(name, parameters["engine_version"])
    if parameters.get("monitoring_interval"):
        backend.require_monitoring_role(parameters.get("monitoring_role_arn") or "")
    if group := parameters.get("db_parameter_group_name"):
        backend.require_parameter_group(group, parameters["engine_version"])
        parameters["db_parameter_group_name"] = group.lower()
    instance = SandboxDBInstance(backend, request.host, **parameters)  # type: ignore[abstract]  # as in moto's own
    instance.availability_zone = zone
    backend.databases[identifier] = instance
    return instance


def _zone(backend: SandboxRDSBackend, parameters: Values) -> str:
    """The zone asked for, or the first that the subnet group has a subnet in; which one RDS chooses it does not say."""
    group = backend.describe_db_subnet_groups(parameters["db_subnet_group_name"])[0]
    wanted = str(parameters.get("availability_zone") or subnet_groups.zones(group)[0])
    subnet_groups.check_zone(group, wanted, parameters["db_instance_class"])
    return wanted


def _steps(instance: SandboxDBInstance, obtain: Obtain, prepare: Prepare, event: Values) -> Iterator[tuple[str, Work]]:
    def ready(server: Server) -> None:
        parameter_groups.prepare(instance, server)
        prepare(instance, server)

    def create() -> bool:
        """Whether it bears the values of its group; it is there in any case."""
        try:
            instance.machine.create(instance.address_name, instance.port, obtain, ready)
        except DidNotStart:
            if not instance.parameters or instance.source:
                raise
            instance.machine.running_server().remove()
            instance.parameters = {}
            instance.machine.create(instance.address_name, instance.port, obtain, partial(prepare, instance))
            return False
        return True

    def work() -> None:
        bears = create()
        instance.say_which_major_runs()
        if instance.parameters:
            parameter_groups.reload(instance)
        log_exports.export(instance)
        instance.say(event["name"], **event)
        if not bears:
            instance.restart()

    yield "creating", work


def _backups(instance: SandboxDBInstance) -> Iterator[tuple[str, Work]]:
    if instance.backup_retention_period:
        yield "backing-up", lambda: backups.enable(instance)
