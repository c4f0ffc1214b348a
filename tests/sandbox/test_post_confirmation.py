"""From a sign-up in Cognito to the row: the deployment, what it survives, and what it says when it cannot work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from cruddur_ops import aws, cognito, database, ledger, network, rds
from cruddur_ops.cli import main
from cruddur_ops.cognito.names import function_name
from cruddur_ops.cognito.trial import HandleInUse, Trial, TriggerFailed
from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.roles import APP
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.plan import Plan
from cruddur_ops.targets import Target
from tests.sandbox.support import Client, make_client, wait_for

PLANS: tuple[Callable[[Target], Plan], ...] = (
    cognito.plan_pool,
    cognito.plan_identity,
    cognito.plan_function,
    cognito.plan_trigger,
)


@pytest.fixture(scope="module")
def deployed(module_target: Target) -> Target:
    """A target with a seeded database and the function, on a sandbox that was empty before."""
    provision(module_target)
    deploy(module_target)
    return module_target


def provision(target: Target) -> None:
    """What the notebooks 01 to 03 do."""
    for plan in (rds.plan_group, rds.plan_instance):
        rds.apply(plan(target), target)
    rds.wait(target)
    network.plan_access(target).apply()
    for step in (database.create, database.ensure_roles, database.load_schema, database.seed):
        step(target)


def deploy(target: Target) -> None:
    """What 05 does."""
    for plan in PLANS:
        cognito.apply(plan(target), target)


@pytest.fixture
def pool_client(sandbox: Mapping[str, str]) -> Client:
    """boto3's client of the user pools."""
    return make_client(sandbox, "cognito-idp")


@pytest.fixture
def trials(deployed: Target) -> Iterator[Callable[[str], Trial]]:
    """Signs users up, and removes them afterwards."""
    made = []

    def sign_up(handle: str) -> Trial:
        made.append(cognito.sign_up(deployed, handle))
        return made[-1]

    yield sign_up
    for trial in made:
        cognito.remove(deployed, trial)


def mended(target: Target) -> None:
    """Apply whatever is missing."""
    cognito.apply(cognito.plan(target), target)


def test_a_confirmed_user_appears(deployed: Target, trials: Callable[[str], Trial]) -> None:
    """The row, and the log of the invocation without a word about the user."""
    trial = trials("kosh")
    assert {} == cognito.row(deployed, trial)
    cognito.confirm_sign_up(deployed, trial)
    assert {"handle": "kosh", "display_name": "Trial of the runbook"} == cognito.row(deployed, trial)
    log = cognito.tail(deployed, trial.since)
    assert "INFO, row inserted" == repr(log)
    assert [] == [line for line in log.messages if "kosh" in line or trial.sub in line or "@" in line]


def test_a_trial_leaves_nothing(deployed: Target) -> None:
    """Neither user nor row nor app client; one that was left behind does not stand in the way."""
    before = database.counts(deployed)
    cognito.confirm_sign_up(deployed, cognito.sign_up(deployed, "kosh"))
    again = cognito.sign_up(deployed, "kosh")
    cognito.confirm_sign_up(deployed, again)
    cognito.remove(deployed, again)
    assert before == database.counts(deployed)
    clients = aws.client(deployed, "cognito-idp").list_user_pool_clients(UserPoolId=again.pool_id, MaxResults=60)
    assert [] == clients["UserPoolClients"]


def test_a_trial_takes_no_handle_of_the_application(deployed: Target) -> None:
    """A user who is there is not touched."""
    with pytest.raises(HandleInUse, match="try another handle"):
        cognito.sign_up(deployed, "andrew")


def test_a_protected_target_asks_for_its_name(deployed: Target) -> None:
    """Before a user is signed up, or a row written."""
    guarded = replace(deployed, protected=True)
    for step in (lambda: cognito.sign_up(guarded, "kosh"), lambda: cognito.apply(cognito.plan_undeploy(guarded), guarded)):
        with pytest.raises(ConfirmationRequired):
            step()


