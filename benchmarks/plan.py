"""How long it takes to see that nothing differs: our plan, and the describe calls of the AWS CLI that an engineer would type."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import ROUNDS, compare
from benchmarks.runs import sandbox
from cruddur_ops import aws, rds, targets

OPS = [sys.executable, "-m", "cruddur_ops"]
AWS = str(Path(sys.executable).with_name("aws"))
IDENTIFIER = "cruddur-db-instance"
# What the plan shows, asked for by hand: the instance, its group, the end of its support, what it costs.
PRICE = (("TERM_MATCH", "regionCode", "ca-central-1"), ("TERM_MATCH", "instanceType", "db.t4g.micro"))
DESCRIBES = (
    ("rds", "describe-db-instances", "--db-instance-identifier", IDENTIFIER),
    ("ec2", "describe-security-groups", "--filters", f"Name=group-name,Values={IDENTIFIER}-access"),
    ("rds", "describe-db-major-engine-versions", "--engine", "postgres", "--major-engine-version", "18"),
    (
        *("--region", "us-east-1", "pricing", "get-products", "--service-code", "AmazonRDS", "--filters"),
        *(f"Type={kind},Field={name},Value={value}" for kind, name, value in PRICE),
    ),
)


def lines(tiny: bool = False) -> Iterator[str]:
    """The comparison, then the number of API calls."""
    title, rounds = "rds modify --plan, nothing to do : describe calls of the AWS CLI", 1 if tiny else ROUNDS
    with sandbox():
        subprocess.run([*OPS, "rds", "modify"], check=True, capture_output=True)
        yield compare(title, ours, command_line, 0.5, rounds)
        yield calls()


def ours() -> float:
    """Seconds of `cruddur-ops rds modify --plan`, which must find nothing."""
    began = time.monotonic()
    subprocess.run([*OPS, "rds", "modify", "--plan"], check=True, capture_output=True)
    return time.monotonic() - began


def command_line() -> float:
    """Seconds of the AWS CLI's describe calls, one after the other."""
    began = time.monotonic()
    for arguments in DESCRIBES:
        subprocess.run([AWS, *arguments], check=True, capture_output=True)
    return time.monotonic() - began


def calls() -> str:
    """How many API calls the plan makes."""
    made: list[str] = []
    target = targets.load("local")
    for service in ("rds", "ec2", "pricing"):
        where = target if service != "pricing" else targets.load("local", region="us-east-1")
        aws.client(where, service).meta.events.register("before-call", lambda model, **_: made.append(model.name))
    plan = rds.plan_both(target)
    assert not plan.mutating
    return f"an unchanged plan makes {len(made)} API calls: {', '.join(made)}"
