"""From a sign-up in Cognito to the row: the deployment, what it survives, and what it says when it cannot work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from cruddur_ops import aws, calls, cognito, database, ledger, network, rds
from cruddur_ops.cli import main
from cruddur_ops.cognito import function, function_network, pool
from cruddur_ops.cognito.names import function_name
from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import secret_name
from cruddur_ops.database.roles import APP
from cruddur_ops.diagnosis.ladder import State
from cruddur_ops.errors import ConfirmationRequired, InUse, NotFound, NotVerified, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.target import Target
from tests.sandbox.support import Client, make_client, make_group, tcp, wait_for

MARKS = {"ManagedBy": "cruddur-ops", "DBInstance": "cruddur-db-instance"}
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
        plan(target).apply()
    rds.wait(target)
    network.plan_access(target).apply()
    for plan in (database.plan_create, database.plan_roles, database.plan_schema, database.plan_seed):
        plan(target).apply()


def deploy(target: Target) -> None:
    """What 05 does."""
    for plan in PLANS:
        plan(target).apply()


@pytest.fixture
def pool_client(sandbox: Mapping[str, str]) -> Client:
    """boto3's client of the user pools."""
    return make_client(sandbox, "cognito-idp")


@pytest.fixture
def smoke_test(deployed: Target) -> Iterator[Callable[[str], Plan]]:
    """Plans a smoke test, and removes afterwards what came of it."""
    handles = []

    def plan(handle: str) -> Plan:
        handles.append(handle)
        return cognito.plan_smoke_test(deployed, handle)

    yield plan
    for handle in handles:
        cognito.plan_smoke_test_removal(deployed, handle).apply()


def mended(target: Target) -> None:
    """Apply whatever is missing."""
    cognito.plan(target).apply()


def test_a_confirmed_user_appears(deployed: Target, smoke_test: Callable[[str], Plan], pool_client: Client) -> None:
    """The row, and the log of the invocation without a word about the user."""
    plan = smoke_test("kosh")
    assert {} == cognito.smoke_test_row(deployed, "kosh")
    assert "2 created, 0 changed, 0 deleted, 0 unchanged" == str(plan.apply())
    assert "verified: user @kosh and row of @kosh are as wanted" == repr(plan.verify())
    assert {"handle": "kosh", "display_name": "Smoke test of the runbook"} == cognito.smoke_test_row(deployed, "kosh")
    log = cognito.smoke_test_log(deployed, "kosh")
    assert "INFO, row inserted" == repr(log)
    [user] = pool_client.list_users(UserPoolId=cognito_pool(deployed))["Users"]
    sub = next(attribute["Value"] for attribute in user["Attributes"] if attribute["Name"] == "sub")
    assert [] == [line for line in log.messages if "kosh" in line or sub in line or "@" in line]


@pytest.mark.parametrize("rung", ["security group", "permission", "trigger", "function"])
def test_what_keeps_the_function_from_the_database_is_found(deployed: Target, sandbox: Mapping[str, str], rung: str) -> None:
    """At its rung of the function's ladder, and at no other; the deployment mends it, as the remedy says."""
    name = function_name(deployed)
    found = function_network.describe(deployed)
    assert found.group is not None
    [admitting] = [rule for rule in found.rules if rule.source == found.group.id and rule.group_id != found.group.id]
    [statement] = list((function.describe(deployed) or function.Function({})).statements)
    functions = make_client(sandbox, "lambda")
    breaks: dict[str, Callable[[], object]] = {
        "security group": lambda: calls.send(deployed, admitting.revocation()),
        "permission": lambda: functions.remove_permission(FunctionName=name, StatementId=statement),
        "trigger": lambda: calls.send(deployed, pool.trigger_change(deployed, pool.describe(deployed), "").calls[0]),
        "function": lambda: functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}}),
    }
    breaks[rung]()
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    ladder = cognito.diagnose(deployed)
    mended(deployed)
    failed = [one.name for one in ladder.rungs if one.state is not State.PASSED]
    assert ([rung], True) == (failed, cognito.diagnose(deployed).sound), ladder


