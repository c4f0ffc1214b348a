"""Versions, aliases and policies of functions, and by which names they are called; through plain boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import code_of, deploy, invoke, make_role, package, settle, wanted
from tests.support import Client, make_client, reset, wait_until

SOURCE = """
    import json

    def handler(event, context):
        print(json.dumps([context.invoked_function_arn, context.function_version]))
        return [context.invoked_function_arn, context.function_version]
"""
ARN = "arn:aws:lambda:{}:123456789012:function:{}"
INVALID, CONFLICT, MISSING, STALE = (
    "InvalidParameterValueException", "ResourceConflictException", "ResourceNotFoundException", "PreconditionFailedException",
)  # fmt: skip
PERMISSION = {"StatementId": "own", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}


@pytest.fixture(scope="module")
def functions(sandbox: Mapping[str, str]) -> Client:
    """boto3's Lambda client, in an empty sandbox."""
    reset(sandbox)
    return make_client(sandbox, "lambda")


@pytest.fixture(scope="module")
def request_for(sandbox: Mapping[str, str], functions: Client) -> Callable[..., dict[str, Any]]:
    """Makes CreateFunction requests with a role and a runtime that will do."""
    role = make_role(make_client(sandbox, "iam"), "functions")
    return lambda name, **changes: wanted(name, role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], SOURCE, **changes)


@pytest.fixture(scope="module")
def name(functions: Client, request_for: Callable[..., dict[str, Any]]) -> str:
    """A function with the versions 1 and 2, and the aliases live and mixed, which lead to 1."""
    deploy(functions, request_for("many", Environment={"Variables": {}}))
    functions.publish_version(FunctionName="many")
    functions.update_function_configuration(FunctionName="many", Description="changed")
    settle(functions, "many")
    functions.publish_version(FunctionName="many")
    for alias in ("live", "mixed"):
        functions.create_alias(FunctionName="many", Name=alias, FunctionVersion="1")
    return "many"


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    """Code and message of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    return code_of(caught.value), caught.value.response["Error"]["Message"]


def policy(functions: Client, name: str, **given: Any) -> tuple[list[dict[str, Any]], str]:
    """The statements, and the revision."""
    found = functions.get_policy(FunctionName=name, **given)
    return json.loads(found["Policy"])["Statement"], found["RevisionId"]


def test_each_qualifier_has_a_policy(functions: Client, name: str) -> None:
    """One of the function, of a version and of an alias, with the same statement id (API Reference, AddPermission)."""
    arn, added = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"], []
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        assert MISSING == refused(functions.get_policy, FunctionName=name, **qualifier)[0]
        answer = functions.add_permission(FunctionName=name, **PERMISSION, **qualifier)
        assert 201 == answer["ResponseMetadata"]["HTTPStatusCode"]
        added.append(json.loads(answer["Statement"])["Resource"])
    known = [policy(functions, name), policy(functions, f"{name}:1"), policy(functions, name, Qualifier="live")]
    functions.remove_permission(FunctionName=name, StatementId="own", Qualifier="live")

    assert [arn, f"{arn}:1", f"{arn}:live"] == added == [statements[0]["Resource"] for statements, _ in known]
    assert 3 == len({revision for _, revision in known})
    assert (MISSING, "The resource you requested does not exist.") == refused(functions.get_policy, FunctionName=f"{name}:live")
    assert known[0] == policy(functions, name)


def test_change_of_a_policy_in_its_revision(functions: Client, name: str) -> None:
    """RevisionId is the policy's; before there is one, the alias's or the function's (API Reference, AddPermission)."""
    alias = functions.get_alias(FunctionName=name, Name="mixed")["RevisionId"]
    given = {"FunctionName": name, "Qualifier": "mixed"}
    functions.add_permission(**given, **PERMISSION, RevisionId=alias)
    stale = refused(functions.remove_permission, **given, StatementId="own", RevisionId=alias)
    functions.add_permission(
        **given, **{**PERMISSION, "StatementId": "two"}, RevisionId=policy(functions, **{"name": "many:mixed"})[1]
    )
    functions.remove_permission(**given, StatementId="own", RevisionId=policy(functions, "many:mixed")[1])

    assert STALE == stale[0]
    assert stale[1].endswith("Call the GetPolicy API to retrieve the latest Revision Id")
    assert ["two"] == [each["Sid"] for each in policy(functions, "many:mixed")[0]]


