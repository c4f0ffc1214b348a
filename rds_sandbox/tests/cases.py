"""Requests that RDS refuses, each with its error code: one table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

REGION = "ca-central-1"

# The runbook's original creation command, with a major that is still offered.
VALID: dict[str, Any] = {
    "DBInstanceIdentifier": "wrong-input",
    "DBInstanceClass": "db.t3.micro",
    "Engine": "postgres",
    "EngineVersion": "18",
    "MasterUsername": "master",
    "MasterUserPassword": "correct-horse-battery",
    "AllocatedStorage": 20,
    "StorageType": "gp2",
    "AvailabilityZone": "ca-central-1a",
    "BackupRetentionPeriod": 0,
    "Port": 5432,
    "MultiAZ": False,
    "DBName": "app",
    "PubliclyAccessible": True,
    "StorageEncrypted": True,
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 7,
    "DeletionProtection": False,
}


@dataclass(frozen=True)
class Case:
    """A change to a valid request (None takes a parameter away) and the code of the refusal."""

    name: str
    change: dict[str, Any]
    code: str
    region: str = REGION

    @property
    def request(self) -> dict[str, Any]:
        """The parameters of CreateDBInstance, with an identifier that says which case left an instance behind."""
        identifier = re.sub("[^a-z0-9]+", "-", self.name.lower())
        changed = {**VALID, "DBInstanceIdentifier": identifier, **self.change}
        return {name: value for name, value in changed.items() if value is not None}


VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
EXTENDED_SUPPORT_DISABLED = {"EngineLifecycleSupport": "open-source-rds-extended-support-disabled"}
NO_ZONE = {"AvailabilityZone": None}

CASES = (
    Case("identifier: blank", {"DBInstanceIdentifier": ""}, VALUE),
    Case("identifier: digit first", {"DBInstanceIdentifier": "1-wrong"}, VALUE),
    Case("identifier: hyphen last", {"DBInstanceIdentifier": "wrong-"}, VALUE),
    Case("identifier: double hyphen", {"DBInstanceIdentifier": "wrong--input"}, VALUE),
    Case("identifier: underscore", {"DBInstanceIdentifier": "wrong_input"}, VALUE),
    Case("identifier: 64 characters", {"DBInstanceIdentifier": "w" * 64}, VALUE),
    Case("engine: unknown", {"Engine": "postgresql"}, VALUE),
    Case("engine: not in the sandbox", {"Engine": "mysql"}, "NotInSandbox"),
    Case("licence: of another engine", {"LicenseModel": "general-public-license"}, COMBINATION),
    Case("version: withdrawn", {"EngineVersion": "14.6"}, COMBINATION),
    Case("version: skipped by the community", {"EngineVersion": "18.5"}, COMBINATION),
    Case("version: unknown major", {"EngineVersion": "99"}, COMBINATION),
    Case("version: no version", {"EngineVersion": "latest"}, COMBINATION),
    Case("lifecycle: unknown", {"EngineLifecycleSupport": "forever"}, VALUE),
    Case("lifecycle: past its support", {"EngineVersion": "13", **EXTENDED_SUPPORT_DISABLED}, COMBINATION),
    Case("class: unknown", {"DBInstanceClass": "db.x"}, VALUE),
    Case("class: not an RDS class", {"DBInstanceClass": "t3.micro"}, VALUE),
    Case("class: none given", {"DBInstanceClass": ""}, VALUE),
    Case("class: not for this version", {"DBInstanceClass": "db.t2.micro"}, COMBINATION),
    Case("class: not in this region", {"DBInstanceClass": "db.m7g.large", **NO_ZONE}, COMBINATION, "af-south-1"),
    Case("class: not in the sandbox", {"DBInstanceClass": "db.x2idn.16xlarge"}, "NotInSandbox"),
    Case("class: of a size that its family has not", {"DBInstanceClass": "db.t3.16xlarge"}, VALUE),
    Case("region: not in the sandbox", NO_ZONE, "NotInSandbox", "ap-east-1"),
    Case("zone: of another region", {"AvailabilityZone": "us-east-1a"}, "InvalidVPCNetworkStateFault"),
    Case("zone: not in this region", {"AvailabilityZone": "ca-central-1c"}, "InvalidVPCNetworkStateFault"),
    Case("zone: with Multi-AZ", {"MultiAZ": True}, COMBINATION),
    Case("storage: unknown type", {"StorageType": "gp4"}, "StorageTypeNotSupported"),
    Case("storage: none given", {"AllocatedStorage": None}, COMBINATION),
    Case("storage: gp2 too small", {"AllocatedStorage": 19}, COMBINATION),
    Case("storage: gp3 too small", {"StorageType": "gp3", "AllocatedStorage": 19}, COMBINATION),
    Case("storage: gp3 too large", {"StorageType": "gp3", "AllocatedStorage": 65537}, COMBINATION),
    Case("storage: io1 too small", {"StorageType": "io1", "AllocatedStorage": 99, "Iops": 1000}, COMBINATION),
    Case("storage: io1 without iops", {"StorageType": "io1", "AllocatedStorage": 100}, COMBINATION),
    Case("storage: io1 ratio", {"StorageType": "io1", "AllocatedStorage": 4000, "Iops": 1200}, COMBINATION),
    Case("storage: gp2 with iops", {"Iops": 3000}, COMBINATION),
    Case("storage: gp2 with throughput", {"StorageThroughput": 125}, COMBINATION),
    Case("storage: small gp3 with iops", {"StorageType": "gp3", "Iops": 3000}, COMBINATION),
    Case("storage: small gp3 with throughput", {"StorageType": "gp3", "StorageThroughput": 125}, COMBINATION),
    Case("storage: gp3 iops", {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 3000}, COMBINATION),
    Case(
        "storage: gp3 throughput to iops",
        {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 3001},
        COMBINATION,
    ),
    Case("autoscaling: less than 10 percent", {"MaxAllocatedStorage": 21}, COMBINATION),
    Case("autoscaling: above the type's limit", {"MaxAllocatedStorage": 65537}, COMBINATION),
    Case("port: too low", {"Port": 1149}, VALUE),
    Case("port: too high", {"Port": 65536}, VALUE),
    Case("backups: negative", {"BackupRetentionPeriod": -1}, VALUE),
    Case("backups: 36 days", {"BackupRetentionPeriod": 36}, VALUE),
    Case("password: short", {"MasterUserPassword": "7 chars"}, VALUE),
    Case("password: 129 characters", {"MasterUserPassword": "x" * 129}, VALUE),
    Case("password: slash", {"MasterUserPassword": "correct/horse"}, VALUE),
    Case("password: at sign", {"MasterUserPassword": "correct@horse"}, VALUE),
    Case("password: quote", {"MasterUserPassword": 'correct"horse'}, VALUE),
    Case("password: space", {"MasterUserPassword": "correct horse"}, VALUE),
    Case("password: not ASCII", {"MasterUserPassword": "cörrect-horse"}, VALUE),
    Case("password: given and managed", {"ManageMasterUserPassword": True}, COMBINATION),
    Case("password: neither given nor managed", {"MasterUserPassword": None}, VALUE),
    Case("user: none", {"MasterUsername": None}, VALUE),
    Case("user: reserved by RDS", {"MasterUsername": "rdsadmin"}, VALUE),
    Case("user: reserved by the engine", {"MasterUsername": "Admin"}, VALUE),
    Case("user: key word", {"MasterUsername": "user"}, VALUE),
    Case("user: prefix of PostgreSQL's roles", {"MasterUsername": "pg_root"}, VALUE),
    Case("user: digit first", {"MasterUsername": "1root"}, VALUE),
    Case("user: 64 characters", {"MasterUsername": "r" * 64}, VALUE),
    Case("database: hyphen", {"DBName": "app-db"}, VALUE),
    Case("database: digit first", {"DBName": "1app"}, VALUE),
    Case("database: 64 characters", {"DBName": "c" * 64}, VALUE),
    Case("database: reserved", {"DBName": "rdsadmin"}, VALUE),
    Case("database: key word", {"DBName": "table"}, VALUE),
    Case("insights: 94 days", {"PerformanceInsightsRetentionPeriod": 94}, VALUE),
    Case("insights: 24 months", {"PerformanceInsightsRetentionPeriod": 24 * 31}, VALUE),
    Case("insights: retention while off", {"EnablePerformanceInsights": False}, COMBINATION),
    Case("insights: advanced with 7 days", {"DatabaseInsightsMode": "advanced"}, COMBINATION),
    Case("logs: unknown type", {"EnableCloudwatchLogsExports": ["slowquery"]}, COMBINATION),
    Case("certificate authority: unknown", {"CACertificateIdentifier": "rds-ca-2015"}, "CertificateNotFound"),
    Case("security group: unknown", {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, VALUE),
    Case("option group: unknown", {"OptionGroupName": "nowhere"}, "OptionGroupNotFoundFault"),
    Case("option group: of another major", {"OptionGroupName": "default:postgres-15"}, COMBINATION),
    Case("key: unknown", {"KmsKeyId": "alias/nowhere"}, "KMSKeyNotAccessibleFault"),
    Case("key: without encryption", {"StorageEncrypted": False, "KmsKeyId": "alias/aws/rds"}, COMBINATION),
    Case("key: of a password that is not managed", {"MasterUserSecretKmsKeyId": "alias/aws/rds"}, COMBINATION),
    Case(
        "insights: key while off",
        {
            "EnablePerformanceInsights": False,
            "PerformanceInsightsRetentionPeriod": None,
            "PerformanceInsightsKMSKeyId": "alias/aws/rds",
        },
        COMBINATION,
    ),
    Case("insights: unknown key", {"PerformanceInsightsKMSKeyId": "alias/nowhere"}, "KMSKeyNotAccessibleFault"),
    Case("monitoring: 7 seconds", {"MonitoringInterval": 7, "MonitoringRoleArn": "arn:aws:iam::123456789012:role/x"}, VALUE),
    Case("monitoring: without a role", {"MonitoringInterval": 60}, COMBINATION),
    Case(
        "monitoring: a role that there is not",
        {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:aws:iam::123456789012:role/nobody"},
        VALUE,
    ),
    Case("window: no times", {"PreferredBackupWindow": "night"}, VALUE),
    Case("window: a short one for backups", {"PreferredBackupWindow": "23:50-00:19"}, VALUE),
    Case("window: a short one for maintenance", {"PreferredMaintenanceWindow": "sun:23:45-mon:00:14"}, VALUE),
    Case("window: more than a day", {"PreferredMaintenanceWindow": "mon:00:00-tue:00:01"}, VALUE),
    Case(
        "window: two that overlap",
        {"PreferredMaintenanceWindow": "sun:23:45-mon:00:15", "PreferredBackupWindow": "00:00-00:30"},
        VALUE,
    ),
    Case("subnet group: unknown", {"DBSubnetGroupName": "nowhere"}, "DBSubnetGroupNotFoundFault"),
)