def test_a_smoke_test_leaves_nothing(deployed: Target, pool_client: Client) -> None:
    """Neither user nor row nor app client; what an earlier one left is removed first."""
    before, pool_id = database.counts(deployed), cognito_pool(deployed)
    cognito.plan_smoke_test(deployed, "kosh").apply()
    client = "cruddur-ops-smoke-test-cruddur-db-instance"
    for name in (client, f"{client}-2"):
        pool_client.create_user_pool_client(UserPoolId=pool_id, ClientName=name)
    again = cognito.plan_smoke_test(deployed, "kosh")
    left = [f"app client {client}", "row of @kosh", "user @kosh"]
    assert [f"{name} of an earlier smoke test" for name in left] == [one.resource for one in again.changes][:3]
    assert "2 created, 0 changed, 3 deleted, 0 unchanged" == str(again.apply())
    removal = cognito.plan_smoke_test_removal(deployed, "kosh")
    removal.apply()
    assert "verified: row of @kosh and user @kosh are gone" == repr(removal.verify())
    assert (before, []) == (database.counts(deployed), pool_client.list_users(UserPoolId=pool_id)["Users"])
    [other] = pool_client.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)["UserPoolClients"]
    assert f"{client}-2" == other["ClientName"]  # of another target
    pool_client.delete_user_pool_client(UserPoolId=pool_id, ClientId=other["ClientId"])


def test_a_smoke_test_takes_no_handle_of_the_application(deployed: Target) -> None:
    """A user who is there is not touched."""
    for plan in (cognito.plan_smoke_test, cognito.plan_smoke_test_removal):
        with pytest.raises(WrongInput, match="the handle of the smoke test cannot be 'a b': it is up to 40"):
            plan(deployed, "a b")
        with pytest.raises(InUse, match="try another handle"):
            plan(deployed, "andrew")
    with pytest.raises(InUse, match="try another handle"):  # before the pool, and all the rest, is made
        cognito.plan_smoke_test(replace(deployed, user_pool_name="elsewhere"), "andrew")


def test_a_protected_target_asks_for_its_name(deployed: Target) -> None:
    """Before a user is signed up, or a row written."""
    guarded = replace(deployed, protected=True)
    for plan in (cognito.plan_smoke_test(guarded, "kosh"), cognito.plan_undeploy(guarded)):
        with pytest.raises(ConfirmationRequired):
            plan.apply()


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
    assert 14 == made.total(), made


def test_everything_is_tagged(deployed: Target, sandbox: Mapping[str, str]) -> None:
    """With its owner and the instance that it is for, so that a listing by tag finds it."""
    name = function_name(deployed)
    function = make_client(sandbox, "lambda").get_function(FunctionName=name)["Tags"]
    role = {tag["Key"]: tag["Value"] for tag in make_client(sandbox, "iam").get_role(RoleName=name)["Role"]["Tags"]}
    logs = make_client(sandbox, "logs").list_tags_log_group(logGroupName=f"/aws/lambda/{name}")["tags"]
    ec2 = make_client(sandbox, "ec2")
    by_tag = [{"Name": f"tag:{key}", "Values": [value]} for key, value in MARKS.items()]
    groups = [group["GroupName"] for group in ec2.describe_security_groups(Filters=by_tag)["SecurityGroups"]]
    rules = ec2.describe_security_group_rules(Filters=by_tag)["SecurityGroupRules"]
    assert all(MARKS.items() <= tags.items() for tags in (function, role, logs))
    assert deployed.region == role["Region"]
    assert name in groups
    assert 2 == len([rule for rule in rules if "ReferencedGroupInfo" in rule])
    assert 1 == len(ec2.describe_vpc_endpoints(Filters=by_tag)["VpcEndpoints"])