@pytest.mark.parametrize(
    ("principal", "shown"),
    [
        ("*", "*"),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:user/someone", {"AWS": "arn:aws:iam::123456789012:user/someone"}),
        ("sns.amazonaws.com", {"Service": "sns.amazonaws.com"}),
    ],
)
def test_principal_of_a_permission(functions: Client, name: str, principal: str, shown: object) -> None:
    """As IAM's policies name it (IAM User Guide, "AWS JSON policy elements: Principal")."""
    given = {**PERMISSION, "StatementId": "principal", "Principal": principal, "SourceAccount": "123456789012"}
    statement = json.loads(functions.add_permission(FunctionName=name, Qualifier="2", **given)["Statement"])
    functions.remove_permission(FunctionName=name, Qualifier="2", StatementId="principal")

    assert shown == statement["Principal"]
    assert {"StringEquals": {"AWS:SourceAccount": "123456789012"}} == statement["Condition"]


def test_permission_is_refused(functions: Client, name: str) -> None:
    """What is called must be there, and no $LATEST; what is removed too (API Reference, AddPermission, RemovePermission)."""
    add, remove = functions.add_permission, functions.remove_permission
    mismatch = refused(add, FunctionName=f"{name}:1", Qualifier="live", **PERMISSION)
    functions.add_permission(FunctionName=f"{name}:2", **PERMISSION)

    assert (INVALID, "The derived qualifier from the function name does not match the specified qualifier.") == mismatch
    assert INVALID == refused(add, FunctionName=name, Qualifier="$LATEST", **PERMISSION)[0]
    assert CONFLICT == refused(add, FunctionName=name, Qualifier="2", **PERMISSION)[0]
    missing = refused(add, FunctionName=name, Qualifier="none", **PERMISSION)
    assert (MISSING, f"Cannot find alias arn: {ARN.format(functions.meta.region_name, 'many:none')}") == missing
    unknown = refused(remove, FunctionName=name, Qualifier="2", StatementId="none")
    assert (MISSING, "Statement none is not found in resource policy.") == unknown
    none = refused(remove, FunctionName=name, Qualifier="live", StatementId="own")
    assert (MISSING, "No policy is associated with the given resource.") == none


def test_policy_of_an_alias_lets_in_to_the_alias_alone(
    sandbox: Mapping[str, str], functions: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """A topic that may call the alias does not run the function itself (Developer Guide, "Lambda function aliases")."""
    sns, logs = make_client(sandbox, "sns"), make_client(sandbox, "logs")
    arn = deploy(functions, request_for("guarded"))
    functions.publish_version(FunctionName="guarded")
    functions.create_alias(FunctionName="guarded", Name="live", FunctionVersion="1")
    functions.add_permission(FunctionName="guarded:live", **PERMISSION)
    topic = sns.create_topic(Name="guarded")["TopicArn"]
    for endpoint in (arn, f"{arn}:live"):
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=endpoint)

    def heard() -> list[Any]:
        known = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/guarded")["logGroups"]
        lines = logs.filter_log_events(logGroupName="/aws/lambda/guarded")["events"] if known else []
        return [json.loads(line["message"]) for line in lines if line["message"].startswith("[")]

    for _ in range(2):
        sns.publish(TopicArn=topic, Message="x")

    assert wait_until(lambda: len(heard()) == 2)
    assert [[f"{arn}:live", "1"]] * 2 == heard()