def test_an_unchanged_deployment_makes_no_write(deployed: Target) -> None:
    """The second plan is empty: so many calls, each of which only reads."""
    cognito.plan(deployed)  # a client's first call may do more
    made: Counter[str] = Counter()
    services = ("cognito-idp", "ec2", "iam", "lambda", "logs", "rds", "secretsmanager", "sts")
    for service in services:
        events = aws.client(deployed, service).meta.events
        events.register_first("before-call", lambda model, **_: made.update([model.name]), unique_id="count")
    try:
        plan = cognito.plan(deployed)
    finally:
        for service in services:
            aws.client(deployed, service).meta.events.unregister("before-call", unique_id="count")
    assert () == plan.mutating
    assert [] == [name for name in made if ledger.mutating(name)]
    assert 13 == made.total(), made


def test_everything_is_tagged(deployed: Target, sandbox: Mapping[str, str]) -> None:
    """With its owner, so that a listing by tag finds it."""
    name = function_name(deployed)
    function = make_client(sandbox, "lambda").get_function(FunctionName=name)["Tags"]
    role = {tag["Key"]: tag["Value"] for tag in make_client(sandbox, "iam").get_role(RoleName=name)["Role"]["Tags"]}
    logs = make_client(sandbox, "logs").list_tags_log_group(logGroupName=f"/aws/lambda/{name}")["tags"]
    ec2 = make_client(sandbox, "ec2")
    by_tag = [{"Name": "tag:ManagedBy", "Values": ["cruddur-ops"]}]
    groups = [group["GroupName"] for group in ec2.describe_security_groups(Filters=by_tag)["SecurityGroups"]]
    rules = ec2.describe_security_group_rules(Filters=by_tag)["SecurityGroupRules"]
    assert {"cruddur-ops"} == {tags["ManagedBy"] for tags in (function, role, logs)}
    assert name in groups
    assert 2 == len([rule for rule in rules if "ReferencedGroupInfo" in rule])
    assert 1 == len(ec2.describe_vpc_endpoints(Filters=by_tag)["VpcEndpoints"])