def test_a_missing_rule_is_named(deployed: Target, smoke_test: Callable[[str], Plan], sandbox: Mapping[str, str]) -> None:
    """The function hears nothing from the database: the error says which rule would let it in."""
    ec2 = make_client(sandbox, "ec2")
    filters = [{"Name": "tag:ManagedBy", "Values": ["cruddur-ops"]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    [rule] = [rule for rule in rules if "ReferencedGroupInfo" in rule and rule["FromPort"] == deployed.port]
    ec2.revoke_security_group_ingress(GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    end_connections(deployed)
    with pytest.raises(NotVerified) as raised:
        smoke_test("kosh").apply()
    name = function_name(deployed)
    missing = f"missing: + security-group rule for {name} = tcp 5432 from security group {name}: apply the plans"
    assert missing in str(raised.value)
    assert "DatabaseUnavailable" in repr(cognito.smoke_test_log(deployed, "kosh"))
    mended(deployed)
    assert "1 created" in sync(deployed)
    assert cognito.smoke_test_row(deployed, "kosh")


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


def test_a_missing_permission_is_named(deployed: Target, smoke_test: Callable[[str], Plan], sandbox: Mapping[str, str]) -> None:
    """Cognito may not call the function."""
    functions, name = make_client(sandbox, "lambda"), function_name(deployed)
    for statement in json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]:
        functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    with pytest.raises(NotVerified, match=rf"UnexpectedLambdaException: .+ missing: \+ permission to call {name}"):
        smoke_test("kosh").apply()
    mended(deployed)
    assert () == cognito.plan(deployed).mutating


def test_a_secret_that_is_rotated_between_two_calls(
    deployed: Target, smoke_test: Callable[[str], Plan], secretsmanager: Client
) -> None:
    """The kept one no longer works: it is read anew, and the caller does not notice."""
    smoke_test("kosh").apply()
    name = secret_name(deployed.db_instance_identifier, APP)
    value = json.loads(secretsmanager.get_secret_value(SecretId=name)["SecretString"])
    secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps({**value, "password": "correct-horse-battery"}))
    database.plan_roles(deployed).apply()
    end_connections(deployed)
    smoke_test("ulkesh").apply()
    assert cognito.smoke_test_row(deployed, "ulkesh")


def test_a_database_that_is_restarted_while_the_connection_is_kept(
    deployed: Target, smoke_test: Callable[[str], Plan], rds: Client
) -> None:
    """The next call connects anew."""
    smoke_test("kosh").apply()
    rds.reboot_db_instance(DBInstanceIdentifier=deployed.db_instance_identifier)
    wait_for(rds, deployed.db_instance_identifier, "available")
    smoke_test("ulkesh").apply()
    assert cognito.smoke_test_row(deployed, "ulkesh")


def test_a_taken_handle_leaves_a_confirmed_user_whom_sync_reports(
    deployed: Target, smoke_test: Callable[[str], Plan], pool_client: Client
) -> None:
    """The application shows why; nobody is lost: with another handle the user gets a row."""
    user = {"UserPoolId": cognito_pool(deployed), "Username": "success+kosh@simulator.amazonses.com"}
    signing_up, confirming = smoke_test("kosh").changes
    assert signing_up.make and confirming.make
    signing_up.make()
    pool_client.admin_update_user_attributes(**user, UserAttributes=[{"Name": "preferred_username", "Value": "Londo"}])
    with pytest.raises(NotVerified, match="this preferred_username is taken: choose another"):
        confirming.make()
    assert "CONFIRMED" == pool_client.admin_get_user(**user)["UserStatus"]
    pool_client.admin_update_user_attributes(**user, UserAttributes=[{"Name": "preferred_username", "Value": "kosh"}])
    assert "+ user @kosh" in sync(deployed)
    assert "1 confirmed users of the pool have their rows" in sync(deployed)


@pytest.mark.thorough  # pages, and users who are gone, have tests of their own
def test_sync_reads_all_pages(deployed: Target, pool_client: Client) -> None:
    """More users than one page holds; rows of users who are gone are reported."""
    pool_id = cognito_pool(deployed)
    handles = [f"ranger{number:03}" for number in range(61)]
    for handle in handles:
        add_user(pool_client, pool_id, handle)
    assert "61 created, 0 changed, 0 deleted" in sync(deployed)
    assert "61 confirmed users of the pool have their rows" in sync(deployed)
    for handle in handles:
        pool_client.admin_delete_user(UserPoolId=pool_id, Username=f"{handle}@pool.example.com")
    assert "  i @ranger007: the user is gone from the pool, and the row is left" in sync(deployed)
    with connect(deployed) as connection:
        connection.execute("DELETE FROM users WHERE handle LIKE 'ranger%'")


def test_a_seeded_user_is_known_by_the_verified_email(deployed: Target, pool_client: Client) -> None:
    """A stranger who took the handle is named; the user gets the row, what changes later, and the row again as a new user."""
    pool_id, andrew = cognito_pool(deployed), "andrew@example.com"
    user = {"UserPoolId": pool_id, "Username": andrew}
    add_user(pool_client, pool_id, "andrew")
    assert "i @andrew (Cognito id" in sync(deployed)
    pool_client.admin_delete_user(UserPoolId=pool_id, Username="andrew@pool.example.com")

    add_user(pool_client, pool_id, "andrew", andrew)
    assert "which is that of @andrew, is not verified" in sync(deployed)
    pool_client.admin_update_user_attributes(**user, UserAttributes=[{"Name": "email_verified", "Value": "true"}])
    assert "~ user @andrew: Cognito id = none -> that of the pool" in sync(deployed)
    pool_client.admin_update_user_attributes(**user, UserAttributes=[{"Name": "name", "Value": "Andrew B."}])
    assert "~ user @andrew: display name = that of the pool" in sync(deployed)
    pool_client.admin_delete_user(**user)
    add_user(pool_client, pool_id, "andrew", andrew, email_verified="true")
    assert "~ user @andrew: Cognito id = of a user who is gone -> that of the pool" in sync(deployed)
    pool_client.admin_delete_user(**user)
    with connect(deployed) as connection:
        connection.execute("UPDATE users SET cognito_user_id = NULL")


def cognito_pool(target: Target) -> str:
    """The id of the target's pool."""
    return str(cognito.pool.require(target)["Id"])


def add_user(client: Client, pool_id: str, handle: str, email: str = "", **others: str) -> None:
    """A confirmed user for whom no trigger was called."""
    attributes = {"email": email or f"{handle}@pool.example.com", "name": handle.title(), "preferred_username": handle, **others}
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
    cognito.plan_trigger(target).apply()
    arn = f"arn:aws:lambda:{target.region}:123456789012:function:{function_name(target)}"
    assert {**before, "LambdaConfig": {"PostConfirmation": arn}} == settings(pool_client, pool_id)
    assert () == cognito.plan_trigger(target).mutating
    assert () == cognito.plan_remove_pool(target).mutating
    [change] = [change for change in cognito.plan_undeploy(target).changes if "user pool" in change.resource]
    for call in change.calls:
        calls.send(target, call)
    assert before == settings(pool_client, pool_id)


def settings(client: Client, pool_id: str) -> dict[str, Any]:
    """The pool's settings, without what the update itself changes."""
    found: dict[str, Any] = client.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    return {"LambdaConfig": {}, **{name: value for name, value in found.items() if name != "LastModifiedDate"}}


def test_a_pool_that_serves_another_function_is_left_to_it(deployed: Target, pool_client: Client) -> None:
    """Nothing of the deployment is even planned."""
    arn = f"arn:aws:lambda:{deployed.region}:123456789012:function:theirs"
    pool_id = pool_client.create_user_pool(PoolName="theirs", LambdaConfig={"PostConfirmation": arn})["UserPool"]["Id"]
    before = settings(pool_client, pool_id)
    for plan in (*PLANS, cognito.plan):
        with pytest.raises(WrongInput, match=f"the user pool {pool_id} calls {arn} upon a confirmation"):
            plan(replace(deployed, user_pool_id=pool_id))
    changed = {change.resource for change in cognito.plan_undeploy(replace(deployed, user_pool_id=pool_id)).mutating}
    assert f"user pool {pool_id}" not in changed
    assert before == settings(pool_client, pool_id)


def test_a_second_target_has_a_pool_of_its_own(deployed: Target) -> None:
    """Of the same name, and told from the first by its tags."""
    other = replace(deployed, db_instance_identifier="other")
    with pytest.raises(NotFound, match="run 05_post_confirmation_lambda"):
        cognito.pool.require(other)
    assert "known after 03_load_schema_and_seed" in str(cognito.plan_pool(other))


def test_a_function_of_somebody_else_is_neither_changed_nor_removed(deployed: Target, sandbox: Mapping[str, str]) -> None:
    """Though it has the name that ours would have; nor is its role, and both are told at once."""
    functions, roles, name = make_client(sandbox, "lambda"), make_client(sandbox, "iam"), function_name(deployed)
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"DBInstance": "other"})
    roles.tag_role(RoleName=name, Tags=[{"Key": "DBInstance", "Value": "other"}])
    both = f"there is a role {name} and a function {name} already, which was not made for cruddur-db-instance"
    try:
        with pytest.raises(WrongInput, match=both):
            cognito.plan_function(deployed)
        assert f"function {name}" not in {change.resource for change in cognito.plan_undeploy(deployed).mutating}
    finally:
        functions.tag_resource(Resource=arn, Tags={"DBInstance": "cruddur-db-instance"})
        roles.tag_role(RoleName=name, Tags=[{"Key": "DBInstance", "Value": "cruddur-db-instance"}])