@pytest.mark.parametrize("operation", ["get_function", "get_policy", "invoke", "get_function_concurrency", "delete_function"])
def test_functions_elsewhere(functions: Client, name: str, operation: str) -> None:
    """An ARN of another region or account, a name with other characters, two qualifiers (API Reference, FunctionName)."""
    call, here = getattr(functions, operation), functions.meta.region_name
    elsewhere = refused(call, FunctionName=ARN.format("eu-west-3", name))

    assert (MISSING, f"Functions from 'eu-west-3' are not reachable in this region ('{here}')") == elsewhere
    assert (
        "AccessDeniedException" == refused(call, FunctionName=ARN.format(here, name).replace("123456789012", "210987654321"))[0]
    )
    code, message = refused(call, FunctionName=f"{name}!")
    assert "ValidationException" == code
    assert "at 'functionName' failed to satisfy constraint" in message
    if operation != "get_function_concurrency":
        assert INVALID == refused(call, FunctionName=f"{ARN.format(here, name)}:$LATEST", Qualifier="1")[0]


def test_what_is_called_is_named(functions: Client, name: str) -> None:
    """A version or an alias, in GetFunction and in the context object (Developer Guide, "Lambda context object in Python")."""
    arn = ARN.format(functions.meta.region_name, name)
    for qualifier, version in (("$LATEST", "$LATEST"), ("1", "1"), ("live", "1")):
        shown = functions.get_function(FunctionName=f"{arn}:{qualifier}")["Configuration"]
        assert (f"{arn}:{qualifier}", version) == (shown["FunctionArn"], shown["Version"])
        assert [f"{arn}:{qualifier}", version] == invoke(functions, name, Qualifier=qualifier)
    assert [arn, "$LATEST"] == invoke(functions, f"123456789012:function:{name}")
    with pytest.raises(ClientError) as caught:
        functions.get_function(FunctionName=f"{name}:none")
    assert ("User", f"Function not found: {arn}:none") == (caught.value.response["Type"], caught.value.response["Message"])


def test_lists_leave_states_out(functions: Client, name: str) -> None:
    """API Reference, ListFunctions: "doesn't return the State, StateReason, ..." fields; what is empty is shown where given."""
    listed = [*functions.list_functions()["Functions"], *functions.list_versions_by_function(FunctionName=name)["Versions"]]
    unwanted = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "RuntimeVersionConfig")

    assert not [key for each in listed for key in unwanted if key in each]
    assert {"Variables": {}} == functions.get_function_configuration(FunctionName=name)["Environment"]


