"""A target: a place to act on, with its settings, what each may be, and which environment variables may give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from cruddur_ops import limits
from cruddur_ops.limits import Limit, between, like, listed, one_of

CHECKIP_URL = "https://checkip.amazonaws.com"


DEFAULT = "default"  # the source of what nobody gave


# By default RDS charges for a major version past its standard support; the second refuses instead.
EXTENDED_SUPPORT = "open-source-rds-extended-support"


NO_EXTENDED_SUPPORT = f"{EXTENDED_SUPPORT}-disabled"


PORT = 5432  # PostgreSQL's, where none is named
ENDPOINT = "AWS_ENDPOINT_URL"  # and with _ and a service's name after it (AWS SDKs and Tools Reference Guide)


def setting(default: Any, *variables: str, limit: Limit | None = None, secret: bool = False, file_only: bool = False) -> Any:
    """A setting with its default, the environment variables that may give it, and what it may be."""
    named = {"variables": variables, "limit": limit, "secret": secret, "file_only": file_only}
    return field(default=default, metadata=named)


@dataclass(frozen=True)
class Target:
    """A place to act on, with the settings that its DB instance is wanted to have.

    `account_id` pins it: no other account is read or changed, and without one a target that is not the sandbox only looks.
    Storage is in GiB, retention in days, money in USD. `sources` tells for each setting whether it
    came from a parameter, an environment variable, targets.toml or the default. `confirm` is what somebody
    typed who has read the plan: a protected target changes only where it is the name that the plan asks for.
    """

    name: str
    sandbox: bool = setting(False, file_only=True)
    protected: bool = setting(False, file_only=True)  # by default whatever is not the sandbox
    account_id: str = setting("", limit=limits.ACCOUNT, file_only=True)
    region: str = setting("ca-central-1", "AWS_REGION", "AWS_DEFAULT_REGION", limit=limits.REGION)
    profile: str = setting("", "AWS_PROFILE")
    role_arn: str = setting("", limit=limits.ROLE, file_only=True)  # which the caller takes on
    external_id: str = setting("", limit=like(r"[\w+=,.@:/-]{2,1224}", "the external id that the role asks for"), file_only=True)
    endpoint_url: str = setting("", ENDPOINT, limit=limits.URL)  # the sandbox's alone
    ssl_root_certificate: str = setting("", "PGSSLROOTCERT")
    checkip_url: str = setting(CHECKIP_URL, "CRUDDUR_CHECKIP_URL", limit=limits.URL)
    connection_url: str = setting("", secret=True)
    tunnel_address: str = setting("", limit=limits.ADDRESS)  # where a tunnel to the instance begins
    tunnel_port: int = setting(0, limit=between(0, 65535))
    owner: str = setting("", "CRUDDUR_OWNER", limit=limits.OWNER)
    extra_tags: str = setting("", limit=listed(limits.TAG, "KEY=VALUE, with no key that cruddur-ops or AWS writes itself"))
    operator_address: str = setting("", "LOCAL_IP", "GITPOD_IP")
    security_group_id: str = setting("", "DB_SG_ID", limit=like(r"sg-\w+", "an id such as sg-0123456789abcdef0"))
    security_group_rule_id: str = setting("", "DB_SG_RULE_ID", limit=like(r"sgr-\w+", "an id such as sgr-0123456789abcdef0"))
    rule_days: int = setting(7, limit=limits.DAYS)
    instance_days: int = setting(0, limit=limits.DAYS)
    db_instance_identifier: str = setting("cruddur-db-instance", limit=limits.NAME)
    db_name: str = setting("cruddur", limit=limits.DATABASE)
    db_role: str = setting("", limit=like(r"[\w+=.@-]{1,63}", "the name of a role"))
    master_username: str = setting("cruddurroot", limit=limits.MASTER)
    manage_master_password: bool = setting(True)
    master_user_secret: str = setting("", limit=like(r"[\w/+=.@:!-]{1,2048}", "the name or ARN of a secret"))
    engine_version: str = setting("18", limit=limits.VERSION)
    engine_lifecycle_support: str = setting(NO_EXTENDED_SUPPORT, limit=one_of(EXTENDED_SUPPORT, NO_EXTENDED_SUPPORT))
    auto_minor_version_upgrade: bool = setting(True)
    db_instance_class: str = setting("db.t4g.micro", limit=limits.CLASS)
    multi_az: bool = setting(False)
    storage_type: str = setting("gp3", limit=one_of("gp3", "gp2", "io2", "io1", "standard"))
    allocated_storage: int = setting(20, limit=between(5, 65536))
    max_allocated_storage: int = setting(100, limit=between(0, 65536))
    iops: int = setting(0, limit=between(0, 256_000))  # 0: what the storage comes with
    storage_throughput: int = setting(0, limit=between(0, 4000))  # in MiB a second; likewise
    storage_encrypted: bool = setting(True)
    kms_key_id: str = setting("", limit=like(r"[\w:/-]{1,2048}", "the id, alias or ARN of a KMS key"))
    port: int = setting(PORT, limit=between(1150, 65535))
    availability_zone: str = setting("", limit=like(r"[a-z0-9-]+", "a zone such as ca-central-1a"))
    db_subnet_group_name: str = setting("", limit=like(r"[\w. -]{1,255}", "the name of a DB subnet group"))
    network_type: str = setting("", limit=one_of("", "IPV4", "DUAL"))
    publicly_accessible: bool = setting(True)
    db_parameter_group_name: str = setting("", limit=like(r"[\w.-]{1,255}", "the name of a DB parameter group"))
    ca_certificate_identifier: str = setting("", limit=like(r"[a-z0-9-]+", "an identifier such as rds-ca-rsa2048-g1"))
    iam_database_authentication: bool = setting(False)
    preferred_maintenance_window: str = setting("", limit=limits.WEEKLY_WINDOW)
    preferred_backup_window: str = setting("", limit=limits.DAILY_WINDOW)
    backup_retention_period: int = setting(7, limit=between(0, 35))
    copy_tags_to_snapshot: bool = setting(True)
    deletion_protection: bool = setting(False)
    log_exports: str = setting("postgresql", limit=listed("(postgresql|upgrade|iam-db-auth-error)", "postgresql or upgrade"))
    monitoring_interval: int = setting(0, limit=one_of(0, 1, 5, 10, 15, 30, 60))
    monitoring_role_arn: str = setting("", limit=limits.ROLE)
    alarm_topic_arn: str = setting("", limit=like(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+", "the ARN of an SNS topic"))
    performance_insights: bool = setting(True)
    performance_insights_retention_period: int = setting(7, limit=limits.INSIGHTS_DAYS)
    user_pool_id: str = setting("", limit=like(r"[\w-]+_[0-9A-Za-z]+", "an id such as ca-central-1_aBcDeFgHi"))
    user_pool_name: str = setting("cruddur-user-pool", limit=like(r"[\w\s+=,.@-]{1,128}", "the name of a pool", empty=False))
    lambda_runtime: str = setting("python3.13", limit=like(r"python3\.\d+", "such as python3.13", empty=False))
    lambda_architecture: str = setting("arm64", limit=one_of("arm64", "x86_64"))
    notify: str = setting("", limit=limits.NOTICE, secret=True)  # who hears of runs: a topic, a webhook, a command
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    confirm: str = field(default="", compare=False, repr=False)
    original: str = field(default="", compare=False, repr=False)  # the identifier of the instance that this is a sibling of

    def __repr__(self) -> str:
        """The name alone: a target may hold a URL with a password."""
        return f"Target({self.name})"

    def asked(self, setting: str) -> bool:
        """Whether somebody gave this setting a value."""
        return self.sources.get(setting, DEFAULT) != DEFAULT

    def asking(self, source: str, **values: Any) -> Target:
        """The same target, asked for these values by that source."""
        return replace(self, **values, sources={**self.sources, **dict.fromkeys(values, source)})

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Each setting as (name, value, source), secrets masked."""
        for spec in SETTINGS.values():
            value = getattr(self, spec.name)
            shown = "***" if spec.metadata["secret"] and value else str(value)
            yield spec.name, shown, self.sources[spec.name]


SETTINGS = {spec.name: spec for spec in fields(Target) if "variables" in spec.metadata}
