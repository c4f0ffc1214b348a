"""DB parameter groups: what RDS refuses of them, and how their values reach the servers.

Source: RDS API Reference (CreateDBParameterGroup, CopyDBParameterGroup, ModifyDBParameterGroup, ResetDBParameterGroup,
DeleteDBParameterGroup, DescribeDBParameters, DescribeEngineDefaultParameters); RDS User Guide, "Parameter groups for Amazon RDS".
"""

import os
import re
import signal
from collections.abc import Iterable, Mapping
from typing import Any

from moto.rds import exceptions, models
from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.postgres import DidNotStart, Programs, Server
from rds_sandbox.postgres.server import PARAMETERS
from rds_sandbox.rds import engine_parameters, events, facts
from rds_sandbox.rds.engine_parameters import Parameter
from rds_sandbox.rds.requests import filters, given, paged
from rds_sandbox.tables import limits

LIMITS = limits("rds")
PAGE = 8192  # bytes, the unit of shared_buffers
STANDBY = ("max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction")
IMMEDIATE, REBOOT = "immediate", "pending-reboot"
models.DBParameterGroup.event_source_type = "db-parameter-group"  # type: ignore[attr-defined]


@action("rds", "CreateDBParameterGroup")
def create(request: Request) -> object:
    """Of a family that there is, under a name that is free."""
    asked, backend = request.parameters, request.backend
    name, family = asked["DBParameterGroupName"], asked["DBParameterGroupFamily"]
    _check_name("DBParameterGroupName", name)
    if family not in facts.families():
        raise InvalidParameterValue(f"ParameterGroupFamily {family} is not a valid parameter group family")
    if not asked["Description"]:
        raise InvalidParameterValue("The parameter Description must be provided and must not be blank.")
    _require_free(backend, name)
    return MOTO


@action("rds", "CopyDBParameterGroup")
def copy(request: Request) -> dict[str, Any]:
    """The values of a group that is no default one, in a new one of its family."""
    asked, backend, here = given(request), request.backend, request.moto
    own = f"arn:{here.partition}:rds:{here.region}:{here.current_account}:pg:"
    source, name = asked["SourceDBParameterGroupIdentifier"].removeprefix(own), asked["TargetDBParameterGroupIdentifier"]
    _check_name("TargetDBParameterGroupIdentifier", name)
    found = backend.parameter_group(source)
    if found.name.startswith("default."):
        raise InvalidParameterValue("Default DB parameter groups cannot be copied: create a new one of the family.")
    _require_free(backend, name)
    told = asked["TargetDBParameterGroupDescription"], found.family, asked.get("Tags")
    made: Any = models.DBParameterGroup(backend, name, *told)  # type: ignore[abstract]
    made.update_parameters(found.parameters.values())
    backend.db_parameter_groups[made.name] = made
    return {"DBParameterGroup": made}


def _check_name(parameter: str, name: str) -> None:
    if not re.fullmatch(LIMITS["parameter_group"], name):
        raise InvalidParameterValue(f"The parameter {parameter} is not a valid identifier: {name}")


def _require_free(backend: Any, name: str) -> None:
    if name.lower() in backend.db_parameter_groups:
        raise exceptions.DBParameterGroupAlreadyExistsError(name)


@action("rds", "DescribeDBParameterGroups")
def describe(request: Request) -> dict[str, Any]:
    """One, or all."""
    asked, backend = given(request), request.backend
    name = asked.get("DBParameterGroupName")
    found = [backend.parameter_group(name)] if name else sorted(backend.db_parameter_groups.values(), key=lambda each: each.name)
    return paged({"DBParameterGroups": found}, asked)


@action("rds", "DeleteDBParameterGroup")
def delete(request: Request) -> object:
    """Neither a default one nor one in use."""
    group = request.backend.parameter_group(request.parameters["DBParameterGroupName"])
    if group.name.startswith("default."):
        raise RDSClientError("InvalidDBParameterGroupState", f"Default DBParameterGroup cannot be deleted: {group.name}")
    if _users(request, group) or group.name in [each.pending.get("DBParameterGroupName") for each in request.backend.instances()]:
        message = f"One or more database instances are still members of this parameter group {group.name}"
        raise RDSClientError("InvalidDBParameterGroupState", f"{message}, so the group cannot be deleted")
    return MOTO


def _users(request: Request, group: Any) -> list[Any]:
    return [each for each in request.backend.instances() if each.parameter_group_name == group.name]


@action("rds", "DescribeDBParameters")
def describe_parameters(request: Request) -> dict[str, Any]:
    """Those of the engine, with the values of the group."""
    asked = given(request)
    group, source = request.backend.parameter_group(asked["DBParameterGroupName"]), asked.get("Source")
    if source not in (None, "user", "system", "engine-default"):
        raise InvalidParameterValue(f"Invalid source: {source}. Valid values: user, system, engine-default")
    rows = [_row(each, group.parameters.get(each.name)) for each in _chosen(asked, _parameters(request, group.family))]
    return paged({"Parameters": [row for row in rows if source in (None, row["Source"])]}, asked)


