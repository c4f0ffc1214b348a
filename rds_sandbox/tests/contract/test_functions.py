"""Functions that run: answers, errors, environments, logs, asynchronous invocation; through plain boto3."""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.functions import code_of, deploy, failure, invoke, make_role, package, settle, wanted
from tests.support import Client, make_client, reset, wait_until

SOURCE = """
    import logging, os, sys, time

    calls = 0

    def handler(event, context):
        global calls
        calls += 1
        return globals()[event["do"]](event, context)

    def count(event, context):
        return calls, os.getpid()

    def meet(event, context):
        open(os.path.join(event["folder"], str(os.getpid())), "w").close()
        while len(os.listdir(event["folder"])) < event["count"]:
            time.sleep(0.02)

    def context(event, context):
        return {
            "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb, "group": context.log_group_name, "left": context.get_remaining_time_in_millis(),
        }

    def environment(event, context):
        return dict(os.environ)

    def whoami(event, context):
        import boto3
        return boto3.client("sts").get_caller_identity()["Arn"]

    def importable(event, context):
        import importlib.util
        return [name for name in ("boto3", "botocore", "psycopg", "moto", "rds_sandbox") if importlib.util.find_spec(name)]

    def fail(event, context):
        raise ValueError("not today")

    def unserializable(event, context):
        return {1, 2}

    def leave(event, context):
        os._exit(3)

    def sleep(event, context):
        time.sleep(30)

    def grow(event, context):
        kept = bytearray(400_000_000)
        time.sleep(30)
        return len(kept)

    def talk(event, context):
        print("printed")
        print("to standard error", file=sys.stderr)
        logging.getLogger().warning("logged")
        logging.getLogger().debug("below the level")
"""


@pytest.fixture(scope="module")
def functions(sandbox: Mapping[str, str]) -> Client:
    """boto3's Lambda client, in an empty sandbox."""
    reset(sandbox)
    return make_client(sandbox, "lambda")


@pytest.fixture(scope="module")
def logs(sandbox: Mapping[str, str]) -> Client:
    """boto3's client of CloudWatch Logs."""
    return make_client(sandbox, "logs")


@pytest.fixture(scope="module")
def request_for(sandbox: Mapping[str, str], functions: Client) -> Callable[..., dict[str, Any]]:
    """Makes CreateFunction requests with a role and a runtime that will do."""
    role = make_role(make_client(sandbox, "iam"), "functions")
    return lambda name, source=SOURCE, **changes: wanted(name, role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], source, **changes)


@pytest.fixture(scope="module")
def name(functions: Client, request_for: Callable[..., dict[str, Any]]) -> str:
    """A function that does what its event says."""
    deploy(functions, request_for("many", Timeout=30, MemorySize=256, Environment={"Variables": {"COLOUR": "green"}}))
    return "many"


@pytest.fixture(scope="module")
def hasty(functions: Client, request_for: Callable[..., dict[str, Any]]) -> str:
    """The same with a second's time."""
    deploy(functions, request_for("hasty", Timeout=1))
    return "hasty"


def events(logs: Client, function: str) -> list[str]:
    """All that is in the function's log."""
    group = f"/aws/lambda/{function}"
    return [event["message"].rstrip("\n") for event in logs.filter_log_events(logGroupName=group)["events"]]


def test_context_describes_the_invocation(functions: Client, name: str) -> None:
    """The context object has what Lambda's has."""
    found = invoke(functions, name, {"do": "context"})
    left = found.pop("left")

    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    assert {"name": name, "version": "$LATEST", "arn": arn, "memory": "256", "group": f"/aws/lambda/{name}"} == found
    assert 0 < left <= 30_000


def test_environment_is_the_functions_own(sandbox: Mapping[str, str], functions: Client, name: str) -> None:
    """Lambda's variables, the way to the sandbox and the function's: nothing of whoever runs the sandbox."""
    found = invoke(functions, name, {"do": "environment"})

    assert "green" == found["COLOUR"]
    assert sandbox["AWS_ENDPOINT_URL"] == found["AWS_ENDPOINT_URL"]
    assert f"AWS_Lambda_{sandbox['RDS_SANDBOX_LAMBDA_RUNTIME']}" == found["AWS_EXECUTION_ENV"]
    assert set() == {"PYTHONPATH", "VIRTUAL_ENV", "USER", "RDS_SANDBOX_LAMBDA_RUNTIME", "PGSSLROOTCERT"} & found.keys()


