# A DB instance with its security group, as an infrastructure team would write it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  skip_metadata_api_check = true
}

data "aws_vpc" "default" {
  default = true
}

data "aws_rds_engine_version" "postgres" {
  engine  = "postgres"
  version = "17"
  latest  = true
}

data "aws_rds_orderable_db_instance" "small" {
  engine                     = "postgres"
  engine_version             = data.aws_rds_engine_version.postgres.version
  preferred_instance_classes = ["db.t4g.micro"]
  storage_type               = "gp3"
}

resource "aws_security_group" "database" {
  name        = "terraform-database"
  description = "Who may reach the database"
  vpc_id      = data.aws_vpc.default.id
  tags        = { Owner = "operator" }
}

resource "aws_vpc_security_group_ingress_rule" "operator" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "203.0.113.10/32"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
  description       = "operator"
  tags              = { Owner = "operator" }
}

resource "aws_vpc_security_group_ingress_rule" "office" {
  security_group_id = aws_security_group.database.id
  cidr_ipv6         = "2001:db8::/64"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}

resource "aws_db_instance" "database" {
  identifier                            = "terraform-instance"
  engine                                = "postgres"
  engine_version                        = data.aws_rds_engine_version.postgres.version
  instance_class                        = data.aws_rds_orderable_db_instance.small.instance_class
  allocated_storage                     = 20
  max_allocated_storage                 = 100
  storage_type                          = "gp3"
  storage_encrypted                     = true
  db_name                               = "app"
  username                              = "master"
  manage_master_user_password           = true
  port                                  = 5432
  publicly_accessible                   = true
  vpc_security_group_ids                = [aws_security_group.database.id]
  backup_retention_period               = 1
  performance_insights_enabled          = true
  performance_insights_retention_period = 7
  enabled_cloudwatch_logs_exports       = ["postgresql"]
  copy_tags_to_snapshot                 = true
  engine_lifecycle_support              = "open-source-rds-extended-support-disabled"
  skip_final_snapshot                   = true
  apply_immediately                     = true
  tags                                  = { Owner = "operator" }
}