@action("rds", "DescribeEngineDefaultParameters")
def describe_defaults(request: Request) -> dict[str, Any]:
    """Those of a family, whether it has a group or not."""
    asked = given(request)
    family = asked["DBParameterGroupFamily"]
    if family not in facts.families():
        raise InvalidParameterValue(f"ParameterGroupFamily {family} is not a valid parameter group family")
    page = paged({"Parameters": [_row(each, None) for each in _chosen(asked, _parameters(request, family))]}, asked)
    return {"EngineDefaults": {"DBParameterGroupFamily": family, **page}}


def _chosen(asked: Mapping[str, Any], known: Mapping[str, Parameter]) -> list[Parameter]:
    wanted = filters(asked, ("parameter-name",)).get("parameter-name", known)
    return [each for each in known.values() if each.name in wanted]


def _parameters(request: Request, family: str) -> dict[str, Parameter]:
    return engine_parameters.of(_programs(request, family), _major(family))


def _major(family: str) -> int:
    return int(family.removeprefix("postgres"))


def _programs(request: Request, family: str) -> Programs:
    return request.host.pools.majors.nearest(_major(family))


def _row(parameter: Parameter, set_to: Mapping[str, str] | None) -> dict[str, Any]:
    source = "user" if set_to else "system" if parameter.value is not None else "engine-default"
    return {
        "ParameterName": parameter.name,
        "ParameterValue": set_to["ParameterValue"] if set_to else parameter.value,
        "Description": parameter.description,
        "Source": source,
        "ApplyType": "static" if parameter.static else "dynamic",
        "DataType": parameter.kind,
        "AllowedValues": parameter.allowed or None,
        "IsModifiable": parameter.modifiable,
        "ApplyMethod": set_to["ApplyMethod"] if set_to else REBOOT,
    }


@action("rds", "ModifyDBParameterGroup")
def modify(request: Request) -> dict[str, Any]:
    """Checked as a whole before anything is changed."""
    group, asked = _own(request), request.parameters["Parameters"]
    if not asked:
        raise InvalidParameterValue("At least one parameter must be given, with its value and apply method.")
    known = _parameters(request, group.family)
    for each in asked:
        _check(known, each, given_value=True)
        _check_libraries(_programs(request, group.family), each)
    for each in asked:
        group.parameters[each["ParameterName"]] = dict(each)
        events.say(group, "parameter", name=each["ParameterName"], value=each["ParameterValue"], method=each["ApplyMethod"])
    _announce(request, group, known, asked)
    return {"DBParameterGroupName": group.name}


@action("rds", "ResetDBParameterGroup")
def reset(request: Request) -> dict[str, Any]:
    """Some parameters, or all, to their defaults; all where none is named (AWS CLI, the examples of reset-db-parameter-group)."""
    group, asked = _own(request), request.parameters.get("Parameters") or []
    if request.parameters.get("ResetAllParameters", not asked) is bool(asked):
        raise InvalidParameterCombination("Either ResetAllParameters or a list of Parameters must be given.")
    known = _parameters(request, group.family)
    for each in asked:
        _check(known, each, given_value=False)
    soonest = {name: REBOOT if known[name].static else IMMEDIATE for name in group.parameters}
    asked = asked or [{"ParameterName": name, "ApplyMethod": method} for name, method in soonest.items()]
    for each in asked:
        group.parameters.pop(each["ParameterName"], None)
    _announce(request, group, known, asked)
    return {"DBParameterGroupName": group.name}


def _own(request: Request) -> Any:
    if len(request.parameters.get("Parameters") or ()) > (most := LIMITS["parameters_per_request"]):
        raise InvalidParameterValue(f"At most {most} parameters can be modified in one request.")
    group = request.backend.parameter_group(request.parameters["DBParameterGroupName"])
    if group.name.startswith("default."):
        raise InvalidParameterValue("Cannot modify a default parameter group.")
    return group


def _check(known: Mapping[str, Parameter], asked: Mapping[str, str], *, given_value: bool) -> None:
    name, method = asked.get("ParameterName"), asked.get("ApplyMethod")
    if not name or not method or (given_value and "ParameterValue" not in asked):
        raise InvalidParameterValue("ParameterName, ParameterValue and ApplyMethod must be given of each parameter.")
    parameter = engine_parameters.find(known, name)
    if given_value:
        parameter.check(asked["ParameterValue"])
    if parameter.static and method == IMMEDIATE:
        raise InvalidParameterCombination(f"cannot use immediate apply method for static parameter {name}")


