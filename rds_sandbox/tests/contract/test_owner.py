"""A sandbox serves its owner alone: keys, signatures, the token of its own interface, its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from rds_sandbox import Sandbox, WrongInput, control
from rds_sandbox.state import read_record, record_file
from tests.functions import code_of, deploy, invoke, make_role, wanted
from tests.support import Client, make_client, reset

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ONCE = Config(retries={"total_max_attempts": 1})
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "rds": ("describe_db_instances", {}),
    "ec2": ("describe_vpcs", {}),
    "secretsmanager": ("list_secrets", {}),
    "lambda": ("list_functions", {}),
    "s3": ("list_buckets", {}),
}
JSON_CODES = ("UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException")
# What each service says of a key that is not known, of a wrong signature, of an old one.
CODES = {
    "rds": ("InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "ec2": ("AuthFailure", "AuthFailure", "RequestExpired"),
    "secretsmanager": JSON_CODES,
    "lambda": JSON_CODES,
    "s3": ("InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
}


@pytest.fixture(autouse=True)
def _empty(sandbox: Mapping[str, str]) -> Iterator[None]:
    yield
    reset(sandbox)


def refusal(client: Client, operation: str, **parameters: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    return code_of(caught.value)


def status_of(request: Request | str) -> int:
    """The HTTP status of an answer."""
    try:
        with urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("service", CALLS)
def test_only_keys_of_the_sandbox_open_it(sandbox: Mapping[str, str], service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up key, a wrong secret, a signature of a quarter of an hour ago: each is refused in the service's words."""
    operation, parameters = CALLS[service]
    found = []
    for keys in ({KEYS[0]: "AKIA" + "A" * 16}, {KEYS[1]: "sandbox"}):
        found.append(refusal(make_client({**sandbox, **keys}, service, config=ONCE), operation, **parameters))
    then = datetime.now(UTC) - timedelta(minutes=16)
    client = make_client(sandbox, service, config=ONCE)
    getattr(client, operation)(**parameters)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)
        found.append(refusal(client, operation, **parameters))

    assert CODES[service] == tuple(found)


def changed(client: Client, change: Callable[[AWSPreparedRequest], None]) -> Client:
    """Lets somebody on the way change what was signed."""
    client.meta.events.register("before-send", lambda request, **_: change(request))
    return client


def test_what_was_signed_is_what_counts(sandbox: Mapping[str, str]) -> None:
    """Another body, another header, another query, another path: none of them is the owner's."""

    def body(request: AWSPreparedRequest) -> None:
        request.body = request.body.replace("mine", "your")

    def target(request: AWSPreparedRequest) -> None:
        request.headers["X-Amz-Target"] = "secretsmanager.DeleteSecret"

    def url(old: str, new: str) -> Callable[[AWSPreparedRequest], None]:
        return lambda request: setattr(request, "url", request.url.replace(old, new))

    rds, secrets, functions = (make_client(sandbox, service) for service in ("rds", "secretsmanager", "lambda"))
    assert "SignatureDoesNotMatch" == refusal(changed(rds, body), "describe_db_instances", DBInstanceIdentifier="mine")
    assert "InvalidSignatureException" == refusal(changed(secrets, target), "get_secret_value", SecretId="mine")
    assert "InvalidSignatureException" == refusal(changed(functions, url("=7", "=8")), "list_functions", MaxItems=7)
    assert "InvalidSignatureException" == refusal(changed(functions, url("mine", "your")), "get_function", FunctionName="mine")


