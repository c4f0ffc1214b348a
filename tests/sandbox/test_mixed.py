"""Mixed verbs for minutes, where AWS answers late and calls fail at random: after each, everything is as a model says.

The model knows of each verb whether it is refused, and else what is there after it. A refused verb changes nothing; one that
a fault cut off is repeated, as its message asks, until it has come to its end. What failed is drawn again with the same seed.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from click.testing import CliRunner

from cruddur_ops import cognito
from cruddur_ops.cli import main
from cruddur_ops.cli.groups import Commands
from cruddur_ops.database import connection
from cruddur_ops.database.location import locate
from cruddur_ops.errors import OpsError
from cruddur_ops.rds.restores import sibling
from cruddur_ops.target import Target
from cruddur_ops.targets import load
from rds_sandbox import Sandbox
from tests.sandbox.faults import AFTER, BEFORE, Killed, Line, Strike, line
from tests.sandbox.support import Client, make_client
from tests.sandbox.world import DEPLOY, NAME, VERBS, Data, Server, Verb, World, replicas

__all__ = ["line"]
PATIENCE = 90.0  # seconds for which a verb is repeated, and an answer waited for
WRITE = "INSERT INTO activities (user_uuid, message) SELECT uuid, 'written' FROM users LIMIT 1"
EPISODE = 100  # draws


@click.command(cls=Commands, invoke_without_command=True)
@click.argument("_", nargs=-1)
def deploy(_: tuple[str, ...]) -> None:
    """What 05 applies."""
    for plan in (cognito.plan_pool, cognito.plan_identity, cognito.plan_function, cognito.plan_trigger):
        plan(load("local")).apply()


@dataclass
class Observer:
    """Looks at what is there, with plain clients and connections of its own."""

    sandbox: Sandbox

    def client(self, service: str) -> Client:
        """As anybody has one."""
        return make_client(self.sandbox.environment, service)

    def see(self, known: World) -> World:
        """The world as it is; what cannot be looked into is taken for what was known of it."""
        named = {"Filters": [{"Name": "group-name", "Values": [f"{NAME}-access"]}]}
        groups = self.client("ec2").describe_security_groups(**named)["SecurityGroups"]
        found = self.client("rds").describe_db_instances()["DBInstances"]
        taken = self.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        secrets = {one["Name"] for one in self.client("secretsmanager").list_secrets()["SecretList"]}
        return replace(
            known,
            servers={one["DBInstanceIdentifier"]: self._server(one, known) for one in found},
            snapshots={name: known.snapshots.get(name, Server()) for name in (one["DBSnapshotIdentifier"] for one in taken)},
            group=bool(groups),
            rule=any(rule["IpRanges"] for group in groups for rule in group["IpPermissions"]),
            app_secret=f"{NAME}/cruddur_app" in secrets,
            deployed=self._deployed(),
            scheduled=bool(self.client("scheduler").list_schedules()["Schedules"]),
            secret=known.secret or 1 if f"{NAME}/cruddurroot" in secrets else 0,
        )

    def _deployed(self) -> bool:
        pools = self.client("cognito-idp").list_user_pools(MaxResults=9)["UserPools"]
        functions = self.client("lambda").list_functions()["Functions"]
        assert len(pools) == len(functions) < 2, (pools, functions)
        return bool(pools)

    def _server(self, item: Mapping[str, Any], known: World) -> Server:
        name, kind = item["DBInstanceIdentifier"], item["DBInstanceClass"]
        expected = known.servers.get(name, Server())
        seen = replace(
            expected,
            status=item["DBInstanceStatus"],
            kind=item["PendingModifiedValues"].get("DBInstanceClass", kind),
            protected=item["DeletionProtection"],
            managed="MasterUserSecret" in item,
            source=item.get("ReadReplicaSourceDBInstanceIdentifier", ""),
            tagged={tag["Key"]: tag["Value"] for tag in item["TagList"]}["DBInstance"],
            backups=bool(item["BackupRetentionPeriod"]),
        )
        open_to_us = known.rule and seen == expected and seen.status == "available" and known.knows(seen)
        return replace(seen, **_inside(name)) if open_to_us and name == NAME else seen


def _inside(name: str) -> dict[str, Any]:
    """What its databases hold."""
    target = load("local")
    there = target if name == NAME else sibling(target, name)
    with closing(_connect(there, "postgres")) as server:
        made = {name for (name,) in server.execute("SELECT rolname FROM pg_roles")}
        roles = {"owner": "cruddur_owner" in made, "roles": "cruddur_app" in made}
        comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'cruddur'"
        found = server.execute(comment).fetchall()
    if not found:
        return {**roles, "data": None}
    with closing(_connect(there)) as database:
        data = Data("environment: local" in (found[0][0] or ""))
        if database.execute("SELECT to_regclass('users')").fetchall() == [(None,)]:
            return {**roles, "data": data}
        version, users = "SELECT max(version) FROM schema_migrations", "SELECT count(*) > 0 FROM users"
        written = "SELECT count(*) FROM activities WHERE message = 'written'"
        (held,) = database.execute(f"SELECT ({version}), ({users}), ({written})").fetchall()
    return {**roles, "data": Data(data.labelled, *held)}


def _connect(target: Target, database: str | None = None) -> psycopg.Connection[Any]:
    return psycopg.connect(**{"connect_timeout": 10, **locate(target, database).parameters}, autocommit=True)


class Player:
    """Types verbs, and compares what comes of each with the model."""

    def __init__(self, sandbox: Sandbox, line: Line, seed: int) -> None:
        """In an empty sandbox."""
        self.line, self.draw, self.world, self.observer = line, random.Random(seed), World(), Observer(sandbox)
        self.seen = self.world
        self.story: list[str] = []
        self.told: Counter[str] = Counter()
        sandbox.reset()
        sandbox.simulate("realistic", seed=seed)

    def play(self) -> None:
        """One verb, and what comes of it; now and then somebody writes to the database."""
        verb = self.draw.choice(VERBS)
        wanted = verb.after(self.world)
        silent = verb.words.startswith("db ") and not self.world.rule and "available" in str(self.world.servers.get(NAME))
        if wanted is None and (silent or self.draw.random() < 0.7):  # a firewall's silence takes long, and most are refused
            return
        strike = None
        if self.draw.random() < 0.3:
            strike = Strike(self.draw.randrange(20), "", self.draw.choice((*BEFORE, *AFTER)), False)
        self.story.append(f"{dict(verb.environment) or ''} {verb.words}, {strike or 'no fault'}")
        if self.draw.random() < 0.1:
            self._crash()
        code = self._type(verb, strike)
        self.told += Counter({"verbs": 1, "refused": int(wanted is None), "faults": int(bool(strike) and self.line.has_struck)})
        if wanted is None:
            assert code, f"{verb.words} was not refused"
        else:
            self.told["repeated"] += int(bool(code))
            self._repeat(verb, wanted, code)
            self.world = wanted
        self._compare(self.world)
        self.world = self.seen
        self._write()

    def _crash(self) -> None:
        """The servers die, as where memory has run out; RDS starts them again."""
        root = Path(self.observer.sandbox.environment["PGSSLROOTCERT"]).parent
        for file in root.glob("*/data/postmaster.pid"):
            with suppress(OSError, IndexError, ValueError):
                os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
                self.told["crashes"] += 1
                self.story.append("  a server crashes")

    def _repeat(self, verb: Verb, wanted: World, code: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while code and not self._is(wanted):
            assert time.monotonic() < deadline, f"{verb.words} comes to no end"
            time.sleep(0.3)
            code = self._type(verb, None)

    def _type(self, verb: Verb, strike: Strike | None) -> int:
        """The exit code; a failure is a sentence, whatever was struck."""
        with self.line.struck(strike) if strike else nullcontext():
            try:
                result = CliRunner().invoke(deploy if verb.words == DEPLOY else main, verb.words.split(), env=verb.environment)
            except Killed:
                self.story.append("  killed")
                return 137
            finally:
                connection.close_sessions()
        assert isinstance(result.exception, SystemExit | None), "".join(traceback.format_exception(result.exception))
        self.story.append(f"  {result.exit_code} {result.stderr.strip()}")
        assert not result.exit_code or result.stderr.strip(), result.output
        return result.exit_code

    def _is(self, wanted: World) -> bool:
        try:
            self.seen = self.observer.see(wanted)
            return self.seen == wanted
        except (ClientError, BotoCoreError, psycopg.OperationalError, OpsError, AssertionError):
            return False  # answers come late, or not

    def _compare(self, wanted: World) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is(wanted):
            assert time.monotonic() < deadline, f"expected {wanted}\nfound {self.observer.see(wanted)}"
            time.sleep(0.1)

    def _write(self) -> None:
        found = self.world.servers.get(NAME)
        open_to_us = found and found.status == "available" and self.world.rule and self.world.knows(found)
        if not (open_to_us and found and found.data and found.data.seeded) or self.draw.random() < 0.7:
            return
        with suppress(psycopg.OperationalError, OpsError), closing(_connect(load("local"))) as database:  # a late password
            database.execute(WRITE)
            self._written(found, found.data)

    def _written(self, found: Server, before: Data) -> None:
        data = replace(before, written=before.written + 1)
        changed = {NAME: replace(found, data=data)}
        changed |= {name: replace(self.world.servers[name], data=data) for name in replicas(self.world, NAME)}
        self.world = replace(self.world, servers={**self.world.servers, **changed})


@pytest.mark.thorough
def test_mixed_verbs(rds_sandbox: Sandbox, line: Line, pytestconfig: pytest.Config) -> None:
    """Every `EPISODE` verbs begin anew in an empty sandbox, with the next seed."""
    seed, until = int(pytestconfig.getoption("--mixed-seed")), time.monotonic() + 60 * float(pytestconfig.getoption("--mixed"))
    told: Counter[str] = Counter()
    with rds_sandbox.exported():
        while time.monotonic() < until:
            player = Player(rds_sandbox, line, seed)
            try:
                for _ in range(EPISODE):
                    player.play()
            except Exception as error:
                error.add_note("\n".join(["--mixed-seed", str(seed), *player.story]))
                raise
            finally:
                rds_sandbox.simulate("ideal")
                told += player.told
            seed += 1
    print(f"\nmixed verbs, seeds up to {seed - 1}: {dict(sorted(told.items()))}")
