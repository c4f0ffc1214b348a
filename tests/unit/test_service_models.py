"""Every AWS operation, parameter and error code of the package exists in botocore's service models."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

import cruddur_ops
from cruddur_ops import aws
from tests.unit import aws_calls
from tests.unit.aws_calls import Use, complaints, matched_codes, unknown_codes, uses

PACKAGE = Path(cruddur_ops.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
SAYING_WHAT = [path for path in MODULES if path != Path(aws.__file__)]  # aws.find and aws.pages are told


@functools.cache
def uses_in(path: Path) -> list[Use]:
    """The uses of AWS operations in a module."""
    return uses(path.read_text())


@functools.cache
def services() -> set[str]:
    """The services that the package calls."""
    return {use.service for path in MODULES for use in uses_in(path) if use.service}


def test_operations_and_parameters_exist() -> None:
    """Whatever a module calls is an operation of the service, with parameters that it has."""
    wrong = {path: [complaint for use in uses_in(path) for complaint in complaints(use)] for path in SAYING_WHAT}
    assert {} == {path: found for path, found in wrong.items() if found}


def test_error_codes_exist() -> None:
    """Whatever a module matches is an error code of a service that the package calls."""
    unknown = {path: unknown_codes(matched_codes(path.read_text()), services()) for path in MODULES}
    assert {} == {path: found for path, found in unknown.items() if found}


def test_the_package_is_seen() -> None:
    """The check sees the calls that the package is known to make, so that it is no check of nothing."""
    seen = {(use.service, use.name) for path in MODULES for use in uses_in(path)}
    expected = {
        ("rds", "create_db_instance"),
        ("rds", "modify_db_instance"),
        ("rds", "describe_db_instances"),
        ("rds", "describe_orderable_db_instance_options"),
        ("ec2", "create_security_group"),
        ("ec2", "authorize_security_group_ingress"),
        ("ec2", "modify_security_group_rules"),
        ("ec2", "revoke_security_group_ingress"),
        ("ec2", "create_tags"),
        ("pricing", "get_products"),
    }
    assert set() == expected - seen


def test_codes_of_denied_calls_are_seen() -> None:
    """The codes in the module of clients are among those that are checked."""
    assert (aws.DENIED | aws.UNKNOWN_CALLER) <= matched_codes(Path(aws.__file__).read_text())


FUNCTION = """
def describe(target):
    {}
"""
RIGHT = (
    'client(target, "rds").describe_db_instances(DBInstanceIdentifier="x")',
    'rds = aws.client(target, "rds"); rds.stop_db_instance(DBInstanceIdentifier=name)',
    'client(target, "ec2").get_paginator("describe_vpcs").paginate(Filters=[{"Name": "x", "Values": [y]}])',
    'p = client(target, "rds").get_paginator("describe_db_instances"); p.paginate(PaginationConfig={})',
    'Call("rds", "delete_db_instance", {"DBInstanceIdentifier": x, **more})',
    'what = {"Resources": [], "Tags": [{"Key": k} for k in x]}; Call("ec2", "create_tags", what)',
    'client(target, "rds").get_waiter("db_instance_available").wait(DBInstanceIdentifier=x)',
    'rds = client(target, "rds"); rds.exceptions.DBInstanceNotFoundFault',
    'aws.find(target, "rds", "describe_db_instances", "DBInstanceNotFound", DBInstanceIdentifier=x)',
    'aws.pages(target, "rds", "describe_db_instances")',
)
WRONG = (
    'client(target, "rds").describe_db_instance(DBInstanceIdentifier="x")',
    'client(target, "rds").describe_db_instances(DBInstanceIdentifer="x")',
    'rds = aws.client(target, "rds"); rds.stop_db_instances(DBInstanceIdentifier=name)',
    'rds, name = aws.client(target, "rds"), 1; rds.stop_db_instance(DBInstance=name)',
    'client(target, "ec2").get_paginator("describe_vpcs").paginate(Filters=[{"Name": "x", "Value": [y]}])',
    'pages = client(target, "rds").get_paginator("describe_db_instance"); pages.paginate()',
    'Call("rds", "delete_db_instance", {"DBInstanceIdentifier": x, "SkipFinalSnapshots": True})',
    'Call("rds", "remove_db_instance", {"DBInstanceIdentifier": x})',
    'Call("rds", operation, {"DBInstanceIdentifier": x})',
    'what = {"Resources": [], "Tags": [{"Name": k} for k in x]}; Call("ec2", "create_tags", what)',
    'what = [{"ResourceType": "security-group-rules"}]; client(target, "ec2").create_security_group(TagSpecifications=what)',
    'client(target, "rds").get_waiter("db_instance_stopped").wait(DBInstanceIdentifier=x)',
    'rds = client(target, "rds"); rds.exceptions.DBInstanceNotFound',
    'aws.find(target, "rds", "describe_db_instances", DBInstanceIdentifer=x)',
    'aws.pages(target, "rds", "describe_db_instance")',
)


@pytest.mark.parametrize("line", RIGHT)
def test_a_right_call_passes(line: str) -> None:
    """The check finds nothing wrong with a call as it should be."""
    found = uses(FUNCTION.format(line))
    assert 1 == len({use.kind for use in found})
    assert [] == [complaint for use in found for complaint in complaints(use)]


@pytest.mark.parametrize("line", WRONG)
def test_a_misspelt_call_is_found(line: str) -> None:
    """The check finds a misspelt operation, parameter, waiter, exception or constant."""
    assert 1 == len([complaint for use in uses(FUNCTION.format(line)) for complaint in complaints(use)])


@pytest.mark.parametrize(
    "line",
    [
        'if error_code(error) == "DBInstanceNotFond": pass',
        'if aws.error_code(error) in ("DBInstanceNotFound", "DBInstanceNotFond"): pass',
        'aws.find(target, "rds", "describe_db_instances", "DBInstanceNotFond")',
        'ABSENT_CODES = {"DBInstanceNotFond": 1}',
        'ABSENT_CODE: str = "DBInstanceNotFond"',
        'DENIED = frozenset({"DBInstanceNotFond"})',
    ],
)
def test_a_misspelt_error_code_is_found(line: str) -> None:
    """The check finds an error code that no service has, however it is written."""
    assert {"DBInstanceNotFond"} == unknown_codes(matched_codes(line), {"rds"})


def test_an_error_code_of_another_service_is_found() -> None:
    """A code that only a service has which is not called is a mistake, too."""
    assert {"ResourceNotFoundException"} == unknown_codes({"ResourceNotFoundException"}, {"rds"})


def test_wrong_values_are_found() -> None:
    """The validation of actual parameters finds types and missing members."""
    assert "" == aws_calls.invalid("rds", "delete_db_instance", {"DBInstanceIdentifier": "x"})
    assert "DBInstanceIdentifier" in aws_calls.invalid("rds", "delete_db_instance", {})


def test_a_use_says_where_it_is() -> None:
    """A complaint is found by its line."""
    assert [Use(3, "sts", "get_caller_identity")] == uses(FUNCTION.format('aws.client(target, "sts").get_caller_identity()'))
