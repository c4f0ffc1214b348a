"""IAM database authentication: who logs in by a token, and whether that is good.

Source: Amazon RDS User Guide, "IAM database authentication for MariaDB, MySQL, and PostgreSQL" and "Connecting to your DB
instance using IAM authentication": signed for `rds-db`, the endpoint and the user, good for 15 minutes, over TLS alone.
"""

import functools
from typing import Any

from werkzeug.wrappers import Request

from rds_sandbox import authorization, signatures
from rds_sandbox.logins import Login
from rds_sandbox.postgres import roles
from rds_sandbox.tables import limits

MOST_SECONDS = limits("rds")["token"]


def examines(instance: Any) -> bool:
    """Whether a login may depend on the memberships of a role."""
    return bool(instance.enable_iam_database_authentication) or instance.parameters.get("rds.logical_replication") == "1"


def login(instance: Any, user: str) -> Login | None:
    """How the role logs in, where not by a password of its own."""
    source = instance
    while source.source:  # whose roles a replica has
        source = source.source
    server, iam = source.machine.running_server(), bool(instance.enable_iam_database_authentication)
    verifier = roles.prepare_login(server, user, iam=iam, known=source.verifiers.get(user))
    if verifier is None:
        return None
    source.verifiers[user] = verifier
    return Login(functools.partial(_accepts, instance, user), roles.iam_password(server, user))


def _accepts(instance: Any, user: str, token: str) -> bool:
    place, _, query = token.partition("/?")
    address, port = instance.machine.endpoint or ("", 0)
    where = {"wsgi.url_scheme": "https", "SERVER_NAME": address, "SERVER_PORT": str(port), "HTTP_HOST": place}
    request = Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": query, "REQUEST_URI": f"/?{query}", **where})
    try:
        signatures.require(request, b"", instance.machine.host.keys)
    except signatures.Refused:
        return False
    said = {name: request.args.get(name, "") for name in ("Action", "DBUser", "X-Amz-Expires", "X-Amz-Credential")}
    key_id, _, *scope = said.pop("X-Amz-Credential").split("/")[:4]
    good = int(said.pop("X-Amz-Expires") or MOST_SECONDS + 1) <= MOST_SECONDS
    host = instance.machine.host
    wanted = [f"{address}:{port}", [instance.region, "rds-db"], {"Action": "connect", "DBUser": user}]
    right = [place, scope, said] == wanted
    return good and right and (not host.iam or authorization.may_connect(key_id, instance, user, host.keys.owner.key_id))
