import psycopg

NAME, PASSWORD = "mine", "correct-horse-battery"


def test_my_address_reaches_the_instance(rds_sandbox):
    rds, ec2 = rds_sandbox.client("rds"), rds_sandbox.client("ec2")
    rds.create_db_instance(
        DBInstanceIdentifier=NAME, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="me", MasterUserPassword=PASSWORD,
    )  # fmt: skip
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=NAME, WaiterConfig={"Delay": 1})
    [instance] = rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"]

    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": f"{rds_sandbox.operator_address}/32"}
    ec2.authorize_security_group_ingress(GroupId=instance["VpcSecurityGroups"][0]["VpcSecurityGroupId"], **rule)

    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "dbname": "postgres"}
    tls = {"sslmode": "verify-full", "sslrootcert": rds_sandbox.environment["PGSSLROOTCERT"]}
    with psycopg.connect(user="me", password=PASSWORD, **place, **tls) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'me'").fetchone() == (False,)
