"""What Lambda refuses, with its codes; and nothing is made of it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import TRUST, code_of, deploy, make_role, package, settle, wanted
from tests.support import Client, make_client, reset

SOURCE = "def handler(event, context): return event"
INVALID = "InvalidParameterValueException"
ACCOUNT = "arn:aws:iam::123456789012:role"


@pytest.fixture(scope="module")
def functions(sandbox: Mapping[str, str]) -> Client:
    """boto3's Lambda client, in an empty sandbox."""
    reset(sandbox)
    return make_client(sandbox, "lambda")


@pytest.fixture(scope="module")
def role(sandbox: Mapping[str, str], functions: Client) -> str:
    """A role that Lambda can assume."""
    return make_role(make_client(sandbox, "iam"), "good")


@pytest.fixture(scope="module")
def runtime(sandbox: Mapping[str, str]) -> str:
    """A runtime that the sandbox can run."""
    return sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"]


@pytest.fixture(scope="module")
def there(functions: Client, role: str, runtime: str) -> str:
    """A function to update."""
    deploy(functions, wanted("there", role, runtime, SOURCE))
    return "there"


def encrypted() -> bytes:
    """A zip whose entry says that it is encrypted."""
    content = bytearray(package(app=SOURCE))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def damaged() -> bytes:
    """A zip whose entry has another checksum."""
    return package(app=SOURCE).replace(b"event, context", b"event, contest", 1)


def bomb() -> bytes:
    """A small zip of more than 250 MB."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{number}.bin", bytes(50 << 20))
    return content.getvalue()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Runtime": "python2.7"}, INVALID),
        ({"Runtime": "python3.9"}, INVALID),
        ({"Runtime": "cobol85"}, INVALID),
        ({"Runtime": "nodejs24.x"}, "NotInSandbox"),
        ({"Runtime": None}, INVALID),
        ({"Handler": None}, INVALID),
        ({"Handler": "app handler"}, "ValidationException"),
        ({"Handler": "a" * 129}, "ValidationException"),
        ({"FunctionName": "n" * 65}, INVALID),
        ({"Timeout": 901}, "ValidationException"),
        ({"MemorySize": 10241}, "ValidationException"),
        ({"Architectures": ["riscv"]}, "ValidationException"),
        ({"Role": f"{ACCOUNT}/nobody"}, INVALID),
        ({"Role": "good"}, "ValidationException"),
        ({"Role": "arn:aws:iam::999999999999:role/good"}, "AccessDeniedException"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, INVALID),
        ({"Environment": {"Variables": {"1x": "x"}}}, "ValidationException"),
        ({"Environment": {"Variables": {"LONG": "x" * 4086}}}, INVALID),
        ({"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "x"}}}, "NotInSandbox"),
        ({"Tags": {str(number): "x" for number in range(51)}}, INVALID),
        ({"Layers": ["arn:aws:lambda:ca-central-1:123456789012:layer:x:1"]}, "NotInSandbox"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "NotInSandbox"),
        ({"PackageType": "Image", "Code": {"ImageUri": "x"}}, "NotInSandbox"),
        ({"Code": {"ZipFile": b"no zip"}}, INVALID),
        ({"Code": {"ZipFile": package()}}, INVALID),
        ({"Code": {"ZipFile": damaged()}}, INVALID),
        ({"Code": {"ZipFile": encrypted()}}, INVALID),
        ({"Code": {"S3Bucket": "nowhere", "S3Key": "x"}}, INVALID),
        ({"Code": {}}, INVALID),
    ],
    ids=str,
)
def test_create_is_refused(functions: Client, role: str, runtime: str, changes: dict[str, Any], code: str) -> None:
    """With AWS's code, before anything is made."""
    request = wanted("wrong", role, runtime, SOURCE, **changes)
    with pytest.raises(ClientError) as caught:
        functions.create_function(**request)

    assert code == code_of(caught.value)
    assert (code == "AccessDeniedException") is (403 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"])
    assert "wrong" not in [each["FunctionName"] for each in functions.list_functions()["Functions"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Runtime": "python3.8"}, INVALID),
        ({"Timeout": 1000}, "ValidationException"),
        ({"Role": f"{ACCOUNT}/nobody"}, INVALID),
        ({"Environment": {"Variables": {"_HANDLER": "x"}}}, INVALID),
        ({"RevisionId": "an older one"}, "PreconditionFailedException"),
    ],
    ids=str,
)
def test_update_is_refused(functions: Client, there: str, changes: dict[str, Any], code: str) -> None:
    """The function stays as it was."""
    before = functions.get_function_configuration(FunctionName=there)["RevisionId"]
    with pytest.raises(ClientError) as caught:
        functions.update_function_configuration(FunctionName=there, **changes)

    assert code == code_of(caught.value)
    assert before == functions.get_function_configuration(FunctionName=there)["RevisionId"]


@pytest.mark.parametrize("make", [lambda: b"no zip", bomb], ids=["no zip", "over 250 MB"])
def test_wrong_package_is_refused(functions: Client, there: str, make: Callable[[], bytes]) -> None:
    """The code stays as it was, in a dry run too."""
    content = make()
    before = functions.get_function_configuration(FunctionName=there)["CodeSha256"]
    for dry_run in (True, False):
        with pytest.raises(ClientError) as caught:
            functions.update_function_code(FunctionName=there, ZipFile=content, DryRun=dry_run)
        assert INVALID == code_of(caught.value)

    assert before == functions.get_function_configuration(FunctionName=there)["CodeSha256"]


def test_upload_over_50_mb_is_refused(functions: Client, there: str) -> None:
    """A direct upload has a limit of its own."""
    with pytest.raises(ClientError) as caught:
        functions.update_function_code(FunctionName=there, ZipFile=bytes((50 << 20) + 1))

    assert "RequestEntityTooLargeException" == code_of(caught.value)
    assert 413 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    "statement",
    [
        {**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}},
        {**TRUST, "Effect": "Deny"},
        {**TRUST, "Action": "sts:TagSession"},
    ],
    ids=["another service", "deny", "another action"],
)
def test_role_that_lambda_cannot_assume(
    sandbox: Mapping[str, str], functions: Client, runtime: str, statement: dict[str, Any]
) -> None:
    """The trust policy must name lambda.amazonaws.com."""
    iam = make_client(sandbox, "iam")
    wrong = make_role(iam, "wrong", statement)
    with pytest.raises(ClientError, match="cannot be assumed by Lambda") as caught:
        functions.create_function(**wanted("wrong", wrong, runtime, SOURCE))
    iam.delete_role(RoleName="wrong")

    assert INVALID == code_of(caught.value)