def test_states_give_a_reason_and_a_revision(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """Each state is a revision, and so are tags and a publication (Developer Guide, "Lambda function states")."""
    functions.create_function(**request_for("states"))
    seen = [functions.get_function_configuration(FunctionName="states")]
    functions.get_waiter("function_active_v2").wait(FunctionName="states", WaiterConfig={"Delay": 0.05})
    seen.append(functions.get_function_configuration(FunctionName="states"))
    given = {"FunctionName": "states", "RevisionId": seen[-1]["RevisionId"]}
    pending = functions.update_function_code(**given, ZipFile=package(app="def handler(event, context): pass"), Publish=True)
    seen.append(functions.get_function_configuration(FunctionName="states"))
    settle(functions, "states")
    seen.append(functions.get_function_configuration(FunctionName="states"))
    functions.tag_resource(Resource=seen[0]["FunctionArn"], Tags={"a": "b"})
    seen.append(functions.get_function_configuration(FunctionName="states"))

    reason = "The function is being created.", "Creating"
    assert reason == (seen[0]["StateReason"], seen[0]["StateReasonCode"])
    assert "LastUpdateStatus" not in seen[0]
    assert ("InProgress", *reason) == tuple(seen[2][f"LastUpdateStatus{part}"] for part in ("", "Reason", "ReasonCode"))
    assert ("1", "Pending") == (pending["Version"], pending["State"])
    assert 5 == len({each["RevisionId"] for each in seen})


def test_publication_of_what_the_caller_knows(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """Hash and revision are compared; nothing new is no version; no number comes twice (API Reference, PublishVersion)."""
    functions.create_function(**request_for("published"))
    publish = functions.publish_version
    assert CONFLICT == refused(publish, FunctionName="published")[0]
    functions.get_waiter("function_active_v2").wait(FunctionName="published", WaiterConfig={"Delay": 0.05})
    assert INVALID == refused(publish, FunctionName="published", CodeSha256="other")[0]
    assert STALE == refused(publish, FunctionName="published", RevisionId="other")[0]
    numbers = [publish(FunctionName="published")["Version"] for _ in range(2)]
    for text in ("second", "third"):
        functions.update_function_configuration(FunctionName="published", Description=text)
        assert CONFLICT == refused(publish, FunctionName="published")[0]
        settle(functions, "published")
        numbers.append(publish(FunctionName="published")["Version"])
        functions.delete_function(FunctionName="published", Qualifier=numbers[-1])
    numbers.append(publish(FunctionName="published")["Version"])

    assert ["1", "1", "2", "3", "4"] == numbers


def test_deletion_of_versions(functions: Client, name: str) -> None:
    """None that an alias leads to, and not $LATEST alone; one that is not there is no error (API Reference, DeleteFunction)."""
    delete = functions.delete_function
    assert 204 == delete(FunctionName=name, Qualifier="9")["StatusCode"]
    referenced = "Unable to delete version because the following aliases reference it: [live, mixed]"
    assert (CONFLICT, referenced) == refused(delete, FunctionName=name, Qualifier="1")
    alone = "$LATEST version cannot be deleted without deleting the function."
    assert (INVALID, alone) == refused(delete, FunctionName=f"{name}:$LATEST")
    assert (INVALID, "Deletion of aliases is not currently supported.") == refused(delete, FunctionName=name, Qualifier="live")
    assert MISSING == refused(delete, FunctionName="nowhere", Qualifier="9")[0]


def test_weights_of_an_alias(functions: Client, name: str) -> None:
    """They draw the version of each invocation; one other version at most (Developer Guide, weighted aliases)."""
    given = {"FunctionName": name, "Name": "mixed"}
    before = functions.get_alias(**given)
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    changed = functions.update_alias(**given, RoutingConfig=routing, RevisionId=before["RevisionId"])
    drawn = {invoke(functions, name, Qualifier="mixed")[1] for _ in range(30)}
    emptied = functions.update_alias(**given, RoutingConfig={"AdditionalVersionWeights": {}})

    assert {"1", "2"} == drawn
    assert routing == changed["RoutingConfig"]
    assert "RoutingConfig" not in emptied
    assert 3 == len({each["RevisionId"] for each in (before, changed, emptied)})
    assert 200 == changed["ResponseMetadata"]["HTTPStatusCode"]
    assert STALE == refused(functions.update_alias, **given, RevisionId=before["RevisionId"])[0]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Name": "live"}, CONFLICT),
        ({"FunctionVersion": "9"}, MISSING),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, INVALID),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.5}}}, MISSING),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5, "2": 0.5}}}, INVALID),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}, "FunctionVersion": "$LATEST"}, INVALID),
    ],
    ids=str,
)
def test_alias_is_refused(functions: Client, name: str, given: dict[str, Any], code: str) -> None:
    """Names once, versions that are there, and no version twice (API Reference, CreateAlias)."""
    assert code == refused(functions.create_alias, **{"FunctionName": name, "Name": "new", "FunctionVersion": "1", **given})[0]


def test_alias_that_is_not_there(functions: Client, name: str) -> None:
    """An update names its ARN; a deletion is no error (API Reference, UpdateAlias, DeleteAlias)."""
    missing = refused(functions.update_alias, FunctionName=name, Name="none", Description="x")
    deleted = functions.delete_alias(FunctionName=name, Name="none")

    assert (MISSING, f"Alias not found: {ARN.format(functions.meta.region_name, name)}:none") == missing
    assert 204 == deleted["ResponseMetadata"]["HTTPStatusCode"]