def test_odd_paths_queries_and_headers_are_signed_as_botocore_signs(sandbox: Mapping[str, str]) -> None:
    """Spaces, slashes, percent signs and other alphabets, in S3's way and in that of the others."""
    s3, functions, ssm = (make_client(sandbox, service) for service in ("s3", "lambda", "ssm"))
    s3.create_bucket(Bucket="odd", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    key = "a b//c%20d/é+~=&.txt"
    s3.put_object(Bucket="odd", Key=key, Body=b"x" * 100_000, Metadata={"of_mine": "a  b"}, ContentType="text/plain; a=b")
    assert [key] == [found["Key"] for found in s3.list_objects_v2(Bucket="odd", Prefix="a b//c%")["Contents"]]
    assert "ResourceNotFoundException" == refusal(
        functions, "list_tags", Resource="arn:aws:lambda:ca-central-1:123456789012:function:x"
    )
    ssm.put_parameter(Name="/e/x", Value="ü", Type="String")
    assert "ü" == ssm.get_parameter(Name="/e/x")["Parameter"]["Value"]


def test_a_presigned_url_is_good_as_it_is_and_for_its_time(sandbox: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For GET and for a form; not for another key, and not longer."""
    s3 = make_client(sandbox, "s3", config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for key in ("mine", "your"):
        s3.put_object(Bucket="signed", Key=key, Body=b"text")
    sign = {"ClientMethod": "get_object", "Params": {"Bucket": "signed", "Key": "mine"}, "ExpiresIn": 60}
    url = s3.generate_presigned_url(**sign)
    assert [200, 403, 403] == [status_of(one) for one in (url, url.replace("/mine", "/your"), url[:-4] + "0000")]
    then = datetime.now(UTC) - timedelta(minutes=2)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)
        assert 403 == status_of(s3.generate_presigned_url(**sign))

    form = s3.generate_presigned_post("signed", "new")
    assert [204, 403] == [status_of(posted(form["url"], {**form["fields"], **more})) for more in ({}, {"policy": "e30="})]


def test_a_presigned_url_of_any_service(sandbox: Mapping[str, str]) -> None:
    """It proves who has signed it, as clusters and vaults have it proven (STS API Reference, GetCallerIdentity)."""
    sts = make_client(sandbox, "sts")
    iam = make_client(sandbox, "iam")
    make_role(iam, "prover", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    given = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/prover", RoleSessionName="it")["Credentials"]
    keys = {"AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"]}
    prover = make_client({**sandbox, **keys}, "sts", aws_session_token=given["SessionToken"])
    for client, end in ((sts, ":root"), (prover, ":assumed-role/prover/it")):
        url = client.generate_presigned_url("get_caller_identity", HttpMethod="GET")
        with urlopen(url, timeout=10) as answer:
            assert f"{end}</Arn>" in answer.read().decode()
        assert 403 == status_of(url.replace("GetCallerIdentity", "GetSessionToken"))


def posted(url: str, fields: Mapping[str, str]) -> Request:
    """A form with a file."""
    lines = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    lines.append('--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ntext\r\n--x--\r\n')
    return Request(url, "".join(lines).encode(), {"Content-Type": "multipart/form-data; boundary=x"})


def test_keys_that_iam_and_sts_issue_count(sandbox: Mapping[str, str]) -> None:
    """While they are active, and with the token that belongs to them."""
    iam, sts = make_client(sandbox, "iam"), make_client(sandbox, "sts")
    iam.create_user(UserName="ann")
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    own = make_client({**sandbox, KEYS[0]: made["AccessKeyId"], KEYS[1]: made["SecretAccessKey"]}, "sts")
    assert own.get_caller_identity()["Arn"].endswith(":user/ann")
    iam.update_access_key(UserName="ann", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    assert "InvalidClientTokenId" == refusal(own, "get_caller_identity")

    for issued in (
        sts.assume_role(RoleArn=make_role(iam, "taken-on"), RoleSessionName="me"),
        sts.get_session_token(),
        sts.get_federation_token(Name="me"),
    ):
        temporary = issued["Credentials"]
        keys = {**sandbox, KEYS[0]: temporary["AccessKeyId"], KEYS[1]: temporary["SecretAccessKey"]}
        make_client(keys, "rds", aws_session_token=temporary["SessionToken"]).describe_db_instances()
        assert "InvalidClientTokenId" == refusal(make_client(keys, "rds"), "describe_db_instances")


def test_a_role_that_cannot_be_assumed(sandbox: Mapping[str, str]) -> None:
    """One that there is not, for longer than it allows, or with policies that are none (STS API Reference, AssumeRole)."""
    iam, sts = make_client(sandbox, "iam"), make_client(sandbox, "sts")
    role = make_role(iam, "short")
    for code, wrong in (
        ("AccessDenied", {"RoleArn": f"{role}er"}),
        ("AccessDenied", {"RoleArn": "arn:aws:iam::111122223333:role/short"}),
        ("AccessDenied", {"RoleArn": "arn:aws:iam::123456789:role/short"}),  # no account has such a number (Ansible)
        ("ValidationError", {"RoleArn": "arn:aws:iam:::role/short"}),
        ("InvalidParameterValue", {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}),
        ("InvalidParameterValue", {"Tags": [{"Key": "a", "Value": "1"}], "TransitiveTagKeys": ["b"]}),
        ("ValidationError", {"DurationSeconds": 3601}),
        ("MalformedPolicyDocument", {"Policy": "{}"}),
        ("MalformedPolicyDocument", {"PolicyArns": [{"arn": "arn:aws:iam::123456789012:policy/absent"}]}),
    ):
        assert code == refusal(sts, "assume_role", **{"RoleArn": role, "RoleSessionName": "me", **wrong}), wrong


def test_who_calls(sandbox: Mapping[str, str]) -> None:
    """The owner is the account's root user, who has no name (STS API Reference, GetCallerIdentity; IAM's, GetUser)."""
    account = "123456789012"
    iam, sts = make_client(sandbox, "iam"), make_client(sandbox, "sts")
    root = {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}
    made = iam.create_user(UserName="ann", Path="/of/ours/")["User"]
    user = {"UserId": made["UserId"], "Account": account, "Arn": f"arn:aws:iam::{account}:user/of/ours/ann"}
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = {**sandbox, KEYS[0]: key["AccessKeyId"], KEYS[1]: key["SecretAccessKey"]}
    role = sts.assume_role(RoleArn=make_role(iam, "named"), RoleSessionName="me")
    session = {"UserId": role["AssumedRoleUser"]["AssumedRoleId"], "Account": account, "Arn": role["AssumedRoleUser"]["Arn"]}
    federated = {"UserId": f"{account}:me", "Account": account, "Arn": f"arn:aws:sts::{account}:federated-user/me"}
    for named, issued in (
        (root, sts.get_session_token()),
        (user, make_client(ann, "sts").get_session_token()),
        (session, role),
        (federated, sts.get_federation_token(Name="me")),
    ):
        temporary = issued["Credentials"]
        keys = {**sandbox, KEYS[0]: temporary["AccessKeyId"], KEYS[1]: temporary["SecretAccessKey"]}
        told = make_client(keys, "sts", aws_session_token=temporary["SessionToken"]).get_caller_identity()
        assert named == {name: told[name] for name in named}
    assert {"UserId", "Arn", "CreateDate"} == iam.get_user()["User"].keys()
    assert "ann" == make_client(ann, "iam").get_user()["User"]["UserName"]
    taken = {**sandbox, KEYS[0]: role["Credentials"]["AccessKeyId"], KEYS[1]: role["Credentials"]["SecretAccessKey"]}
    nameless = make_client(taken, "iam", aws_session_token=role["Credentials"]["SessionToken"])
    for call in (nameless.get_user, nameless.list_access_keys):
        with pytest.raises(ClientError, match="Must specify userName when calling with non-User credentials"):
            call()
    assert "NotInSandbox" == refusal(iam, "list_access_keys")


def test_without_a_signature_only_what_aws_lets_in(sandbox: Mapping[str, str]) -> None:
    """Signing up, and nothing that an administrator does; nobody takes on a role by a token that nobody checks."""
    cognito, rds, s3, sts = (
        make_client(sandbox, service, config=Config(signature_version=UNSIGNED))
        for service in ("cognito-idp", "rds", "s3", "sts")
    )
    unknown = {"ClientId": "0" * 26, "Username": "ann", "Password": "correct-Horse-1"}
    web = {"RoleArn": "arn:aws:iam::123456789012:role/any", "RoleSessionName": "me", "WebIdentityToken": "t" * 4}
    assert "ResourceNotFoundException" == refusal(cognito, "sign_up", **unknown)
    missing = "MissingAuthenticationToken"
    assert missing == refusal(cognito, "list_user_pools", MaxResults=1)
    assert missing == refusal(rds, "describe_db_instances")
    assert "403" == refusal(s3, "list_buckets")
    assert missing == refusal(sts, "assume_role_with_web_identity", **web)


def test_its_own_interface_asks_for_the_token(sandbox: Mapping[str, str]) -> None:
    """But for the address service; moto's is closed."""
    own = f"{sandbox['AWS_ENDPOINT_URL']}/_sandbox"
    right = {"Authorization": f"Bearer {sandbox['RDS_SANDBOX_TOKEN']}"}
    assert [200, 403, 403, 200] == [
        status_of(Request(f"{own}/status", headers=right)),
        status_of(f"{own}/status"),
        status_of(Request(f"{own}/reset", method="POST", headers={"Authorization": "Bearer x"})),
        status_of(f"{own}/checkip"),
    ]
    moto = f"{sandbox['AWS_ENDPOINT_URL']}/moto-api"
    assert [403, 403] == [status_of(f"{moto}/data.json"), status_of(Request(f"{moto}/reset", method="POST", headers=right))]


def test_moto_is_open_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By an option of `up`."""
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path))
    control.up("open", moto_api=True)
    try:
        assert 200 == status_of(f"{control.running('open')['AWS_ENDPOINT_URL']}/moto-api/data.json")
    finally:
        control.down("open")


@pytest.mark.parametrize("name", ["../x", "x/../../y", "/tmp/x", ".", "a.b", "a b", "-x", "x" * 65, "é", "x\n", "x\0"])
def test_a_name_stays_in_its_folder(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is no plain word is refused, from wherever it comes, and nothing is written."""
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path / "state"))
    for act in (control.up, control.down, control.find, record_file):
        with pytest.raises(WrongInput, match="is no name of a sandbox"):
            act(name)
    assert [] == [*tmp_path.rglob("*.*")]


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "::", "::1", "fe80::1%lo", "2001:db8::1%lo"]
)
def test_nobody_comes_from_there(rds_sandbox: Sandbox, address: str) -> None:
    """The operator has an address from which a connection can come."""
    with pytest.raises(WrongInput, match=f"no connection comes from {address}"):
        rds_sandbox.simulate("address", address=address)
    assert address != rds_sandbox.operator_address


