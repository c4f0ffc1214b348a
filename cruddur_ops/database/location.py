"""Where a target's database is: in the URL that names it, else as RDS and Secrets Manager say.

Looking raises WrongInput where the URL is none of a PostgreSQL server, InstanceNotReady where the DB instance, its endpoint
or a password is not there (yet), and NotFound where there is nothing to verify the server's certificate with.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cruddur_ops import credentials
from cruddur_ops.database.certificates import root_certificate
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network.tunnel import entrance
from cruddur_ops.rds import instances, passwords
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

MAINTENANCE_DATABASE = "postgres"
FIELDS = {"host": "host", "port": "port", "database": "dbname", "user": "user", "password": "password"}


@dataclass(frozen=True)
class Location:
    """Where a database is, and how to get in."""

    host: str  # name or address, or the folder of a Unix socket; several are separated by commas
    port: str  # as text, since several may be named; empty for the default
    database: str  # its name
    user: str  # the role; empty for the default of libpq
    password: str = field(default="", repr=False)  # empty for none, or where libpq finds it elsewhere (PGPASSWORD, ~/.pgpass)
    # Other parameters of libpq, such as sslmode (PostgreSQL 18, chapter 32.1.2)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    source: str = ""  # where the URL came from, such as "environment CONNECTION_URL"; empty where RDS was asked
    role: str = ""  # that the session takes on after it has logged in as `user`; empty for none
    private: bool = False  # whether it has no public address, so that the way in is a tunnel or the VPC
    origin: str = ""  # whose the password is, in words
    secret: str = ""  # the name or ARN of the secret that has it; empty for none

    def __str__(self) -> str:
        """Such as "database cruddur on host:5432"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"database {self.database} on {host}" + (f":{self.port}" if self.port else "")

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of psycopg.connect; they hold the password."""
        named = {keyword: getattr(self, name) for name, keyword in FIELDS.items()}
        if self.role:
            named["options"] = " ".join(filter(None, [self.options.get("options"), f"-c role={escaped(self.role)}"]))
        return {**self.options, **{keyword: value for keyword, value in named.items() if value}}


def escaped(value: str) -> str:
    """A value within libpq's `options`, where white space and backslashes have a backslash before them (chapter 32.1.2)."""
    return re.sub(r"[\\ \t\n\v\f\r]", r"\\\g<0>", value)


def locate(target: Target, database: str | None = None) -> Location:
    """Find the database; on RDS with the password of this moment, since it is rotated.

    Where the target names a db_role, the way in is that role's: on RDS its own secret, behind a connection
    URL that of the URL's user, who takes the role on.

    Args:
        database: another database of the same server.
    """
    if target.connection_url:
        source = target.sources.get("connection_url", "connection_url")
        found = from_url(target.connection_url, database, target.db_name, source)
        return replace(found, role=target.db_role)
    return from_instance(target, database or target.db_name)


def database_name(target: Target) -> str:
    """The name of the target's database; asks nobody."""
    return locate(target).database if target.connection_url else target.db_name


def from_url(url: str, database: str | None, default: str, source: str) -> Location:
    """Read a URL as SQLAlchemy does; the options that it does not know itself go to libpq.

    Args:
        url: such as postgresql://user:password@host:5432/cruddur?sslmode=require.
        database: what to connect to instead of the database in the URL.
        default: what to connect to where the URL names none.
        source: where the URL came from, for messages. They never repeat the URL: it holds a password.
    """
    parameters = _url_parameters(url)
    if parameters and _misread(url, parameters):
        raise WrongInput(f"the connection URL ({source}) has an odd character in its user or password: write @ as %40, / as %2F")
    if parameters is None or not parameters.get("host"):
        example = "postgresql://USER:PASSWORD@HOST:5432/DATABASE, with odd characters percent-encoded"
        raise WrongInput(f"the connection URL ({source}) is not that of a PostgreSQL server: write it as {example}")
    named: dict[str, Any] = {name: str(parameters.pop(keyword, "")) for name, keyword in FIELDS.items()}
    named["database"] = database or named["database"] or default
    origin = f"that of the connection URL ({source})" if named["password"] else "what libpq finds in PGPASSWORD or ~/.pgpass"
    return Location(**named, options=parameters, source=source, origin=origin)


def _misread(url: str, parameters: Mapping[str, Any]) -> bool:
    """Whether the rest of a password may have been taken for the host or the database."""
    taken = f"{parameters.get('host', '')}{parameters.get('dbname', '')}"
    return url.count("@") > 1 or "@" in url and "@" in taken and not parameters.get("user")


def _url_parameters(url: str) -> dict[str, Any] | None:
    """The parameters of libpq; None for a URL that cannot be used."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo
    from sqlalchemy.dialects.postgresql import psycopg as dialects
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    dialect: Any = dialects.dialect

    try:
        parsed = make_url(url)
        _, parameters = dialect().create_connect_args(parsed)
        make_conninfo(**parameters)  # knows libpq's options
    except (ArgumentError, ProgrammingError, ValueError):
        return None
    backend = parsed.drivername.partition("+")[0]
    usable = all(not isinstance(value, tuple) and "\0" not in str(value) for value in parameters.values())
    return parameters if usable and backend in ("postgresql", "postgres") else None


def from_instance(target: Target, database: str) -> Location:
    """Ask RDS for the endpoint and Secrets Manager for the name and password of the role, else of the master user."""
    instance = instances.require(target)
    instances.require_recoverable(instance)
    if not instance.host:
        message = f"{instance.identifier} is {instance.status} and has no endpoint yet"
        raise InstanceNotReady(f"{message}: run 01_provision_rds, which waits for it")
    origin, kept_in, secret = _role_secret(target, instance) if target.db_role else _master_secret(target, instance)
    address, port = entrance(target, instance.endpoint_port)
    options = {"sslmode": "verify-full", "sslrootcert": str(root_certificate(target))} | (
        {"hostaddr": address} if address else {}
    )
    user = secret.get("username") or instance.master_username
    private = not instance.publicly_accessible
    place = (instance.host, str(port), database, user, secret["password"])
    return Location(*place, options, private=private, origin=origin, secret=kept_in)


def secret_name(identifier: str, role: str) -> str:
    """The name of a login role's secret, such as "cruddur-db-instance/cruddur_app"."""
    return f"{identifier}/{role}"


def _role_secret(target: Target, instance: Instance) -> tuple[str, str, Mapping[str, Any]]:
    """That of the target's db_role; a read replica has the roles of its source."""
    remedy = "run 03_load_schema_and_seed, which sees to the secrets of cruddur_app and cruddur_reader, or unset db_role"
    name = secret_name(instance.source or instance.identifier, target.db_role)
    return f"that of the role's secret {name}", name, credentials.require(target, name, remedy)


def _master_secret(target: Target, instance: Instance) -> tuple[str, str, Mapping[str, Any]]:
    """The master user's password: managed by RDS, else in the secret of the operator's, or that which `passwords` made.

    Source: Amazon RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager".
    """
    own = target.master_user_secret or passwords.secret_name(instance)
    name = instance.secret_arn or own
    found = credentials.read(target, name)
    if not found:
        reason = "the secret of {} is gone" if instance.secret_arn else "{} does not keep its password in Secrets Manager"
        remedy = "name the secret that has it in master_user_secret, or give the target a connection_url"
        raise InstanceNotReady(f"{reason.format(instance.identifier)}: {remedy}")
    return "the one that RDS manages, and rotates" if instance.secret_arn else f"that of the secret {own}", name, found
