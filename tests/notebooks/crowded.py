"""`python -m tests.notebooks.crowded NUMBER`: one target's notebooks and verbs leave all else alone, in a crowded account.

It is one account, and NUMBER more that are drawn. Exits with 1, and hypothesis's account of the one in which they do not.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, event, example, given, seed, settings
from hypothesis import strategies as some

from cruddur_ops import cli, errors, progress
from cruddur_ops.database import connection
from rds_sandbox import Sandbox, sandbox
from tests.notebooks.account import differences, everything
from tests.notebooks.in_process import Notebooks

TARGETS = """\
[local]
sandbox = true
[neighbour]
sandbox = true
db_instance_identifier = "cruddur-db-instance-staging"
user_pool_name = "cruddur-user-pool-staging"
"""
# What the runbook makes for `local` is called so, or begins so.
NAMES = (
    "cruddur-db-instance", "cruddur-db-instance-drill-restored", "cruddur-db-instance-stop", "cruddur-user-pool",
    "cruddur-db-instance-post-confirmation", "drill-snapshot",
)  # fmt: skip
# What `local` calls what it makes, but for the instance, whose name means that one: others may have had it first.
TAKEN = (
    "cruddur-db-instance-access", "cruddur-db-instance-post-confirmation", "cruddur-db-instance-stop", "cruddur-user-pool",
)  # fmt: skip
TAGS = ({"ManagedBy": "cruddur-ops"}, {"ManagedBy": "cruddur-ops", "Project": "cruddur", "Owner": getpass.getuser()})
# How a failure begins that says in a sentence what is in the way: of a notebook, and of a verb.
REFUSALS = (*(f"{name}:" for name, found in vars(errors).items() if isinstance(found, type)), "SystemExit:")
MAKING = ("00", "01", "02", "03", "04", "05", "06")
# What is done to the target after that, each in an order of its own: notebooks by number, verbs by their words.
WORKS: tuple[Sequence[str], ...] = (
    ("08", "10"),
    ("07", "10"),
    ("security-group open", "users sync", "rds stop --keep --force", "rds start", "rds teardown --final-snapshot none"),
    ("rds snapshot mine", "rds restore --snapshot mine copy", "rds delete copy", "db roles", "10"),
)


@dataclass(frozen=True)
class World:
    """An account before the target comes.

    Attributes:
        like: the names that others have names like.
        tags: those of ours that half of the others' resources carry.
        neighbour: whether another target of ours is there, complete.
        realistic: whether AWS answers late.
        seed: of the crowd and of what goes wrong.
        taken: the names of ours that others have already.
        default_vpc: whether there is one; else the target names a DB subnet group of the others.
    """

    like: tuple[str, ...]
    tags: dict[str, str]
    neighbour: bool
    realistic: bool
    seed: int
    taken: tuple[str, ...] = ()
    default_vpc: bool = True


WORLDS = some.builds(
    World,
    some.lists(some.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(tuple),
    some.sampled_from(TAGS),
    some.booleans(),
    some.booleans(),
    some.integers(0, 999_999),
    some.lists(some.sampled_from(TAKEN), max_size=2, unique=True).map(tuple),
    some.booleans(),
)


def run(shell: Notebooks, work: str) -> str:
    """Run a notebook or a verb; what it failed with."""
    if work.isdecimal():
        return "".join(shell.run(work).values())
    with contextlib.redirect_stderr(io.StringIO()):
        done = CliRunner().invoke(cli.main, work.split(), catch_exceptions=True)
    connection.close_sessions()
    return "" if done.exit_code == 0 else f"{type(done.exception).__name__}: {done.exception}: {done.output}"


def check(it: Sandbox, shell: Notebooks, world: World, works: Sequence[str]) -> None:
    """Make the world, do the works, and compare."""
    client = functools.cache(functools.partial(it.client, config=Config(user_agent_extra="rds-sandbox-at-once")))
    it.reset()
    it.simulate("ideal")
    # Under our very name, ManagedBy alone would say that an earlier version made it, which 01 claims.
    labels = {key: value for key, value in world.tags.items() if not (world.taken and key == "ManagedBy")}
    tags = ",".join(f"{key}={value}" for key, value in labels.items())
    if not world.default_vpc:
        delete_default_vpc(client("ec2"))
    os.environ["CRUDDUR_DB_SUBNET_GROUP_NAME"] = "" if world.default_vpc else "others-1"
    it.simulate("crowd", like=",".join(world.like), exactly=",".join(world.taken), tags=tags, seed=world.seed)
    if world.neighbour:
        failed = shell.run("01", "02", "03", "05", target="neighbour")
        assert not any(failed.values()), failed
    before = everything(client)
    if world.realistic:
        it.simulate("realistic", seed=world.seed)
    for work in (*MAKING, *works):
        failure = run(shell, work)
        refused = world.taken and failure.startswith(REFUSALS)
        failures = [failure] if failure and not refused else differences(before, everything(client))
        print(work, failure, *failures, sep="\n  ", file=sys.stderr, flush=True)
        assert [] == failures, work
    event(f"{works[0]}, realistic {world.realistic}, neighbour {world.neighbour}, taken {len(world.taken)}")


def delete_default_vpc(ec2: Any) -> None:
    """As whoever set the account up did."""
    [vpc] = [one["VpcId"] for one in ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    [gateway] = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)


@contextlib.contextmanager
def targets() -> Iterator[None]:
    """Two targets in one account and region."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "targets.toml"
        file.write_text(TARGETS)
        os.environ["CRUDDUR_TARGETS"] = str(file)
        yield


def main() -> None:
    """Check as many worlds as are asked for, on one sandbox."""
    progress.FIRST_PAUSE_SECONDS, progress.LONGEST_PAUSE_SECONDS = 0.05, 0.5
    shell = Notebooks()
    with sandbox() as it, it.exported(), targets():
        phases = [Phase.explicit, Phase.generate] if int(sys.argv[1]) else [Phase.explicit]

        @seed(0)
        @settings(
            max_examples=int(sys.argv[1]) or 1, deadline=None, database=None, phases=phases,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @example(World(NAMES[:2], TAGS[-1], neighbour=True, realistic=True, seed=0), ("08", "10"))
        @example(
            World(NAMES[:1], TAGS[-1], neighbour=False, realistic=False, seed=0, taken=TAKEN, default_vpc=False), ("08", "10")
        )
        @given(WORLDS, some.sampled_from(WORKS))
        def all_else_stays(world: World, works: Sequence[str]) -> None:
            print(world, works, file=sys.stderr, flush=True)
            check(it, shell, world, works)

        all_else_stays()


if __name__ == "__main__":
    main()
