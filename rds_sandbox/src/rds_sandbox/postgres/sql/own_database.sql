-- RDS's own database, which nobody else may enter or drop: what the sandbox does, it does there.
CREATE DATABASE rdsadmin;
REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC;
