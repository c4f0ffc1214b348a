"""Each way in which a connection breaks is found at its rung, and at no other: break, diagnose, mend."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from click.testing import CliRunner
from psycopg import sql

from cruddur_ops import aws, database, network, rds
from cruddur_ops.cli import main
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.location import locate
from cruddur_ops.diagnosis.ladder import Ladder, State
from cruddur_ops.network.rules import rules_of
from cruddur_ops.rds import instances
from cruddur_ops.target import Target
from rds_sandbox import Sandbox
from tests.database.doors import tunnel
from tests.database.support import some
from tests.sandbox.support import Client, make_group, tcp, wait_for
from tests.unit.headless import until

NAME = "cruddur-db-instance"
OPERATOR = "203.0.113.10"


@dataclass(frozen=True)
class World:
    """What can be broken: a target that can be reached, and whatever is on the way."""

    target: Target
    sandbox: Sandbox
    rds: Client
    ec2: Client
    rule: dict[str, Any]  # that admits the operator
    acl: str
    table: str
    gateway: str

    @contextmanager
    def statement(self, broken: str, mended: str) -> Iterator[None]:
        """Run a statement as the master user, and another one in the end."""
        with connect(self.target, "postgres", autocommit=True) as connection:
            connection.execute(broken.encode())
            try:
                yield
            finally:
                connection.execute(mended.encode())

    def modify(self, name: str, value: Any, shown: Callable[[dict[str, Any]], bool]) -> None:
        """Change a setting of the instance, and wait until it is shown."""
        self.rds.modify_db_instance(DBInstanceIdentifier=NAME, **{name: value}, ApplyImmediately=True)
        until(lambda: shown(wait_for(self.rds, NAME, "available")))


@pytest.fixture(scope="module")
def world(module_target: Target, rds_sandbox: Sandbox) -> World:
    """An instance with the application's database and roles, and the rule for the operator."""
    ec2, target = rds_sandbox.client("ec2"), module_target
    rds.plan_both(target).apply()
    network.plan_access(target).apply()
    database.plan_create(target).apply()
    database.plan_roles(target).apply()
    session(target).close()
    found = instances.require(target)
    of_vpc = [{"Name": "vpc-id", "Values": [found.vpc_id]}]
    [rule] = rules_of(target, {"group-id": found.security_group_ids})
    acl = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"][0]["NetworkAclId"]
    table = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]
    gateway = next(route["GatewayId"] for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0")
    named = {"GroupId": rule.group_id, "IpPermissions": [rule.permission()]}
    return World(target, rds_sandbox, rds_sandbox.client("rds"), ec2, named, acl, table["RouteTableId"], gateway)


def failures(ladder: Ladder) -> list[str]:
    """The names of the rungs that failed; the first has a remedy, and no other."""
    failed = [rung for rung in ladder.rungs if rung.state is State.FAILED]
    assert [True, *[False] * len(failed[1:])][: len(failed)] == [bool(rung.remedy) for rung in failed]
    assert not any(rung.remedy for rung in ladder.rungs if rung not in failed)
    return [rung.name for rung in failed]


@contextmanager
def stale_name(world: World) -> Iterator[None]:
    """As for minutes after a rename."""
    world.sandbox.simulate("stale", identifier=NAME, seconds=60)
    yield
    world.sandbox.simulate("stale", identifier=NAME, seconds=0)


@contextmanager
def private(world: World) -> Iterator[None]:
    """Without a public address."""
    world.modify("PubliclyAccessible", False, lambda item: not item["PubliclyAccessible"])
    yield
    world.modify("PubliclyAccessible", True, lambda item: item["PubliclyAccessible"])


@contextmanager
def moved(world: World) -> Iterator[None]:
    """The operator has another address."""
    world.sandbox.simulate("address", address="198.51.100.7")
    yield
    world.sandbox.simulate("address", address=OPERATOR)


@contextmanager
def another_port(world: World) -> Iterator[None]:
    """The rule is for another port."""
    [permission] = world.rule["IpPermissions"]
    other = {**world.rule, "IpPermissions": [{**permission, "FromPort": 5433, "ToPort": 5433}]}
    world.ec2.revoke_security_group_ingress(**world.rule)
    world.ec2.authorize_security_group_ingress(**other)
    yield
    world.ec2.revoke_security_group_ingress(**other)
    world.ec2.authorize_security_group_ingress(**world.rule)


@contextmanager
def wrong_group(world: World) -> Iterator[None]:
    """The instance has another group than that with the rule."""
    before = instances.require(world.target).security_group_ids
    [empty] = [make_group(world.ec2, "empty")]
    world.modify("VpcSecurityGroupIds", [empty], lambda item: item["VpcSecurityGroups"][0]["VpcSecurityGroupId"] == empty)
    yield
    world.modify("VpcSecurityGroupIds", list(before), lambda item: item["VpcSecurityGroups"][0]["VpcSecurityGroupId"] in before)


def acl_entry(*, egress: bool, first: int, last: int) -> Callable[[World], AbstractContextManager[None]]:
    """A network ACL that denies these ports."""

    @contextmanager
    def denied(world: World) -> Iterator[None]:
        rule = {"NetworkAclId": world.acl, "RuleNumber": 50, "Egress": egress}
        ports = {"From": first, "To": last}
        world.ec2.create_network_acl_entry(**rule, Protocol="6", RuleAction="deny", CidrBlock="0.0.0.0/0", PortRange=ports)
        yield
        world.ec2.delete_network_acl_entry(**rule)

    return denied


@contextmanager
def no_route(world: World) -> Iterator[None]:
    """The subnets are private ones."""
    route = {"RouteTableId": world.table, "DestinationCidrBlock": "0.0.0.0/0"}
    world.ec2.delete_route(**route)
    yield
    world.ec2.create_route(**route, GatewayId=world.gateway)


@contextmanager
def expired(world: World) -> Iterator[None]:
    """The certificate has ended."""
    world.sandbox.simulate("certificate", identifier=NAME, days=-1)
    yield
    world.sandbox.simulate("certificate", identifier=NAME, days=365)


@contextmanager
def rotated(world: World) -> Iterator[None]:
    """The secret has another password than the server."""
    with connect(world.target, "postgres", autocommit=True) as connection:
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'another-password'")
        yield
        connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(locate(world.target).password))