# What another user of the machine tries, with nothing but the standard library.
NEIGHBOUR = """
import json, os, sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url, root, state, region, query = sys.argv[1:]
guessed = "server-1", "server-2", "archives", "snapshots", "functions/environment-1"
credential = f"AKIAIOSFODNN7EXAMPLE/20261126/{region}/rds/aws4_request"
signed = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}"

def status(path, body=None, **headers):
    try:
        return urlopen(Request(url + path, body, headers), timeout=20).status
    except HTTPError as error:
        return error.code

def readable(folder):
    found = []
    for place, _, files in os.walk(folder):
        found += [path for path in (os.path.join(place, name) for name in files) if os.access(path, os.R_OK)]
    return found

print(json.dumps({
    "user": os.geteuid(),
    "asked": [status("/", query.encode()), status("/", query.encode(), Authorization=signed), status("/_sandbox/status"),
              status("/_sandbox/reset", b""), status("/moto-api/reset", b""), status("/latest/meta-data/")],
    "read": sum(map(readable, [state, root, *(f"{root}/{name}" for name in guessed)]), []),
    "listed": os.access(root, os.R_OK) or os.access(root + "/functions", os.R_OK),
}))
"""


@pytest.fixture
def neighbour() -> Callable[..., dict[str, Any]]:
    """Runs that as nobody."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user: run it as root")

    def run(*words: str) -> dict[str, Any]:
        for python in (sys.executable, "/usr/bin/python3"):
            command = [python, "-I", "-c", NEIGHBOUR, *words]
            try:
                done = subprocess.run(command, capture_output=True, text=True, cwd="/", user=65534, group=65534, extra_groups=[])
            except PermissionError:
                continue
            if done.returncode == 0:
                found: dict[str, Any] = json.loads(done.stdout)
                return found
        pytest.skip("nobody else can run a Python: install the system's")

    return run


def test_a_neighbour_gets_nothing(neighbour: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, made-up keys, both interfaces, the owner's files, what a function of the owner's wrote."""
    state = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    state.chmod(0o755)  # a folder that others may enter: the files themselves are to be closed
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(state))
    control.up("lonely")
    record = read_record("lonely")
    assert record is not None
    try:
        environment = record["environment"]
        functions = make_client(environment, "lambda")
        source = "def handler(event, context):\n    import os, tempfile\n    tempfile.mkstemp()\n    return os.geteuid()\n"
        role, runtime = make_role(make_client(environment, "iam"), "any"), environment["RDS_SANDBOX_LAMBDA_RUNTIME"]
        deploy(functions, wanted("writes", role, runtime, source))
        user = invoke(functions, "writes")
        query = urlencode({"Action": "DescribeDBInstances", "Version": "2014-10-31"})
        found = neighbour(environment["AWS_ENDPOINT_URL"], record["root"], str(state), environment["AWS_REGION"], query)
    finally:
        control.down("lonely")
        subprocess.run(["rm", "-r", str(state)], check=True)

    assert user not in (0, found["user"])
    assert {"user": 65534, "asked": [403] * 6, "read": [], "listed": False} == found
