"""A section for an instance that exists: nothing becomes a wish by being read."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import aws, targets
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.rds import adoption, instances
from cruddur_ops.rds.instances import described
from cruddur_ops.target import Target
from tests.unit.aws_state import created_instance
from tests.unit.test_rds import LEGACY, offer, planned
from tests.unit.test_restores import ITEM

GROUPS = {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0other"}, {"VpcSecurityGroupId": "sg-0third"}]}
FOUND = created_instance({**ITEM, "DBInstanceIdentifier": "legacy", "DBName": "app", "MasterUsername": "root"}, **LEGACY | GROUPS)
KEYS = {
    "region": "eu-west-1",
    "db_instance_identifier": "legacy",
    "db_name": "app",
    "master_username": "admin1",
    "port": 6543,
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A targets.toml with one section; RDS has one instance, called legacy."""
    path = tmp_path / "targets.toml"
    path.write_text("[prod]  # ours\n")
    monkeypatch.setenv("CRUDDUR_TARGETS", str(path))
    monkeypatch.setattr(aws, "caller_identity", lambda _: {"Account": "123456789012"})
    answers = {"legacy": described(FOUND), "mysql": replace(described(FOUND), engine="mysql")}

    def require(target: Target) -> instances.Instance:
        if target.db_instance_identifier not in answers:
            raise InstanceNotReady("there is none")
        return answers[target.db_instance_identifier]

    monkeypatch.setattr(instances, "require", require)
    return path


def test_what_identifies_it_are_keys(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file goes on as it was; the rest stands in comments, each of which is a setting with its present value."""
    monkeypatch.setenv("CRUDDUR_DB_INSTANCE_IDENTIFIER", "another")
    said = adoption.adopt("legacy", "old", region="eu-west-1", profile="", sandbox=False)
    text = file.read_text()
    assert text.startswith("[prod]  # ours\n")
    assert said == f"wrote to {file}:\n{text.removeprefix('[prod]  # ours' + chr(10))}"
    sections = tomllib.loads(text)
    assert ["prod", "old"] == list(sections)
    assert KEYS == {name: value for name, value in sections["old"].items() if name != "account_id"}
    for line in ('# db_instance_class = "db.r6g.large"', "# multi_az = true", "# backup_retention_period = 0", "# iops = 4000"):
        assert line in text.splitlines()
    assert "# tunnel_port = 6543  # it is not publicly accessible" in text
    assert '# master_user_secret = ""  # its master password is not RDS' in text


def test_every_comment_can_be_asked_for(file: Path) -> None:
    """Without its #, it is a setting as it is found: still nothing differs."""
    adoption.adopt("legacy", "old", region="eu-west-1")
    lines = file.read_text().splitlines()
    asked = [line.removeprefix("# ") for line in lines if not line.startswith(("# tunnel", "# master_user_secret"))]
    assert "sg-0other" == tomllib.loads("\n".join(asked))["old"]["security_group_id"]
    asked = [line for line in asked if not line.startswith(("account_id", "security_group_id"))]
    file.write_text("\n".join(asked))
    target = targets.load("old")
    assert all(target.asked(name) for name in ("multi_az", "iops", "kms_key_id", "log_exports", "manage_master_password"))
    plan = planned(target, FOUND, offered=offer(target, "15.4"))
    assert set() == {change.setting for change in plan.mutating if not change.setting.startswith("tag ")}


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (("legacy", "prod"), WrongInput, r"\[prod\] is in .* already: choose another name"),
        (("legacy", "x] y"), WrongInput, "a target cannot be called"),
        (("mysql", "old"), WrongInput, "mysql is a mysql instance"),
        (("missing", "old"), InstanceNotReady, "there is none"),
        (("two--hyphens", "old"), WrongInput, "db_instance_identifier cannot be"),
    ],
)
def test_what_is_not_adopted(given: Any, kind: type[Exception], message: str, file: Path) -> None:
    """Nothing is written."""
    with pytest.raises(kind, match=message):
        adoption.adopt(*given)
    assert "[prod]  # ours\n" == file.read_text()


def test_a_file_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence; another file may be named."""
    monkeypatch.setattr(adoption, "targets_file", lambda: file.parent)
    with pytest.raises(WrongInput, match="cannot be written .*CRUDDUR_TARGETS"):
        adoption.adopt("legacy", "old")
