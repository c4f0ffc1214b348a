"""Sessions of botocore: with a profile, with the keys of a sandbox, or in a role that is taken on.

They raise NoCredentials where there is no such profile, or where it asks for a code that nobody can type.
"""

import functools
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cruddur_ops import redaction, state
from cruddur_ops.errors import NoCredentials
from cruddur_ops.garbage import uncollected

PRELOADED = ("sts", "ssm", "rds", "ec2", "secretsmanager", "lambda", "cognito-idp", "logs", "iam", "cloudwatch")
NO_KEYS = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}  # where none are known: never the user's
# The sandbox asks for nothing that a user's files say, nor for the profile that AWS_PROFILE names.
NO_FILES = {"profile": (None,) * 4, **dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))}
Role = tuple[str, str]  # its ARN and external id, empty where there is none


@functools.cache
def session(profile: str, sandbox: str) -> Any:
    """With the credentials of the profile, or with the keys of the sandbox at this URL; it has read what all its clients need."""
    from botocore.exceptions import ProfileNotFound

    if sandbox:
        made = _new(session_vars=NO_FILES)
        keys = {**NO_KEYS, **state.sandbox_keys(sandbox)}
        redaction.remember(keys["aws_secret_access_key"])
        made.set_credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        return made
    made = _new(profile or None)
    try:
        return _new() if _asks_for_code(made) else made
    except ProfileNotFound as error:
        remedy = "make it with `aws configure sso`, or name another in targets.toml"
        raise NoCredentials(f'AWS has no profile "{error.kwargs["profile"]}" on this machine: {remedy}') from error


def _new(profile: str | None = None, session_vars: Mapping[str, Any] | None = None) -> Any:
    """One that shares what the others have read of botocore's models."""
    from botocore.session import Session

    made = Session(profile=profile, session_vars=session_vars)
    made._components.lazy_register_component("data_loader", lambda: _models(made.get_config_variable("data_path")))
    return made


@functools.cache
def _models(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    return create_loader(data_path)


def read_models() -> None:
    """Read what most clients are made from, for the processes that are forked from this one."""
    from botocore.exceptions import BotoCoreError

    made = _new()
    with suppress(BotoCoreError, ValueError), uncollected():  # what is wrong with the configuration is told where it is used
        for service in PRELOADED:
            made.create_client(service, region_name="us-east-1", **NO_KEYS)


@functools.cache
def assumed(session: Any, region: str, role_arn: str, external_id: str) -> Any:
    """A session with the credentials of a role that this one takes on, renewed before they expire (STS API, AssumeRole)."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    extra = {"RoleSessionName": f"cruddur-ops-{os.getpid()}", **({"ExternalId": external_id} if external_id else {})}
    create = functools.partial(session.create_client, region_name=region)
    fetcher = AssumeRoleCredentialFetcher(create, session.get_credentials(), role_arn, extra_args=extra)
    made = _new()
    made._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return made


def _asks_for_code(session: Any) -> bool:
    """Whether its profile takes on a role with a code of MFA, and the environment has the keys of that already.

    botocore asks for the code on the terminal, in each process; a kernel has none.
    """
    session.get_scoped_config()  # raises ProfileNotFound
    profiles, name = session.full_config["profiles"], session.profile
    configs = [profiles.get(one, {}) for one in (name, profiles.get(name, {}).get("source_profile"))]
    asks = any({"mfa_serial", "role_arn"} <= config.keys() for config in configs)
    exported = "AWS_ACCESS_KEY_ID" in os.environ
    if asks and not exported and not (sys.stdin and sys.stdin.isatty()):
        message = f'profile "{name}" asks for an MFA code, and there is no terminal to type it on'
        raise NoCredentials(f'{message}: first `eval "$(aws configure export-credentials --profile {name} --format env)"`')
    return asks and exported