def stated(broken: str, mended: str) -> Callable[[World], AbstractContextManager[None]]:
    """A statement that breaks, and one that mends."""
    return lambda world: world.statement(broken, mended)


READ_ONLY = "ALTER ROLE cruddurroot {} default_transaction_read_only"
BROKEN = {
    "a stale name": (stale_name, "name", "the name is stale"),
    "not public": (private, "public access", "is not publicly accessible -> open a tunnel"),
    "the operator moved": (moved, "security group", "no rule admits 198.51.100.7 to tcp 5432; of 1 the nearest, tcp 5432 from"),
    "another port": (another_port, "security group", "is for another port -> run 02_open_security_group"),
    "another group": (wrong_group, "security group", "a group that the instance does not have -> run 01_provision_rds"),
    "nothing in": (acl_entry(egress=False, first=5432, last=5432), "network ACL", "rule 50 decides -> allow tcp 5432 in"),
    "nothing out": (
        acl_entry(egress=True, first=40000, last=65535),
        "network ACL",
        "rule 50 decides -> allow tcp 1024-65535 out",
    ),
    "no route": (no_route, "route", "leads 203.0.113.10 nowhere -> add a route for 0.0.0.0/0"),
    "an old certificate": (expired, "TLS", "certificate has expired ("),
    "a rotated password": (rotated, "login", "its secret (active) was last changed"),
    "no connection left": (
        stated("ALTER DATABASE cruddur CONNECTION LIMIT 0", "ALTER DATABASE cruddur CONNECTION LIMIT -1"),
        "connections",
        "has no connection left for it",
    ),
    "read only": (stated(READ_ONLY.format("SET") + " = on", READ_ONLY.format("RESET")), "read only", "is on for this role"),
}


@pytest.mark.parametrize("name", some(BROKEN, *(BROKEN.keys() - {"another port", "nothing out"})))
def test_what_is_broken_is_found_at_its_rung(world: World, name: str) -> None:
    """And at no other; what lies behind it is unknown, and what AWS tells of it all the same is told."""
    break_, rung, said = BROKEN[name]
    with break_(world):
        ladder = network.diagnose(world.target)
    assert [rung] == failures(ladder), ladder
    assert ladder.first_failed is not None
    assert said in f"{ladder.first_failed.fact} -> {ladder.first_failed.remedy}"


WRONG = some(
    ("credentials", "instance", "TLS", "database", "pg_hba", "role", "name", "TCP", "login"),
    *("credentials", "instance", "database", "pg_hba", "role"),
)


