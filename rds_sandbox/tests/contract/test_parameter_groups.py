"""DB parameter groups and subnet groups, held to what AWS documents, through boto3 and psycopg.

RDS User Guide, "Parameter groups for Amazon RDS"; RDS API Reference, the errors of each action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.instance import create, messages, open_group, refused, run, statuses
from tests.support import Client, reset, wait_for, wait_until, wanted

VALUE, COMBINATION, STATE = "InvalidParameterValue", "InvalidParameterCombination", "InvalidDBParameterGroupState"
GROUP = {"DBParameterGroupName": "tuned"}


@pytest.fixture(scope="module")
def group(sandbox: Mapping[str, str], rds: Client) -> Iterator[None]:
    """A parameter group of the instance's family, in a sandbox that holds nothing else."""
    reset(sandbox)
    rds.create_db_parameter_group(**GROUP, DBParameterGroupFamily="postgres18", Description="test")
    yield
    reset(sandbox)


@pytest.fixture(scope="module")
def instance(rds: Client, ec2: Client, group: None) -> dict[str, Any]:
    """An instance that has the group from its beginning, with a static and a dynamic value in it."""
    change(rds, max_connections="LEAST({DBInstanceClassMemory/9531392},5000)", shared_buffers="{DBInstanceClassMemory/32768}")
    change(rds, work_mem="8192", method="immediate")
    return create(rds, "tuned", open_group(ec2), **GROUP)


def change(rds: Client, *, method: str = "pending-reboot", **values: str) -> None:
    """Set parameters of the group; a dot in a name is written as two underscores."""
    asked = [
        {"ParameterName": name.replace("__", "."), "ParameterValue": value, "ApplyMethod": method}
        for name, value in values.items()
    ]
    rds.modify_db_parameter_group(**GROUP, Parameters=asked)


def shown(sandbox: Mapping[str, str], instance: Mapping[str, Any], name: str) -> str:
    """What the server says of a parameter."""
    value: str = run(sandbox, instance, f"SHOW {name}")[0][0]
    return value


def test_the_defaults_of_a_family(rds: Client) -> None:
    """Whether it has a group or not; among them the extensions that RDS has of that major, which nobody sets."""
    pages = rds.get_paginator("describe_engine_default_parameters")
    found = {
        family: {
            each["ParameterName"]: each
            for each in pages.paginate(DBParameterGroupFamily=family).search("EngineDefaults.Parameters")
        }
        for family in ("postgres16", "postgres18")
    }
    offered = {family: found[family]["rds.extensions"]["AllowedValues"].split(", ") for family in found}
    assert [True, False] == ["old_snapshot" in names for names in offered.values()]
    assert not found["postgres18"]["rds.extensions"]["IsModifiable"]
    assert VALUE == refused(rds.describe_engine_default_parameters, DBParameterGroupFamily="postgres1")


def status(rds: Client) -> str:
    """Whether the instance has the group's values."""
    found = rds.describe_db_instances(DBInstanceIdentifier="tuned")["DBInstances"][0]["DBParameterGroups"]
    assert ["tuned"] == [each["DBParameterGroupName"] for each in found]
    applied: str = found[0]["ParameterApplyStatus"]
    return applied


def test_a_new_instance_has_the_values(
    sandbox: Mapping[str, str], rds: Client, control: Callable[..., Any], instance: dict[str, Any]
) -> None:
    """Formulas are worked out by the class; of memory the server has no more than fits a laptop, and the status says so."""
    assert ("8MB", "112", "128MB") == tuple(
        shown(sandbox, instance, name) for name in ("work_mem", "max_connections", "shared_buffers")
    )
    assert "in-sync" == status(rds)
    [described] = control("GET", "/status")["DBInstances"]
    assert {"shared_buffers": "16384 of 32768"} == described["ReducedParameters"]