def test_runtime_offers_boto3_alone(functions: Client, name: str) -> None:
    """What the zip does not bring is not there, but for what Lambda's runtime has."""
    assert ["boto3", "botocore"] == invoke(functions, name, {"do": "importable"})


def test_aws_calls_are_the_roles(functions: Client, name: str) -> None:
    """The function's calls reach the sandbox, as the role that it has."""
    assert invoke(functions, name, {"do": "whoami"}).endswith(f":assumed-role/functions/{name}")


def test_process_is_used_again(functions: Client, name: str) -> None:
    """The next event finds what the one before left in memory."""
    before, process = invoke(functions, name, {"do": "count"})

    assert [before + 1, process] == invoke(functions, name, {"do": "count"})


@pytest.fixture
def meeting_place() -> Iterator[Path]:
    """A folder in which every user may write, functions too."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_events_at_once_have_a_process_each(functions: Client, name: str, meeting_place: Path) -> None:
    """Five invocations that wait for each other come to an end, each in its own process."""
    work = {"do": "meet", "folder": str(meeting_place), "count": 5}
    threads = [threading.Thread(target=invoke, args=(functions, name, work)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 == len(list(meeting_place.iterdir()))


@pytest.mark.parametrize(
    ("what", "error_type", "message"),
    [
        ("fail", "ValueError", "not today"),
        ("unserializable", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        ("leave", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("grow", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
    ],
)
def test_failure_is_answered_as_lambda_does(functions: Client, name: str, what: str, error_type: str, message: str) -> None:
    """The error's type and message; afterwards the function works again."""
    error = failure(functions, name, {"do": what})

    assert error_type == error["errorType"]
    assert error["errorMessage"].endswith(message)
    assert invoke(functions, name, {"do": "count"})


def test_timeout_ends_the_process(functions: Client, hasty: str) -> None:
    """The error says after how long; the next event finds a new process."""
    before = invoke(functions, hasty, {"do": "count"})
    error = failure(functions, hasty, {"do": "sleep"})

    assert "Sandbox.Timedout" == error["errorType"]
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert before[1] != invoke(functions, hasty, {"do": "count"})[1]


def test_stack_trace_is_the_functions(functions: Client, name: str) -> None:
    """From the handler on, in Lambda's folder, without the runtime's own frames."""
    trace = failure(functions, name, {"do": "fail"})["stackTrace"]

    assert ['  File "/var/task/app.py"'] * 2 == [line.partition(",")[0] for line in trace]
    assert "raise ValueError" in trace[-1]