def variants(world: World, folder: Path, name: str) -> Target:
    """The target as somebody has it who has something wrong."""
    found = locate(world.target)
    place = f"{found.host}:{found.port}/cruddur"
    other = folder / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    url = f"postgresql://{found.user}:{found.password}@{place}?sslmode=verify-full&sslrootcert={found.options['sslrootcert']}"
    wrong: dict[str, dict[str, Any]] = {
        "credentials": {"endpoint_url": "http://127.0.0.1:1"},
        "instance": {"db_instance_identifier": "nowhere"},
        "TLS": {"ssl_root_certificate": str(other)},
        "database": {"db_name": "nowhere"},
        "pg_hba": {"connection_url": f"postgresql://{found.user}@{place}?sslmode=disable"},
        "role": {"connection_url": url, "db_role": "nobody"},
        "name": {"connection_url": url.replace(found.host, "nowhere.invalid")},
        "TCP": {"connection_url": url.replace(f":{found.port}/", ":1/")},
        "your address": {"operator_address": "here"},
        "login": {"master_user_secret": "nowhere", "db_role": "cruddur_nobody"},
    }
    return replace(world.target, **wrong[name])


@pytest.mark.parametrize("rung", WRONG)
def test_a_wrong_setting_is_found_at_its_rung(world: World, tmp_path: Path, rung: str) -> None:
    """Through AWS and behind a connection URL."""
    ladder = network.diagnose(variants(world, tmp_path, rung))
    assert [rung] == failures(ladder), ladder


def test_a_variable_that_is_stale_is_found(world: World) -> None:
    """LOCAL_IP says where the operator was, and the rule is for that."""
    set_ = world.target.asking("environment LOCAL_IP", operator_address=OPERATOR)
    with moved(world):
        ladder = network.diagnose(set_)
    assert ["your address"] == failures(ladder), ladder
    assert "environment LOCAL_IP says 203.0.113.10, and the address service sees 198.51.100.7" in repr(ladder)


def test_an_address_that_nobody_knows(world: World, tmp_path: Path) -> None:
    """What depends on it is unknown; here the server answers all the same."""
    ladder = network.diagnose(variants(world, tmp_path, "your address"))
    assert ["security group", "network ACL", "route"] == [one.name for one in ladder.rungs if one.state is State.UNKNOWN]
    assert "'here' is set, which is no IP address; yet the server answers" in repr(ladder)


def test_a_tunnel_leaves_the_way_out(world: World) -> None:
    """Closed, it is the rung; no rule for an address would help."""
    found = instances.require(world.target)
    with tunnel(found.host, found.endpoint_port) as port:
        through = replace(world.target, tunnel_port=port)
        ladder = network.diagnose(through)
    assert (True, False) == (ladder.sound, "security group" in repr(ladder)), ladder
    closed = network.diagnose(through)
    assert ["TCP"] == failures(closed)
    assert "is behind a tunnel that is not open" in repr(closed)


def test_every_step_passes(world: World) -> None:
    """The verb says so by its exit code, too; one that fails is 1."""
    done = CliRunner().invoke(main, ["db", "diagnose", "--json"])
    told = json.loads(done.output)
    assert "by rds-ca-rsa2048-g1, until 2061-05-25" in next(one["fact"] for one in told["rungs"] if one["name"] == "TLS")
    assert (0, True, {"passed"}) == (done.exit_code, told["sound"], {rung["state"] for rung in told["rungs"]}), done.output
    with moved(world):
        broken = CliRunner().invoke(main, ["db", "diagnose"])
    assert (1, "connection to local: ends at security group") == (broken.exit_code, broken.output.splitlines()[0])


def test_what_lets_in_all_the_same_is_believed(world: World) -> None:
    """A prefix list that has the operator's address; and a wrong idea of one's address, where the server answers."""
    entries = [{"Cidr": "203.0.113.0/28"}]
    made = world.ec2.create_managed_prefix_list(PrefixListName="office", Entries=entries, MaxEntries=1, AddressFamily="IPv4")
    listed = tcp(5432, PrefixListIds=[{"PrefixListId": made["PrefixList"]["PrefixListId"]}])
    world.ec2.authorize_security_group_ingress(GroupId=world.rule["GroupId"], IpPermissions=[listed])
    world.ec2.revoke_security_group_ingress(**world.rule)
    through_list = network.diagnose(world.target)
    world.ec2.authorize_security_group_ingress(**world.rule)
    world.ec2.revoke_security_group_ingress(GroupId=world.rule["GroupId"], IpPermissions=[listed])
    assert "admitted by tcp 5432 from pl-" in repr(through_list)
    elsewhere = network.diagnose(replace(world.target, operator_address="203.0.113.99"))
    assert (True, True) == (through_list.sound, elsewhere.sound), elsewhere
    assert "yet the server answers, so you come another way" in repr(elsewhere)