def test_the_next_run_of_02_leaves_the_functions_rule_alone(deployed: Target) -> None:
    """It is of the same owner, and none of the operator's."""
    plan = network.plan_access(deployed)
    assert () == plan.mutating
    assert [] != [fact for fact in plan.facts if fact.startswith("left alone: tcp 5432 from sg-")]


def test_undoing_leaves_nothing(deployed: Target, sandbox: Mapping[str, str], pool_client: Client) -> None:
    """But what others have hung something on, until they have taken it off; then the deployment is made from the beginning."""
    ec2, iam, name = make_client(sandbox, "ec2"), make_client(sandbox, "iam"), function_name(deployed)
    named = [{"Name": "group-name", "Values": [name]}]
    group_id = ec2.describe_security_groups(Filters=named)["SecurityGroups"][0]["GroupId"]
    theirs = make_group(ec2, "theirs", tcp(443, UserIdGroupPairs=[{"GroupId": group_id}]))
    within = [{"Name": "group-id", "Values": [theirs]}]
    audit = {"RoleName": name, "PolicyArn": "arn:aws:iam::aws:policy/SecurityAudit"}
    iam.attach_role_policy(**audit)
    domain = {"UserPoolId": cognito_pool(deployed), "Domain": "cruddur"}
    pool_client.create_user_pool_domain(**domain)
    for plan in (cognito.plan_undeploy, cognito.plan_remove_pool):
        plan(deployed).apply()
        assert () == plan(deployed).mutating
    stays = {one.resource: one.note.rpartition(": ")[2] for one in cognito.plan_undeploy(deployed).changes}
    [rule] = [one for one in ec2.describe_security_group_rules(Filters=within)["SecurityGroupRules"] if not one["IsEgress"]]
    hung = {f"role {name}": "policy SecurityAudit", f"security group {name}": f"rule {rule['SecurityGroupRuleId']} of theirs"}
    assert hung == stays
    ec2.delete_security_group(GroupId=theirs)
    iam.detach_role_policy(**audit)
    pool_client.delete_user_pool_domain(**domain)
    for plan in (cognito.plan_undeploy, cognito.plan_remove_pool):
        plan(deployed).apply()
        assert () == plan(deployed).mutating
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


def test_the_function_connects_as_the_application(deployed: Target, smoke_test: Callable[[str], Plan]) -> None:
    """Not as the master user, over its own connection."""
    smoke_test("kosh").apply()
    with connect(deployed) as connection:
        found = connection.execute("SELECT usename FROM pg_stat_activity WHERE application_name = 'post-confirmation'")
        assert {(APP,)} == set(found.fetchall())