def _check_libraries(programs: Programs, asked: Mapping[str, str]) -> None:
    """A server that is to preload what it does not have would not start, or let nobody in."""
    if not asked["ParameterName"].endswith("_preload_libraries"):
        return
    for name in filter(None, map(str.strip, asked["ParameterValue"].split(","))):
        if not programs.has_library(name):
            raise NotInSandbox(f"the library {name} is not in the sandbox")


def _announce(request: Request, group: Any, known: Mapping[str, Parameter], asked: Iterable[Mapping[str, str]]) -> None:
    """What can be changed at once reaches the servers; the rest waits until they are rebooted."""
    now = [each["ParameterName"] for each in asked if each["ApplyMethod"] == IMMEDIATE]
    later = [each["ParameterName"] for each in asked if each["ApplyMethod"] != IMMEDIATE]
    for instance in _users(request, group):
        kept = {name: value for name, value in instance.parameters.items() if name not in now}
        instance.parameters = kept | {name: value for name, value in values(group).items() if name in now}
        if now and instance.machine.serving:
            reload(instance)
        if later:
            instance.parameter_apply_status = REBOOT
        instance.say("reparametrized")


def values(group: Any) -> dict[str, str]:
    """The values that a group sets, by name."""
    return {name: each["ParameterValue"] for name, each in group.parameters.items()}


def prepare(instance: Any, server: Server) -> None:
    """Before a server starts: give it all values of the group."""
    instance.parameters, instance.parameter_apply_status = values(instance.db_parameter_groups()[0]), "in-sync"
    found, known = _evaluated(instance), _known(instance, server)
    if instance.source:  # a standby with less than its source would not replay
        less = {name: instance.source.machine.running_server().settings.get(name, "0") for name in STANDBY if name in found}
        found |= {name: max(found[name], value, key=int) for name, value in less.items()}
    static = {name: value for name, value in found.items() if name in known and known[name].static}
    static |= {"wal_level": "logical"} if found.get("rds.logical_replication") == "1" else {}
    instance.base_settings = instance.base_settings or dict(server.settings)
    server.settings = {**instance.base_settings, **{name: value for name, value in static.items() if not name.startswith("rds.")}}
    if server.data.exists():
        _write(instance, server, found, known)


def _known(instance: Any, server: Server) -> Mapping[str, Parameter]:
    """The parameters of its version; asked of the server where there are values only, since that takes a second once."""
    return engine_parameters.of(server.programs, facts.major(instance.engine_version)) if instance.parameters else {}


def reload(instance: Any) -> None:
    """Give the running server what can be changed while it runs."""
    server = instance.machine.running_server()
    _write(instance, server, _evaluated(instance), _known(instance, server))
    server.process.send_signal(signal.SIGHUP)


def _evaluated(instance: Any) -> dict[str, str]:
    """The values for the server, with what formulas come to, and no more than a server here may have.

    What the class has no room for starts on no machine (User Guide, "Working with parameters on your RDS for PostgreSQL DB
    instance").
    """
    size = facts.instance_classes()[instance.db_instance_class]
    variables = {
        "DBInstanceClassMemory": size.memory << 30,
        "DBInstanceVCPU": size.vcpus,
        "AllocatedStorage": instance.allocated_storage << 30,
        "EndPointPort": instance.port,
    }
    formulas = {name: value for name, value in instance.parameters.items() if engine_parameters.is_formula(value)}
    worked_out = {name: str(engine_parameters.evaluate(value, variables)) for name, value in formulas.items()}
    found = {**instance.parameters, **worked_out}
    if found.get("huge_pages", "").lower() == "on":
        found["huge_pages"] = "try"  # where this machine has none set aside
    if int(found.get("shared_buffers", 0)) * PAGE > variables["DBInstanceClassMemory"]:
        raise DidNotStart("could not map anonymous shared memory: Cannot allocate memory")  # as PostgreSQL says it
    most = facts.tables()["parameters"]["most"]
    over = {name: value for name, value in found.items() if name in most and int(value) > most[name]}
    instance.reduced = {name: f"{most[name]} of {value}" for name, value in over.items()}
    return {**found, **{name: str(most[name]) for name in over}}


def _write(instance: Any, server: Server, found: Mapping[str, str], known: Mapping[str, Parameter]) -> None:
    """The dynamic ones, in a file that the server's account can read; static ones stand on its command line."""
    first = "default_transaction_read_only = on\n" if instance.read_only else ""  # the group's own value comes after it
    path = server.data / PARAMETERS
    quoted = {name: value.replace("'", "''") for name, value in found.items() if name in known and not known[name].static}
    path.write_text(first + "".join(f"{name} = '{value}'\n" for name, value in quoted.items()))
    os.chown(path, server.programs.account.uid, server.programs.account.gid)