def test_name_is_taken(functions: Client, there: str, role: str, runtime: str) -> None:
    """A second function of the name is a conflict."""
    with pytest.raises(ClientError) as caught:
        functions.create_function(**wanted(there, role, runtime, SOURCE))

    assert "ResourceConflictException" == code_of(caught.value)


def test_policy_of_a_function(functions: Client, there: str) -> None:
    """A statement id is taken once; what is removed is gone; without statements there is no policy."""
    statement = {
        "FunctionName": there,
        "StatementId": "cognito",
        "Action": "lambda:InvokeFunction",
        "Principal": "cognito-idp.amazonaws.com",
    }
    functions.add_permission(**statement)
    with pytest.raises(ClientError) as twice:
        functions.add_permission(**statement)
    functions.remove_permission(FunctionName=there, StatementId="cognito")
    with pytest.raises(ClientError) as gone:
        functions.remove_permission(FunctionName=there, StatementId="cognito")
    with pytest.raises(ClientError) as none:
        functions.get_policy(FunctionName=there)

    assert "ResourceConflictException" == code_of(twice.value)
    assert ["ResourceNotFoundException"] * 2 == [code_of(gone.value), code_of(none.value)]


def test_environment_may_be_4096_bytes(functions: Client, there: str) -> None:
    """Measured as JSON without spaces (Developer Guide, "Lambda quotas")."""
    variables = {"LONG": "x" * 4041, "B1": "y" * 36}
    assert 4096 == len(json.dumps(variables, separators=(",", ":")))
    shown = functions.update_function_configuration(FunctionName=there, Environment={"Variables": variables})
    settle(functions, there)

    assert variables == shown["Environment"]["Variables"]


def test_tags_are_a_functions_alone(functions: Client, there: str) -> None:
    """At most 50, and none of a version or an alias (API Reference, TagResource)."""
    arn = functions.get_function(FunctionName=there)["Configuration"]["FunctionArn"]
    for resource, tags in ((arn, {str(number): "x" for number in range(51)}), (f"{arn}:$LATEST", {"a": "b"})):
        with pytest.raises(ClientError) as caught:
            functions.tag_resource(Resource=resource, Tags=tags)
        assert INVALID == code_of(caught.value)
    assert {} == functions.list_tags(Resource=arn)["Tags"]


def test_tags_are_kept(functions: Client, there: str) -> None:
    """Put, listed, taken away."""
    arn = functions.get_function(FunctionName=there)["Configuration"]["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"owner": "app", "stage": "rehearsal"})
    functions.untag_resource(Resource=arn, TagKeys=["stage"])

    assert {"owner": "app"} == functions.list_tags(Resource=arn)["Tags"]