def test_what_may_not_be_looked_at_is_unknown(world: World) -> None:
    """With the permission that is missing; everything else is told."""
    denied = {"Error": {"Code": "UnauthorizedOperation", "Message": ""}, "ResponseMetadata": {}}
    events = aws.client(world.target, "ec2").meta.events
    name, answer = "before-call.ec2.DescribeNetworkAcls", lambda **_: (SimpleNamespace(status_code=403), denied)
    events.register(name, answer)
    ladder = network.diagnose(world.target)
    events.unregister(name, answer)
    [rung] = [rung for rung in ladder.rungs if rung.state is not State.PASSED]
    assert ("network ACL", State.UNKNOWN, "") == (rung.name, rung.state, rung.remedy)
    assert rung.fact.startswith("AWS denies ec2:DescribeNetworkAcls (UnauthorizedOperation)")
    assert repr(ladder).startswith("connection to local: nothing failed, but network ACL could not be looked at")


@pytest.mark.thorough
def test_a_role_that_needs_a_token(world: World) -> None:
    """A password is refused that is right."""
    name = "EnableIAMDatabaseAuthentication"
    world.modify(name, True, lambda item: item["IAMDatabaseAuthenticationEnabled"])
    with world.statement("GRANT rds_iam TO cruddur_app", "REVOKE rds_iam FROM cruddur_app"):
        ladder = network.diagnose(replace(world.target, db_role="cruddur_app"))
    world.modify(name, False, lambda item: not item["IAMDatabaseAuthenticationEnabled"])
    assert ["login"] == failures(ladder), ladder
    assert "lets no password in" in repr(ladder)


@pytest.mark.thorough
def test_a_server_that_is_paused(world: World) -> None:
    """It has TCP, and says nothing more."""
    [found] = world.sandbox._ask("GET", "/_sandbox/status")["DBInstances"]
    server = int((Path(found["Logs"]).parent / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGSTOP)
    ladder = network.diagnose(world.target)
    os.kill(server, signal.SIGCONT)
    assert ["TCP"] == failures(ladder), ladder
    assert "fell silent: the server is paused or overloaded" in repr(ladder)


@pytest.mark.thorough
def test_an_instance_that_is_stopped(world: World) -> None:
    """Its status is the rung."""
    world.rds.stop_db_instance(DBInstanceIdentifier=NAME)
    wait_for(world.rds, NAME, "stopped")
    ladder = network.diagnose(world.target)
    world.rds.start_db_instance(DBInstanceIdentifier=NAME)
    wait_for(world.rds, NAME, "available")
    assert ["instance"] == failures(ladder)
    assert "start it with `cruddur-ops rds start`" in repr(ladder)


def verdicts(*words: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code of `rds diagnose`, and the state and remedy of each rung."""
    done = CliRunner().invoke(main, ["rds", "diagnose", "--json", *words])
    found = json.loads(done.stdout)["rungs"] if done.exit_code in (0, 1) and done.stdout else []
    return done.exit_code, {one["name"]: (one["state"], one["remedy"]) for one in found}


def test_what_an_upgrade_or_a_restore_would_end_at(world: World) -> None:
    """Nothing; a snapshot that is not there, after which nothing else is asked; a table in the way."""
    world.rds.create_db_snapshot(DBSnapshotIdentifier="kept", DBInstanceIdentifier=NAME)
    until(lambda: world.rds.describe_db_snapshots(DBSnapshotIdentifier="kept")["DBSnapshots"][0]["Status"] == "available")
    for words in (("--upgrade", "18"), ("--restore", "kept")):
        code, rungs = verdicts(*words)
        assert (0, {("passed", "")}) == (code, set(rungs.values())), rungs
    code, rungs = verdicts("--restore", "absent")
    assert (1, ("failed", "choose one that `cruddur-ops rds snapshots` lists")) == (code, rungs["snapshot"])
    assert ("unknown", "") == rungs["quota"]
    assert (2, {}) == verdicts() == verdicts("--upgrade", "18", "--restore", "kept")
    world.rds.delete_db_snapshot(DBSnapshotIdentifier="kept")
    wait_for(world.rds, NAME, "available")
    with world.statement("CREATE TABLE kept (what regproc)", "DROP TABLE kept"):
        code, rungs = verdicts("--upgrade", "18")
        assert (1, ["database"]) == (code, [name for name, (state, _) in rungs.items() if state == "failed"]), rungs