def test_dynamic_at_once_and_static_after_a_reboot(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """What waits for a reboot is pending-reboot until then; logical replication is one of them."""
    change(rds, log_min_duration_statement="250", statement_timeout="30000", log_error_verbosity="VERBOSE", method="immediate")
    assert wait_until(lambda: shown(sandbox, instance, "log_min_duration_statement") == "250ms")
    assert ("30s", "in-sync") == (shown(sandbox, instance, "statement_timeout"), status(rds))
    change(rds, timezone="Europe/Vienna", datestyle="ISO, DMY", application_name="theirs", method="immediate")
    change(rds, log_destination="stderr,csvlog", log_line_prefix="%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a", method="immediate")
    limit = "GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)"
    change(
        rds,
        maintenance_work_mem="sum({DBInstanceClassMemory/16384},-1024)",
        autovacuum_vacuum_cost_limit=limit,
        method="immediate",
    )
    change(rds, log_lock_waits="{DBInstanceVCPU} => 2", log_duration="{DBInstanceVCPU} > 2", method="immediate")
    assert wait_until(lambda: shown(sandbox, instance, "log_lock_waits") == "on")
    computed = ("maintenance_work_mem", "autovacuum_vacuum_cost_limit", "log_duration")
    assert ["63MB", "200", "off"] == [shown(sandbox, instance, name) for name in computed]
    names = ("timezone", "datestyle", "application_name", "log_destination")
    assert ["Europe/Vienna", "ISO, DMY", "theirs", "stderr,csvlog"] == [shown(sandbox, instance, name) for name in names]
    change(rds, rds__logical_replication="1", work_mem="16384", huge_pages="on")
    assert ("replica", "8MB", "pending-reboot") == (
        shown(sandbox, instance, "wal_level"), shown(sandbox, instance, "work_mem"), status(rds),
    )  # fmt: skip
    rds.reboot_db_instance(DBInstanceIdentifier="tuned")
    wait_for(rds, "tuned", "available")
    assert ("logical", "16MB", "in-sync") == (
        shown(sandbox, instance, "wal_level"), shown(sandbox, instance, "work_mem"), status(rds),
    )  # fmt: skip
    reset_ = [{"ParameterName": "statement_timeout", "ApplyMethod": "immediate"}]
    for wrong in ({"ResetAllParameters": True, "Parameters": reset_}, {"ResetAllParameters": False}):
        assert COMBINATION == refused(rds.reset_db_parameter_group, **GROUP, **wrong)
    rds.reset_db_parameter_group(**GROUP, Parameters=reset_)
    assert wait_until(lambda: shown(sandbox, instance, "statement_timeout") == "0")
    change(rds, statement_timeout="30000", method="immediate")
    rds.reset_db_parameter_group(**GROUP, ResetAllParameters=False, Parameters=reset_)
    assert wait_until(lambda: shown(sandbox, instance, "statement_timeout") == "0")
    assert VALUE == refused(rds.reset_db_parameter_group, **GROUP, ResetAllParameters=False, Parameters=reset_ * 21)


def test_parameters_of_libraries(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """They reach the server, which has them as they are described (PostgreSQL 18, appendix F)."""
    change(rds, pg_stat_statements__track="ALL", method="immediate")
    assert wait_until(lambda: shown(sandbox, instance, "pg_stat_statements.track") == "all")
    change(rds, shared_preload_libraries="auto_explain,pg_stat_statements", pg_stat_statements__max="1000")
    change(rds, auto_explain__log_min_duration="0", method="immediate")
    rds.reboot_db_instance(DBInstanceIdentifier="tuned")
    wait_for(rds, "tuned", "available")
    assert "1000" == shown(sandbox, instance, "pg_stat_statements.max")
    columns = "name, context = 'postmaster', coalesce(array_to_string(enumvals, ','), min_val || '-' || max_val, '0,1')"
    rows = run(sandbox, instance, f"SELECT {columns} FROM pg_settings WHERE name ~ '^(auto_explain|pg_stat_statements)'")
    pages = rds.get_paginator("describe_db_parameters").paginate(**GROUP)
    described = [each for each in pages.search("Parameters") if each["ParameterName"].startswith(("auto_", "pg_stat_s"))]
    found = {(each["ParameterName"], each["ApplyType"] == "static", each["AllowedValues"]) for each in described}
    assert not found.difference(rows)
    log = rds.describe_db_log_files(DBInstanceIdentifier="tuned")["DescribeDBLogFiles"][-1]["LogFileName"]
    assert "plan:" in rds.download_db_log_file_portion(DBInstanceIdentifier="tuned", LogFileName=log)["LogFileData"]


def test_force_ssl(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """It is dynamic."""
    change(rds, rds__force_ssl="0", method="immediate")
    run(sandbox, instance, "SELECT 1", sslmode="disable")
    change(rds, rds__force_ssl="1", method="immediate")


def test_the_parameters_are_the_engines(rds: Client, group: None) -> None:
    """With allowed values, type, apply type and source; RDS's own and the formulas of its defaults are among them."""
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="default.postgres18")
    found = {each["ParameterName"]: each for page in pages for each in page["Parameters"]}
    assert ("0-262143", "integer", "static", True) == facts(found["max_prepared_transactions"])
    assert ("0,1", "boolean", "static", True) == facts(found["rds.logical_replication"])
    assert facts(found["log_statement"]) == ("none,ddl,mod,all", "string", "dynamic", True)
    assert not found["fsync"]["IsModifiable"]
    only = [{"Name": "parameter-name", "Values": ["fsync"]}]
    filtered = rds.describe_db_parameters(DBParameterGroupName="default.postgres18", Filters=only)["Parameters"]
    assert [found["fsync"]] == filtered
    assert "LEAST({DBInstanceClassMemory/9531392},5000)" == found["max_connections"]["ParameterValue"]
    for name in ("application_name", "datestyle", "intervalstyle", "timezone"):
        assert ("string", "dynamic", True) == tuple(found[name][key] for key in ("DataType", "ApplyType", "IsModifiable"))
    assert ("engine-default", "system") == (found["log_statement"]["Source"], found["max_connections"]["Source"])


def facts(parameter: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is told of a parameter, beside its value."""
    return tuple(parameter[key] for key in ("AllowedValues", "DataType", "ApplyType", "IsModifiable"))


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("DBParameterGroupNotFound", {"DBParameterGroupName": "nowhere"}),
        (VALUE, {"DBParameterGroupName": "default.postgres18"}),
        (VALUE, {"ParameterName": "no_such_parameter"}),
        (VALUE, {"ParameterName": "fsync", "ParameterValue": "1"}),
        (VALUE, {"ParameterValue": "63"}),
        (VALUE, {"ParameterValue": "many"}),
        (VALUE, {"ParameterValue": "{DBInstanceClassMemory/os.getpid()}"}),
        (VALUE, {"ParameterValue": "{DBInstanceVCPU} > 2"}),
        ("NotInSandbox", {"ParameterName": "lc_messages", "ParameterValue": "de_AT.UTF-8"}),
        (VALUE, {"ParameterName": "log_statement", "ParameterValue": "some"}),
        (VALUE, {"ApplyMethod": "soon"}),
        (COMBINATION, {"ParameterName": "max_connections", "ParameterValue": "100"}),
        (VALUE, {"ParameterName": "shared_preload_libraries", "ParameterValue": "evil", "ApplyMethod": "pending-reboot"}),
        (
            "NotInSandbox",
            {"ParameterName": "shared_preload_libraries", "ParameterValue": "pg_cron", "ApplyMethod": "pending-reboot"},
        ),
        ("NotInSandbox", {"ParameterName": "rds.allowed_extensions", "ParameterValue": "*"}),
        ("NotInSandbox", {"ParameterName": "pgaudit.log", "ParameterValue": "ddl"}),
        ("NotInSandbox", {"ParameterName": "ssl_min_protocol_version", "ParameterValue": "TLSv1.3"}),
        (VALUE, {"ParameterName": "no_such_library.on", "ParameterValue": "1"}),
        (VALUE, {"ParameterValue": "\n8192"}),
        (VALUE, {"ParameterName": "log_line_prefix", "ParameterValue": "x'\nfsync = 'off"}),
        (VALUE, {"ParameterName": "log_line_prefix", "ParameterValue": "%m [%p] "}),
        (VALUE, {"ParameterName": "log_destination", "ParameterValue": "syslog"}),
        (VALUE, {"ParameterName": "log_filename", "ParameterValue": "mine.log"}),
        (VALUE, {"ParameterName": "log_rotation_age", "ParameterValue": "0"}),
        ("NotInSandbox", {"ParameterName": "session_preload_libraries", "ParameterValue": "nowhere"}),
        (VALUE, {"ParameterName": "rds.extensions", "ParameterValue": "hstore"}),
        (VALUE, {"ParameterName": "pg_stat_statements.max", "ParameterValue": "99", "ApplyMethod": "pending-reboot"}),
    ],
)
def test_what_is_refused_of_a_parameter(rds: Client, group: None, code: str, wrong: dict[str, str]) -> None:
    """An unknown group or parameter, a value out of range, one that cannot be changed, or not at once."""
    asked = {"ParameterName": "work_mem", "ParameterValue": "4096", "ApplyMethod": "immediate", **wrong}
    name = asked.pop("DBParameterGroupName", "tuned")
    assert code == refused(rds.modify_db_parameter_group, DBParameterGroupName=name, Parameters=[asked])
    assert VALUE == refused(rds.modify_db_parameter_group, **GROUP, Parameters=[])


def test_a_reset_of_the_whole_group(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """Of what is dynamic at once, of what is static after a reboot (API Reference, ResetDBParameterGroup)."""
    change(rds, lock_timeout="30000", method="immediate")
    assert wait_until(lambda: shown(sandbox, instance, "lock_timeout") == "30s")
    rds.reset_db_parameter_group(**GROUP)
    assert wait_until(lambda: shown(sandbox, instance, "lock_timeout") == "0")
    assert ("logical", "pending-reboot") == (shown(sandbox, instance, "wal_level"), status(rds))


def test_events(rds: Client, instance: dict[str, Any]) -> None:
    """Of the group each value, of its instances that they have them (User Guide, "DB parameter group events")."""
    change(rds, lock_timeout="1000")
    of_group, of_instance = messages(rds, "tuned", "db-parameter-group"), messages(rds, "tuned")
    assert "Updated parameter lock_timeout to 1000 with apply method pending-reboot" == of_group[-1]
    assert "Finished updating DB parameter group" == of_instance[-1]


def test_what_is_refused_of_a_group(rds: Client, instance: dict[str, Any]) -> None:
    """A name that is taken or none, a family that there is not or of another version, deleting one in use or a default one."""
    new = {"DBParameterGroupName": "another", "DBParameterGroupFamily": "postgres17", "Description": "test"}
    rds.create_db_parameter_group(**new)
    for code, wrong in (
        ("DBParameterGroupAlreadyExists", {}),
        (VALUE, {"DBParameterGroupName": "a--b"}),
        (VALUE, {"DBParameterGroupName": "other", "DBParameterGroupFamily": "postgres99"}),
    ):
        assert code == refused(rds.create_db_parameter_group, **{**new, **wrong}), wrong
    name = {"DBInstanceIdentifier": "tuned"}
    assert COMBINATION == refused(rds.modify_db_instance, **name, DBParameterGroupName="another")
    assert [STATE] * 2 == [
        refused(rds.delete_db_parameter_group, DBParameterGroupName=each) for each in ("tuned", "default.postgres18")
    ]
    rds.delete_db_parameter_group(DBParameterGroupName="another")
    with statuses(rds, "tuned", "available"):
        rds.modify_db_instance(**name, DBParameterGroupName="default.postgres18")
    [left] = rds.describe_db_instances(**name)["DBInstances"][0]["DBParameterGroups"]
    assert {"DBParameterGroupName": "default.postgres18", "ParameterApplyStatus": "pending-reboot"} == left
    assert "Updated to use DBParameterGroup default.postgres18" in messages(rds, "tuned")
    rds.delete_db_parameter_group(**GROUP)


def test_a_copy_of_a_group(rds: Client, group: None) -> None:
    """The values and the family, under its own name and tags; of no default group (API Reference, CopyDBParameterGroup)."""
    made = rds.create_db_parameter_group(DBParameterGroupName="origin", DBParameterGroupFamily="postgres17", Description="x")
    value = {"ParameterName": "work_mem", "ParameterValue": "4096", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="origin", Parameters=[value])
    label = {"Key": "Made", "Value": "here"}
    asked = {"TargetDBParameterGroupIdentifier": "copied", "TargetDBParameterGroupDescription": "copy", "Tags": [label]}
    arn = made["DBParameterGroup"]["DBParameterGroupArn"]
    found = rds.copy_db_parameter_group(SourceDBParameterGroupIdentifier=arn, **asked)["DBParameterGroup"]
    assert ("copied", "postgres17", "copy") == (
        found["DBParameterGroupName"], found["DBParameterGroupFamily"], found["Description"],
    )  # fmt: skip
    assert [label] == rds.list_tags_for_resource(ResourceName=found["DBParameterGroupArn"])["TagList"]
    rds.reset_db_parameter_group(DBParameterGroupName="origin")
    [kept] = rds.describe_db_parameters(DBParameterGroupName="copied", Source="user")["Parameters"]
    assert ("work_mem", "4096") == (kept["ParameterName"], kept["ParameterValue"])
    for code, source, wrong in (
        ("DBParameterGroupAlreadyExists", "origin", {}),
        ("DBParameterGroupNotFound", "nowhere", {"TargetDBParameterGroupIdentifier": "other"}),
        ("DBParameterGroupNotFound", arn.replace("ca-central-1", "us-west-2"), {"TargetDBParameterGroupIdentifier": "other"}),
        (VALUE, "default.postgres18", {"TargetDBParameterGroupIdentifier": "other"}),
        (VALUE, "origin", {"TargetDBParameterGroupIdentifier": "a--b"}),
        (VALUE, "origin", {"TargetDBParameterGroupDescription": ""}),
    ):
        assert code == refused(rds.copy_db_parameter_group, SourceDBParameterGroupIdentifier=source, **{**asked, **wrong}), wrong
    for name in ("origin", "copied"):
        rds.delete_db_parameter_group(DBParameterGroupName=name)


def test_subnet_groups(rds: Client, ec2: Client, instance: dict[str, Any]) -> None:
    """Two zones at least, no subnet twice, no taken name, nor "default"; one in use stays; a change keeps the rest."""
    found = sorted(ec2.describe_subnets()["Subnets"], key=lambda each: each["AvailabilityZone"])
    first, second, *_ = [each["SubnetId"] for each in found]
    new = {"DBSubnetGroupName": "private", "DBSubnetGroupDescription": "test", "SubnetIds": [first, second]}
    rds.create_db_subnet_group(**new)
    for code, wrong in (
        ("DBSubnetGroupAlreadyExists", {}),
        (VALUE, {"DBSubnetGroupName": "default"}),
        (VALUE, {"DBSubnetGroupName": "1st"}),
        ("DBSubnetGroupDoesNotCoverEnoughAZs", {"DBSubnetGroupName": "one", "SubnetIds": [first]}),
        (VALUE, {"DBSubnetGroupName": "twice", "SubnetIds": [first, first, second]}),
        ("InvalidSubnet", {"DBSubnetGroupName": "nowhere", "SubnetIds": [first, "subnet-0123456789abcdef0"]}),
    ):
        assert code == refused(rds.create_db_subnet_group, **{**new, **wrong}), wrong
    changed = rds.modify_db_subnet_group(DBSubnetGroupName="private", SubnetIds=[second, first])["DBSubnetGroup"]
    assert ("test", {second, first}) == (
        changed["DBSubnetGroupDescription"], {each["SubnetIdentifier"] for each in changed["Subnets"]},
    )  # fmt: skip
    assert "InvalidDBSubnetGroupStateFault" == refused(rds.delete_db_subnet_group, DBSubnetGroupName="default")
    assert VALUE == refused(rds.modify_db_subnet_group, DBSubnetGroupName="default", SubnetIds=[first, second])
    assert "DBSubnetGroupNotFoundFault" == refused(rds.modify_db_subnet_group, DBSubnetGroupName="nowhere", SubnetIds=[first])
    rds.delete_db_subnet_group(DBSubnetGroupName="private")


def test_an_instance_is_where_its_group_has_a_subnet(rds: Client, ec2: Client, group: None) -> None:
    """Unasked in one of its zones; in no other (API Reference, CreateDBInstance, InvalidVPCNetworkStateFault)."""
    found = {each["AvailabilityZone"]: each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]}
    away, *zones = sorted(found)
    ids = [found[zone] for zone in zones]
    rds.create_db_subnet_group(DBSubnetGroupName="zonal", DBSubnetGroupDescription="test", SubnetIds=ids)
    asked = wanted("zonal", DBSubnetGroupName="zonal")
    assert "InvalidVPCNetworkStateFault" == refused(rds.create_db_instance, **asked, AvailabilityZone=away)
    rds.create_db_instance(**asked)
    assert wait_for(rds, "zonal", "available")["AvailabilityZone"] in zones
    rds.delete_db_instance(DBInstanceIdentifier="zonal", SkipFinalSnapshot=True)


def test_whoever_deletes_as_he_turns_pages_misses_none(rds: Client, group: None) -> None:
    """What a page has shown, and is gone, takes nothing off the next."""
    for number in range(41):
        name = {"DBParameterGroupName": f"old-{number}"}
        rds.create_db_parameter_group(**name, DBParameterGroupFamily="postgres18", Description="test")
    for page in rds.get_paginator("describe_db_parameter_groups").paginate(PaginationConfig={"PageSize": 20}):
        for one in page["DBParameterGroups"]:
            if one["DBParameterGroupName"].startswith("old-"):
                rds.delete_db_parameter_group(DBParameterGroupName=one["DBParameterGroupName"])
    left = {one["DBParameterGroupName"] for one in rds.describe_db_parameter_groups()["DBParameterGroups"]}
    assert not [name for name in left if name.startswith("old-")]