def test_a_missing_rule_is_named(deployed: Target, trials: Callable[[str], Trial], sandbox: Mapping[str, str]) -> None:
    """The function hears nothing from the database: the error says which rule would let it in."""
    ec2 = make_client(sandbox, "ec2")
    filters = [{"Name": "tag:ManagedBy", "Values": ["cruddur-ops"]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    [rule] = [rule for rule in rules if "ReferencedGroupInfo" in rule and rule["FromPort"] == deployed.port]
    ec2.revoke_security_group_ingress(GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    end_connections(deployed)
    trial = trials("kosh")
    with pytest.raises(TriggerFailed) as raised:
        cognito.confirm_sign_up(deployed, trial)
    name = function_name(deployed)
    missing = f"missing: + security-group rule for {name} = tcp 5432 from security group {name}: apply the plans"
    assert missing in str(raised.value)
    assert "DatabaseUnavailable" in repr(cognito.tail(deployed, trial.since))
    mended(deployed)
    assert "1 created" in sync(deployed)
    assert cognito.row(deployed, trial)


def end_connections(target: Target) -> None:
    """End the connection that the function keeps."""
    with connect(target) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'post-confirmation'")


def sync(target: Target) -> str:
    """Run `cruddur-ops users sync`, and return what it said."""
    result = CliRunner().invoke(main, ["users", "sync"])
    assert 0 == result.exit_code, result.output
    assert "@example.com" not in result.output and "amazonses" not in result.output
    return result.output


def test_a_missing_permission_is_named(deployed: Target, trials: Callable[[str], Trial], sandbox: Mapping[str, str]) -> None:
    """Cognito may not call the function."""
    functions, name = make_client(sandbox, "lambda"), function_name(deployed)
    for statement in json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]:
        functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    trial = trials("kosh")
    with pytest.raises(TriggerFailed, match=rf"UnexpectedLambdaException: .+ missing: \+ permission to call {name}"):
        cognito.confirm_sign_up(deployed, trial)
    mended(deployed)
    assert () == cognito.plan(deployed).mutating


def test_a_secret_that_is_rotated_between_two_calls(
    deployed: Target, trials: Callable[[str], Trial], secretsmanager: Client
) -> None:
    """The kept one no longer works: it is read anew, and the caller does not notice."""
    cognito.confirm_sign_up(deployed, trials("kosh"))
    name = secret_name(deployed.db_instance_identifier, APP)
    value = json.loads(secretsmanager.get_secret_value(SecretId=name)["SecretString"])
    secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps({**value, "password": "correct-horse-battery"}))
    database.ensure_roles(deployed)
    end_connections(deployed)
    second = trials("ulkesh")
    cognito.confirm_sign_up(deployed, second)
    assert cognito.row(deployed, second)


def test_a_database_that_is_restarted_while_the_connection_is_kept(
    deployed: Target, trials: Callable[[str], Trial], rds: Client
) -> None:
    """The next call connects anew."""
    cognito.confirm_sign_up(deployed, trials("kosh"))
    rds.reboot_db_instance(DBInstanceIdentifier=deployed.db_instance_identifier)
    wait_for(rds, deployed.db_instance_identifier, "available")
    second = trials("ulkesh")
    cognito.confirm_sign_up(deployed, second)
    assert cognito.row(deployed, second)


def test_a_taken_handle_leaves_a_confirmed_user_whom_sync_reports(
    deployed: Target, trials: Callable[[str], Trial], pool_client: Client
) -> None:
    """The application shows why; nobody is lost: with another handle the user gets a row."""
    trial = trials("kosh")
    own = [{"Name": "preferred_username", "Value": "Londo"}]
    pool_client.admin_update_user_attributes(UserPoolId=trial.pool_id, Username=trial.username, UserAttributes=own)
    with pytest.raises(TriggerFailed, match="this preferred_username is taken: choose another"):
        cognito.confirm_sign_up(deployed, trial)
    own = [{"Name": "preferred_username", "Value": "kosh"}]
    assert "CONFIRMED" == pool_client.admin_get_user(UserPoolId=trial.pool_id, Username=trial.username)["UserStatus"]
    pool_client.admin_update_user_attributes(UserPoolId=trial.pool_id, Username=trial.username, UserAttributes=own)
    assert "+ user @kosh" in sync(deployed)
    assert "1 confirmed users of the pool have their rows" in sync(deployed)


def test_sync_reads_all_pages(deployed: Target, pool_client: Client) -> None:
    """More users than one page holds; seeded ones get their Cognito ids by handle, rows of users who are gone are reported."""
    pool_id = cognito_pool(deployed)
    handles = ["andrew", *(f"ranger{number:03}" for number in range(61))]
    for handle in handles:
        add_user(pool_client, pool_id, handle)
    assert "61 created, 1 changed, 0 deleted" in sync(deployed)
    assert "62 confirmed users of the pool have their rows" in sync(deployed)
    for handle in handles:
        pool_client.admin_delete_user(UserPoolId=pool_id, Username=f"{handle}@pool.example.com")
    assert "  i @andrew: the user is gone from the pool, and the row is left" in sync(deployed)
    with connect(deployed) as connection:
        connection.execute("DELETE FROM users WHERE handle LIKE 'ranger%'")
        connection.execute("UPDATE users SET cognito_user_id = NULL")


def cognito_pool(target: Target) -> str:
    """The id of the target's pool."""
    return str(cognito.pool.require(target)["Id"])


def add_user(client: Client, pool_id: str, handle: str) -> None:
    """A confirmed user for whom no trigger was called."""
    attributes = {"email": f"{handle}@pool.example.com", "name": handle.title(), "preferred_username": handle}
    given = [{"Name": name, "Value": value} for name, value in attributes.items()]
    client.admin_create_user(UserPoolId=pool_id, Username=attributes["email"], UserAttributes=given, MessageAction="SUPPRESS")
    client.admin_set_user_password(UserPoolId=pool_id, Username=attributes["email"], Password="Correct-horse-1", Permanent=True)


def test_an_existing_pool_keeps_its_settings(deployed: Target, pool_client: Client) -> None:
    """All but the trigger are as before, when the function is attached and when it is taken off again."""
    pool_id = pool_client.create_user_pool(
        PoolName="existing",
        Policies={"PasswordPolicy": {"MinimumLength": 14, "RequireSymbols": True, "TemporaryPasswordValidityDays": 2}},
        AutoVerifiedAttributes=["email"],
        UsernameAttributes=["email"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": False},
        UserPoolTags={"Team": "cruddur"},
        DeletionProtection="ACTIVE",
        AccountRecoverySetting={"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    )["UserPool"]["Id"]
    target = replace(deployed, user_pool_id=pool_id)
    before = settings(pool_client, pool_id)
    assert "user pool " + pool_id in str(cognito.plan_trigger(target))
    cognito.apply(cognito.plan_trigger(target), target)
    arn = f"arn:aws:lambda:{target.region}:123456789012:function:{function_name(target)}"
    assert {**before, "LambdaConfig": {"PostConfirmation": arn}} == settings(pool_client, pool_id)
    assert () == cognito.plan_trigger(target).mutating
    [change] = [change for change in cognito.plan_undeploy(target).changes if "user pool" in change.resource]
    cognito.apply(Plan("take the trigger off", (change,)), target)
    assert before == settings(pool_client, pool_id)


def settings(client: Client, pool_id: str) -> dict[str, Any]:
    """The pool's settings, without what the update itself changes."""
    found: dict[str, Any] = client.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    return {"LambdaConfig": {}, **{name: value for name, value in found.items() if name != "LastModifiedDate"}}


def test_the_next_run_of_02_leaves_the_functions_rule_alone(deployed: Target) -> None:
    """It is of the same owner, and none of the operator's."""
    plan = network.plan_access(deployed)
    assert () == plan.mutating
    assert [] != [fact for fact in plan.facts if fact.startswith("left alone: tcp 5432 from sg-")]


def test_undoing_leaves_nothing(deployed: Target, sandbox: Mapping[str, str]) -> None:
    """And can be done twice; afterwards the deployment is made again from the beginning."""
    cognito.apply(cognito.plan_undeploy(deployed), deployed)
    assert () == cognito.plan_undeploy(deployed).mutating
    ec2, iam = make_client(sandbox, "ec2"), make_client(sandbox, "iam")
    by_tag = [{"Name": "tag:ManagedBy", "Values": ["cruddur-ops"]}]
    assert [] == make_client(sandbox, "lambda").list_functions()["Functions"]
    assert [] == [
        group for group in ec2.describe_security_groups()["SecurityGroups"] if "post-confirmation" in group["GroupName"]
    ]
    assert [] == [one for one in ec2.describe_vpc_endpoints(Filters=by_tag)["VpcEndpoints"] if one["State"] != "deleted"]
    assert [] == [role for role in iam.list_roles()["Roles"] if "post-confirmation" in role["RoleName"]]
    assert [] == make_client(sandbox, "logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    deploy(deployed)
    assert () == cognito.plan(deployed).mutating


def test_the_function_connects_as_the_application(deployed: Target, trials: Callable[[str], Trial]) -> None:
    """Not as the master user, over its own connection."""
    cognito.confirm_sign_up(deployed, trials("kosh"))
    with connect(deployed) as connection:
        found = connection.execute("SELECT usename FROM pg_stat_activity WHERE application_name = 'post-confirmation'")
        assert {(APP,)} == set(found.fetchall())
