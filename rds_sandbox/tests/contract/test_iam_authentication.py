"""IAM database authentication, through boto3 and psycopg.

Amazon RDS User Guide, "IAM database authentication for MariaDB, MySQL, and PostgreSQL".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.instance import create, run
from tests.support import REGION, Client, connect, make_client

REFUSED = 'PAM authentication failed for user "jane"'


@pytest.fixture(scope="module")
def instance(sandbox: Mapping[str, str], rds: Client, group: str) -> dict[str, Any]:
    """An instance that allows it, with a role that may use it and one that may not."""
    made = create(rds, "tokens", group, EnableIAMDatabaseAuthentication=True)
    run(
        sandbox,
        made,
        "CREATE ROLE jane LOGIN PASSWORD 'of her own'",
        "GRANT rds_iam TO jane",
        "CREATE ROLE bob LOGIN PASSWORD 'bob'",
    )
    return made


def token(rds: Client, instance: Mapping[str, Any], **changes: Any) -> str:
    """A token for jane, as the SDK makes it."""
    place = {"DBHostname": instance["Endpoint"]["Address"], "Port": instance["Endpoint"]["Port"], "DBUsername": "jane", **changes}
    made: str = rds.generate_db_auth_token(**place)
    return made


def test_a_token_is_the_password(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """Again and again while it is good; the session is that of the role, and whoever is not in rds_iam has a password."""
    password = token(rds, instance)
    for _ in range(2):
        with connect(sandbox, instance, user="jane", password=password) as connection:
            assert ("jane", "jane") == connection.execute("SELECT session_user, current_user").fetchone()
    with connect(sandbox, instance, user="bob", password="bob"):
        pass
    assert [(1,)] == run(sandbox, instance, "SELECT 1")  # the master user may grant rds_iam, and does not have it


def late(sandbox: Mapping[str, str], instance: Mapping[str, Any], seconds: int) -> str:
    """A token that is good for so many seconds."""
    request = AWSRequest("GET", f"https://{instance['Endpoint']['Address']}:5432/?Action=connect&DBUser=jane")
    credentials = Credentials(sandbox["AWS_ACCESS_KEY_ID"], sandbox["AWS_SECRET_ACCESS_KEY"])
    SigV4QueryAuth(credentials, "rds-db", REGION, seconds).add_auth(request)
    return str(request.url).removeprefix("https://")


def test_what_is_no_password(sandbox: Mapping[str, str], rds: Client, instance: dict[str, Any]) -> None:
    """Another user's, host's, port's or region's token, another's key, one that is good for too long, what is none."""
    stranger = make_client({**sandbox, "AWS_SECRET_ACCESS_KEY": "wrong"}, "rds")
    good = token(rds, instance)
    wrong = [
        token(rds, instance, DBUsername="bob"),
        token(rds, instance, DBHostname="127.0.0.9"),
        token(rds, instance, Port=5433),
        token(rds, instance, Region="us-east-1"),
        token(stranger, instance),
        late(sandbox, instance, 901),
        late(sandbox, instance, 0),
        good.replace(quote(sandbox["AWS_ACCESS_KEY_ID"]), "AKIAAAAAAAAAAAAAAAAA"),
        "of her own",
        "",
    ]
    for password in wrong:
        with pytest.raises(psycopg.OperationalError) as caught:
            connect(sandbox, instance, user="jane", password=password or "x")
        assert REFUSED in str(caught.value), password


def test_only_with_tls(sandbox: Mapping[str, str], rds: Client, group: str) -> None:
    """Where rds.force_ssl is off too; and where the instance does not allow it, a token is a wrong password."""
    rds.create_db_parameter_group(DBParameterGroupName="plain", DBParameterGroupFamily="postgres18", Description="test")
    off = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="plain", Parameters=[off])
    made = create(rds, "without", group, EnableIAMDatabaseAuthentication=True, DBParameterGroupName="plain")
    run(sandbox, made, "CREATE ROLE jane LOGIN", "GRANT rds_iam TO jane", sslmode="disable")
    password = token(rds, made)
    with pytest.raises(psycopg.OperationalError, match="no pg_hba.conf entry for host .* no encryption"):
        connect(sandbox, made, user="jane", password=password, sslmode="disable")
    rds.modify_db_instance(DBInstanceIdentifier="without", EnableIAMDatabaseAuthentication=False, ApplyImmediately=True)
    waited = 0
    while rds.describe_db_instances(DBInstanceIdentifier="without")["DBInstances"][0]["IAMDatabaseAuthenticationEnabled"]:
        waited += 1
        assert waited < 1000
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(sandbox, made, user="jane", password=password)
