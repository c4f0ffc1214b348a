"""A role with one inline policy: as it was made, so it is found, and so it goes."""

from __future__ import annotations

from cruddur_ops import calls, roles, tags
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="x")


def test_a_role_is_found_as_it_was_made(account: str) -> None:
    """Its documents are compared by content: IAM gives them back as they were given."""
    principal = {"Service": "scheduler.amazonaws.com"}
    trust = roles.document([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])
    wanted = roles.document([{"Effect": "Allow", "Action": "rds:StopDBInstance", "Resource": "*"}])
    assert roles.find(TARGET, "x-stop", "own") is None
    for call in (roles.creation(TARGET, "x-stop", trust, "Stops x", days=0), roles.put_policy("x-stop", "own", wanted)):
        calls.send(TARGET, call)
    found, bare = roles.find(TARGET, "x-stop", "own"), roles.find(TARGET, "x-stop", "theirs")
    assert found
    assert bare
    assert (trust, wanted, {}) == (found.trust, found.policy, bare.policy)
    assert (True, False) == (tags.ours(TARGET, found.tags), "Expires" in found.tags)
    for call in roles.deletion("x-stop", "own"):
        calls.send(TARGET, call)
    assert roles.find(TARGET, "x-stop", "own") is None