@pytest.mark.parametrize(
    ("handler", "source", "error_type", "message"),
    [
        (
            "app.handler",
            "import nowhere",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nowhere'",
        ),
        ("other.handler", "", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
        ("app.handler", "", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
        ("app.handler", "def", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"),
        ("app.handler", "1 / 0", "ZeroDivisionError", "division by zero"),
        ("app.handler", "import os; os._exit(1)", "Runtime.ExitError", "Runtime exited with error: exit status 1"),
    ],
)
def test_handler_that_cannot_be_loaded(
    functions: Client, request_for: Callable[..., dict[str, Any]], handler: str, source: str, error_type: str, message: str
) -> None:
    """The function is created all the same, and every event is answered with the reason."""
    deploy(functions, request_for("broken", source, Handler=handler))
    found = [failure(functions, "broken") for _ in range(2)]
    functions.delete_function(FunctionName="broken")

    assert [error_type] * 2 == [error["errorType"] for error in found]
    assert found[0]["errorMessage"].endswith(message)


def test_log_holds_output_between_lambdas_lines(functions: Client, logs: Client, name: str) -> None:
    """START, what was printed and logged, END, REPORT; the tail is the same; a stream for each process."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"do": "talk"}), LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()
    identifier = tail[0].split()[2]

    assert f"START RequestId: {identifier} Version: $LATEST" == tail[0]
    assert ["printed", "to standard error"] == tail[1:3]
    assert ["[WARNING]", identifier, "logged"] == [tail[3].split("\t")[index] for index in (0, 2, 3)]
    assert f"END RequestId: {identifier}" == tail[4]
    assert f"REPORT RequestId: {identifier}\tDuration: " == tail[5].partition("Duration: ")[0] + "Duration: "
    assert tail == events(logs, name)[-len(tail) :]
    assert ("$LATEST", 200) == (answer["ExecutedVersion"], answer["StatusCode"])


def test_error_is_in_the_log(functions: Client, logs: Client, hasty: str) -> None:
    """An error's traceback is one event; a timeout says so, and in the report too."""
    failure(functions, hasty, {"do": "fail"})
    failure(functions, hasty, {"do": "sleep"})
    found = events(logs, hasty)

    assert any(event.startswith("[ERROR] ValueError: not today\nTraceback") for event in found)
    assert any(event.endswith("Task timed out after 1.00 seconds") for event in found)
    assert found[-1].endswith("\tStatus: timeout")


def test_log_can_be_kept_elsewhere_and_not_for_ever(
    functions: Client, logs: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """A group that is there is used with its retention; LoggingConfig names another one."""
    logs.create_log_group(logGroupName="/app/kept")
    logs.put_retention_policy(logGroupName="/app/kept", retentionInDays=7)
    source = "def handler(event, context): print('here')"
    deploy(functions, request_for("elsewhere", source, LoggingConfig={"LogGroup": "/app/kept"}))
    invoke(functions, "elsewhere")
    [group] = logs.describe_log_groups(logGroupNamePrefix="/app")["logGroups"]
    [stream] = logs.describe_log_streams(logGroupName="/app/kept")["logStreams"]
    found = logs.get_log_events(logGroupName="/app/kept", logStreamName=stream["logStreamName"])["events"]
    logs.delete_log_group(logGroupName="/app/kept")

    assert 7 == group["retentionInDays"]
    assert "here\n" in [event["message"] for event in found]


def test_retention_is_one_of_certain_numbers(logs: Client) -> None:
    """Eight days are none of them; the group keeps what it had."""
    logs.create_log_group(logGroupName="/app/retention")
    with pytest.raises(ClientError) as caught:
        logs.put_retention_policy(logGroupName="/app/retention", retentionInDays=8)
    [group] = logs.describe_log_groups(logGroupNamePrefix="/app/retention")["logGroups"]

    assert "InvalidParameterException" == code_of(caught.value)
    assert "retentionInDays" not in group


def test_asynchronous_event_is_tried_three_times(
    functions: Client, logs: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """202 at once; a function that fails gets the same request twice more."""
    deploy(functions, request_for("later", "def handler(event, context): raise KeyError(event)"))
    answer = functions.invoke(FunctionName="later", InvocationType="Event", Payload=b'"x"')

    def starts() -> list[str]:
        known = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/later")["logGroups"]
        return [event for event in events(logs, "later") if event.startswith("START")] if known else []

    assert 202 == answer["StatusCode"]
    assert wait_until(lambda: len(starts()) == 3)
    assert 1 == len(set(starts()))


def test_a_topic_runs_the_function_that_lets_it_in(
    sandbox: Mapping[str, str], functions: Client, logs: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """SNS's event, without what came before the permission (Developer Guide, "Invoking Lambda functions")."""
    sns = make_client(sandbox, "sns")
    topic = sns.create_topic(Name="spoken")["TopicArn"]
    arn = deploy(functions, request_for("listens", "import json\ndef handler(event, context): print(json.dumps(event))"))
    subscribed = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]

    def heard() -> list[dict[str, Any]]:
        known = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/listens")["logGroups"]
        return [json.loads(line)["Records"][0] for line in events(logs, "listens") if line.startswith("{")] if known else []

    sns.publish(TopicArn=topic, Message="lost")
    permission = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com", "SourceArn": topic}
    functions.add_permission(FunctionName="listens", StatementId="topic", **permission)
    published = sns.publish(TopicArn=topic, Message="heard", Subject="news")["MessageId"]

    assert wait_until(lambda: bool(heard()))
    (record,) = heard()
    assert ("aws:sns", subscribed) == (record["EventSource"], record["EventSubscriptionArn"])
    said = {key: record["Sns"][key] for key in ("MessageId", "TopicArn", "Subject", "Message", "MessageAttributes")}
    assert {"MessageId": published, "TopicArn": topic, "Subject": "news", "Message": "heard", "MessageAttributes": {}} == said


def test_dry_run_runs_nothing(functions: Client, name: str) -> None:
    """204, and the process has not seen an event."""
    before, _ = invoke(functions, name, {"do": "count"})
    assert 204 == functions.invoke(FunctionName=name, InvocationType="DryRun", Payload=b'{"do": "count"}')["StatusCode"]

    assert before + 1 == invoke(functions, name, {"do": "count"})[0]


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        (b"{", "RequestResponse", "InvalidRequestContentException"),
        (b'"\xff"', "RequestResponse", "InvalidRequestContentException"),
        (b'"' + b"x" * 6291456 + b'"', "RequestResponse", "RequestTooLargeException"),
        (b'"' + b"x" * 1048576 + b'"', "Event", "RequestTooLargeException"),
    ],
    ids=["no JSON", "no UTF-8", "too large", "too large for later"],
)
def test_wrong_event_is_refused(functions: Client, name: str, event: bytes, kind: str, code: str) -> None:
    """Before the function sees it."""
    with pytest.raises(ClientError) as caught:
        functions.invoke(FunctionName=name, InvocationType=kind, Payload=event)

    assert code == code_of(caught.value)


def test_answer_that_is_too_large(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """6 MB are the most that a function may answer."""
    deploy(functions, request_for("large", "def handler(event, context): return 'x' * 6291556"))

    assert "Function.ResponseSizeTooLarge" == failure(functions, "large")["errorType"]


def test_update_takes_effect_at_once(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """New code and new variables are run by new processes; a published version stays as it was."""
    source = "import os\ndef handler(event, context): return {}, os.environ.get('COLOUR'), context.function_version"
    created = functions.create_function(**request_for("changing", source.format(1), Publish=True))
    functions.get_waiter("function_active_v2").wait(FunctionName="changing", WaiterConfig={"Delay": 0.05})
    assert [1, None, "$LATEST"] == invoke(functions, "changing")
    functions.update_function_code(FunctionName="changing", ZipFile=package(app=source.format(2)))
    settle(functions, "changing")
    assert [2, None, "$LATEST"] == invoke(functions, "changing")
    functions.update_function_configuration(FunctionName="changing", Environment={"Variables": {"COLOUR": "red"}})
    settle(functions, "changing")

    assert [2, "red", "$LATEST"] == invoke(functions, "changing")
    assert "1" == created["Version"]
    assert [1, None, "1"] == invoke(functions, "changing", Qualifier="1")


def test_states_are_seen_by_who_waits(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """Pending, Active, InProgress, Successful; what comes too early is a conflict."""
    created = functions.create_function(**request_for("states"))
    with pytest.raises(ClientError) as too_early:
        functions.invoke(FunctionName="states")
    functions.get_waiter("function_active_v2").wait(FunctionName="states", WaiterConfig={"Delay": 0.05})
    updated = functions.update_function_configuration(FunctionName="states", Timeout=5)
    with pytest.raises(ClientError) as busy:
        functions.update_function_configuration(FunctionName="states", Timeout=6)
    settle(functions, "states")
    found = functions.get_function_configuration(FunctionName="states")

    assert "Pending" == created["State"]
    assert "InProgress" == updated["LastUpdateStatus"]
    assert ["ResourceConflictException"] * 2 == [code_of(too_early.value), code_of(busy.value)]
    assert ("Active", "Successful", 5) == (found["State"], found["LastUpdateStatus"], found["Timeout"])
    assert created["RevisionId"] != found["RevisionId"]


def test_reserved_concurrency_throttles(
    sandbox: Mapping[str, str], functions: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """Zero lets nothing through."""
    deploy(functions, request_for("throttled"))
    functions.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    once = make_client(sandbox, "lambda", config=Config(retries={"total_max_attempts": 1}))  # it retries when throttled
    with pytest.raises(ClientError) as caught:
        once.invoke(FunctionName="throttled")

    assert "TooManyRequestsException" == code_of(caught.value)


def test_reserved_concurrency_is_of_all_versions(
    sandbox: Mapping[str, str], functions: Client, logs: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """Asynchronous events wait for a place; zero stops versions and aliases, too (Developer Guide, "reserved concurrency")."""
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    print('through')"
    deploy(functions, request_for("narrow", source))
    functions.publish_version(FunctionName="narrow")
    functions.put_function_concurrency(FunctionName="narrow", ReservedConcurrentExecutions=1)
    for number in range(5):
        functions.invoke(
            FunctionName="narrow", InvocationType="Event", Payload=b"0.3", **({"Qualifier": "1"} if number % 2 else {})
        )

    def through() -> int:
        known = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/narrow")["logGroups"]
        return events(logs, "narrow").count("through") if known else 0

    once = make_client(sandbox, "lambda", config=Config(retries={"total_max_attempts": 1}))
    assert wait_until(lambda: through() == 5)
    functions.put_function_concurrency(FunctionName="narrow", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as caught:
        once.invoke(FunctionName="narrow", Qualifier="1", Payload=b"0")
    with pytest.raises(ClientError) as too_many:
        functions.put_function_concurrency(FunctionName="narrow", ReservedConcurrentExecutions=901)

    assert "TooManyRequestsException" == code_of(caught.value)
    assert "InvalidParameterValueException" == code_of(too_many.value)
    assert {"ReservedConcurrentExecutions": 0} == functions.get_function(FunctionName="narrow")["Concurrency"]


def test_event_waits_for_a_pending_function(functions: Client, logs: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """An asynchronous event is not lost while its function is created (Developer Guide, "Asynchronous invocation")."""
    functions.create_function(**request_for("early", "def handler(event, context): print('through')"))
    functions.invoke(FunctionName="early", InvocationType="Event", Payload=b"1")

    def through() -> bool:
        known = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/early")["logGroups"]
        return bool(known) and "through" in events(logs, "early")

    assert wait_until(through)


def test_invocation_is_known_by_its_request(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """x-amzn-RequestId is the context object's, which has the client's context, too (API Reference, Invoke)."""
    source = """
        def handler(event, context):
            said = context.client_context
            return context.aws_request_id, said and [said.custom, said.env, said.client.app_title]
    """
    deploy(functions, request_for("known", source))
    said = {"custom": {"a": "b"}, "env": {"c": "d"}, "client": {"app_title": "e"}}
    context = base64.b64encode(json.dumps(said).encode()).decode()
    answer = functions.invoke(FunctionName="known", ClientContext=context)
    with pytest.raises(ClientError) as caught:
        functions.invoke(FunctionName="known", ClientContext="no base64")

    request_id = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert [request_id, [{"a": "b"}, {"c": "d"}, "e"]] == json.loads(answer["Payload"].read())
    assert "InvalidRequestContentException" == code_of(caught.value)


def test_what_the_account_has(functions: Client, name: str) -> None:
    """Quotas and usage (API Reference, GetAccountSettings); no function has an EventInvokeConfig."""
    found = functions.get_account_settings()
    with pytest.raises(ClientError) as caught:
        functions.get_function_event_invoke_config(FunctionName=name)

    limit = {"CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800, "ConcurrentExecutions": 1000}
    assert limit.items() <= found["AccountLimit"].items()
    assert len(functions.list_functions()["Functions"]) == found["AccountUsage"]["FunctionCount"]
    assert "ResourceNotFoundException" == code_of(caught.value)


def test_code_of_a_version_of_an_object(
    sandbox: Mapping[str, str], functions: Client, request_for: Callable[..., dict[str, Any]]
) -> None:
    """S3ObjectVersion is taken, and what is missing is named (API Reference, FunctionCode)."""
    s3, bucket = make_client(sandbox, "s3"), "packages"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    source = "def handler(event, context): return {}"
    version, _ = [
        s3.put_object(Bucket=bucket, Key="app.zip", Body=package(app=source.format(number)))["VersionId"] for number in (1, 2)
    ]
    code = {"S3Bucket": bucket, "S3Key": "app.zip"}
    deploy(functions, request_for("from-s3", Code={**code, "S3ObjectVersion": version}))
    wrong = ({**code, "S3ObjectVersion": "none"}, "NoSuchVersion"), ({**code, "S3Bucket": "nowhere"}, "NoSuchBucket")

    assert 1 == invoke(functions, "from-s3")
    for given, problem in wrong:
        with pytest.raises(ClientError, match=f"S3 Error Code: {problem}. S3 Error Message: The specified"):
            functions.update_function_code(FunctionName="from-s3", **given)


def test_deleted_function_is_gone(functions: Client, control: Callable[..., Any], name: str) -> None:
    """Its processes end with it, and its name is free."""
    _, process = invoke(functions, name, {"do": "count"})
    counted = {each["FunctionName"]: each["ExecutionEnvironments"] for each in control("GET", "/status")["Functions"]}
    functions.delete_function(FunctionName=name)
    with pytest.raises(ClientError) as caught:
        functions.invoke(FunctionName=name)

    assert counted[name] >= 1
    assert wait_until(lambda: not psutil.pid_exists(process))
    assert "ResourceNotFoundException" == code_of(caught.value)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("create_function_url_config", {"FunctionName": "x", "AuthType": "NONE"}),
        ("create_event_source_mapping", {"FunctionName": "x", "EventSourceArn": "arn:aws:sqs:ca-central-1:123456789012:q"}),
        ("publish_layer_version", {"LayerName": "x", "Content": {"ZipFile": b"x"}}),
        ("put_function_event_invoke_config", {"FunctionName": "x", "MaximumRetryAttempts": 1}),
        ("invoke", {"FunctionName": "x", "TenantId": "x"}),
    ],
)
def test_what_nothing_stands_behind_is_refused(functions: Client, operation: str, parameters: dict[str, Any]) -> None:
    """Rather than kept as if it would have an effect."""
    with pytest.raises(ClientError) as caught:
        getattr(functions, operation)(**parameters)

    assert "NotInSandbox" == code_of(caught.value)


def test_lists_come_in_pages(functions: Client, request_for: Callable[..., dict[str, Any]]) -> None:
    """ListFunctions, ListVersionsByFunction and ListAliases (API Reference): MaxItems, Marker and NextMarker."""
    for name in ("listed", "listed-2"):
        deploy(functions, request_for(name, "def handler(event, context): pass"))
    functions.publish_version(FunctionName="listed")
    for alias, version in (("a", "1"), ("b", "$LATEST"), ("c", "1")):
        functions.create_alias(FunctionName="listed", Name=alias, FunctionVersion=version)

    def pages(operation: str, key: str, shown: str, **given: Any) -> list[list[str]]:
        found = functions.get_paginator(operation).paginate(**given, PaginationConfig={"PageSize": 2})
        return [[one[shown] for one in page[key]] for page in found]

    everything = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    listed = pages("list_functions", "Functions", "FunctionName")
    assert everything == [one for page in listed for one in page]
    assert {2} == {len(page) for page in listed[:-1]}
    functions.update_function_code(FunctionName="listed", ZipFile=package(app="def handler(event, context): return 1"))
    settle(functions, "listed")
    functions.publish_version(FunctionName="listed")
    assert [["$LATEST", "1"], ["2"]] == pages("list_versions_by_function", "Versions", "Version", FunctionName="listed")
    assert [["a", "b"], ["c"]] == pages("list_aliases", "Aliases", "Name", FunctionName="listed")
    assert [["a", "c"]] == pages("list_aliases", "Aliases", "Name", FunctionName="listed", FunctionVersion="1")
    for call in (functions.list_versions_by_function, functions.list_aliases):
        with pytest.raises(ClientError) as caught:
            call(FunctionName="nowhere")
        assert "ResourceNotFoundException" == code_of(caught.value)
