"""A crowd: what other teams have in an account, under names that look like yours, by plain calls of the AWS API.

Each kind of resource is made for each of your names, and half of them carry your tags. The one instance is that of somebody's
first day: no tags, no backups, an old version, the default VPC.
"""

import io
import itertools
import json
import random
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PASSWORD = "correct-horse-battery"  # of the other instances: nobody is to log in
SUFFIXES = ("-2", "2", "-old", "-copy", "-eu")
HANDLER = "def handler(event, context):\n    return event\n"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]},
    }],
}  # fmt: skip
SECONDS = 60  # for what takes its time: an instance, a role that is not known yet


@dataclass
class Crowd:
    """Makes a crowd."""

    client: Callable[[str], Any]  # gives a client of a service
    runtime: str  # of functions
    tags: Mapping[str, str]  # yours; half of the crowd carries them
    draw: random.Random  # which half, and what the others are called
    exactly: Sequence[str] = ()  # the names that others have, too
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False)

    def fill(self, names: Sequence[str]) -> None:
        """Make everything once for each name."""
        default, (plain, busy) = self._default(), self._networks()
        for name in names:
            self._groups(default or plain, busy, name)
            role = self._role(name)
            function = self._function(name, role)
            self._pool(name, function)
            self._schedule(name, role, function)
            self._secrets(name)
            self._logs(name)
            self._parameters(name)
        self._instance(names[0], {} if default else {"DBSubnetGroupName": "others-1"})

    def _similar(self, name: str) -> str:
        """A name that is like it, or the same where that is asked for."""
        return name if name in self.exactly else name + self.draw.choice(SUFFIXES)

    def _labels(self) -> dict[str, str]:
        """Yours for every second resource, of another owner in any case."""
        return {"Team": "billing"} | (dict(self.tags) if next(self._numbers) % 2 else {})

    def _listed(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self._labels().items()]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": self._listed()}]

    def _networks(self) -> tuple[str, str]:
        """Two more VPCs that lead to the internet, one of them with an endpoint for Secrets Manager; their ids."""
        ec2, rds = self.client("ec2"), self.client("rds")
        region, made = ec2.meta.region_name, []
        for number in (1, 2):
            vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16", TagSpecifications=self._of("vpc"))["Vpc"]["VpcId"]
            ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})  # for public access to DB instances
            self._lead_out(vpc)
            zones = [(zone, f"10.{number}.{index}.0/24") for index, zone in enumerate("ab")]
            subnets = [
                ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=region + zone)["Subnet"]["SubnetId"]
                for zone, block in zones
            ]
            made.append(str(vpc))
            name = f"others-{number}"
            rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="Others", SubnetIds=subnets)
        service = f"com.amazonaws.{region}.secretsmanager"
        labels = self._of("vpc-endpoint")
        ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=service, VpcEndpointType="Interface", SubnetIds=subnets[:1], TagSpecifications=labels
        )
        return made[0], made[1]

    def _lead_out(self, vpc: str) -> None:
        ec2 = self.client("ec2")
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        [table] = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def _default(self) -> str:
        """The id of the default VPC; empty where somebody deleted it."""
        found = self.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        return str(found[0]["VpcId"]) if found else ""

    def _groups(self, vpc: str, other: str, name: str) -> None:
        """The same name in another VPC, which EC2 allows, and a similar one in this; both with a rule."""
        ec2 = self.client("ec2")
        for called, where in ((f"{name}-access", other), (self._similar(f"{name}-access"), vpc)):
            given = {"GroupName": called, "Description": "Others", "TagSpecifications": self._of("security-group")}
            group = ec2.create_security_group(**given, VpcId=where)["GroupId"]
            rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
            labels = self._of("security-group-rule")
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule], TagSpecifications=labels)

    def _role(self, name: str) -> str:
        iam = self.client("iam")
        document, called = json.dumps(TRUST), self._similar(name)
        role = iam.create_role(RoleName=called, AssumeRolePolicyDocument=document, Tags=self._listed())["Role"]["Arn"]
        statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=called, PolicyName="others", PolicyDocument=policy)
        return str(role)

    def _function(self, name: str, role: str) -> str:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("others.py", HANDLER)
        given = {"FunctionName": self._similar(name), "Role": role, "Runtime": self.runtime, "Handler": "others.handler"}
        function = self.client("lambda").create_function(**given, Code={"ZipFile": package.getvalue()}, Tags=self._labels())
        return str(function["FunctionArn"])

    def _pool(self, name: str, function: str) -> None:
        """A pool whose trigger is the other function."""
        given = {"PoolName": self._similar(name), "UserPoolTags": self._labels(), "AutoVerifiedAttributes": ["email"]}
        cognito = self.client("cognito-idp")
        pool = cognito.create_user_pool(**given, LambdaConfig={"PostConfirmation": function})["UserPool"]["Id"]
        cognito.create_user_pool_client(UserPoolId=pool, ClientName=name)

    def _schedule(self, name: str, role: str, function: str) -> None:
        target, called = {"Arn": function, "RoleArn": role}, self._similar(name)
        window = {"Mode": "OFF"}
        scheduler, events = self.client("scheduler"), self.client("events")
        scheduler.create_schedule(Name=called, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=window, Target=target)
        events.put_rule(Name=called, ScheduleExpression="rate(1 day)", Tags=self._listed())

    def _secrets(self, name: str) -> None:
        """Of another application on something of that name, and of a similar one."""
        for called in (f"{name}/billing", f"{self._similar(name)}/app"):
            text = json.dumps({"username": "billing", "password": PASSWORD})
            self.client("secretsmanager").create_secret(Name=called, SecretString=text, Tags=self._listed())

    def _logs(self, name: str) -> None:
        logs, similar = self.client("logs"), self._similar(name)
        for called in (f"/aws/rds/instance/{similar}/postgresql", f"/aws/lambda/{similar}"):
            logs.create_log_group(logGroupName=called, tags=self._labels())

    def _parameters(self, name: str) -> None:
        called = f"/{self._similar(name)}/setting"
        self.client("ssm").put_parameter(Name=called, Value="theirs", Type="String", Tags=self._listed())

    def _instance(self, name: str, where: Mapping[str, str]) -> None:
        """One such as people made by hand in 2023, with a snapshot; `where` names its subnet group without a default VPC."""
        rds, called = self.client("rds"), self._similar(name)
        rds.create_db_instance(
            DBInstanceIdentifier=called, DBInstanceClass="db.t3.micro", Engine="postgres", EngineVersion="14",
            MasterUsername="root1", MasterUserPassword=PASSWORD, AllocatedStorage=20, StorageType="gp2",
            AvailabilityZone=f"{rds.meta.region_name}a", BackupRetentionPeriod=0, Port=5432, MultiAZ=False, DBName="billing",
            PubliclyAccessible=True, StorageEncrypted=True, EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=7, DeletionProtection=False, **where,
        )  # fmt: skip
        _wait(lambda: rds.describe_db_instances(DBInstanceIdentifier=called)["DBInstances"][0]["DBInstanceStatus"])
        rds.create_db_snapshot(DBInstanceIdentifier=called, DBSnapshotIdentifier=f"{called}-last", Tags=self._listed())
        _wait(lambda: rds.describe_db_snapshots(DBSnapshotIdentifier=f"{called}-last")["DBSnapshots"][0]["Status"])


def _wait(status: Callable[[], str]) -> None:
    deadline = time.monotonic() + SECONDS
    while status() != "available" and time.monotonic() < deadline:
        time.sleep(0.05)
