# A DB instance in a network of its own, with a replica, that is upgraded to the next major version.

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

variable "major" {
  type = string
}

resource "aws_vpc" "own" {
  cidr_block = "10.9.0.0/16"
}

resource "aws_subnet" "own" {
  for_each          = { "ca-central-1a" = "10.9.0.0/24", "ca-central-1b" = "10.9.1.0/24" }
  vpc_id            = aws_vpc.own.id
  availability_zone = each.key
  cidr_block        = each.value
}

resource "aws_db_subnet_group" "own" {
  name       = "terraform"
  subnet_ids = [for subnet in aws_subnet.own : subnet.id]
}

resource "aws_security_group" "database" {
  name        = "terraform-database"
  description = "Who may reach the database"
  vpc_id      = aws_vpc.own.id
}

resource "aws_db_parameter_group" "own" {
  name_prefix = "terraform-"
  family      = "postgres${var.major}"

  parameter {
    name  = "log_min_duration_statement"
    value = "250"
  }

  parameter {
    name         = "rds.logical_replication"
    value        = "1"
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "database" {
  identifier                          = "terraform-source"
  engine                              = "postgres"
  engine_version                      = var.major
  allow_major_version_upgrade         = true
  instance_class                      = "db.t4g.micro"
  allocated_storage                   = 20
  storage_type                        = "gp3"
  username                            = "master"
  password                            = "correct-horse-battery"
  db_subnet_group_name                = aws_db_subnet_group.own.name
  parameter_group_name                = aws_db_parameter_group.own.name
  vpc_security_group_ids              = [aws_security_group.database.id]
  iam_database_authentication_enabled = true
  backup_retention_period             = 1
  skip_final_snapshot                 = true
  apply_immediately                   = true
}

resource "aws_db_instance" "replica" {
  identifier             = "terraform-replica"
  replicate_source_db    = aws_db_instance.database.identifier
  instance_class         = "db.t4g.micro"
  vpc_security_group_ids = [aws_security_group.database.id]
  skip_final_snapshot    = true
}

resource "aws_db_instance" "managed" {
  identifier                  = "terraform-managed"
  engine                      = "postgres"
  engine_version              = "18"
  instance_class              = "db.t4g.micro"
  allocated_storage           = 20
  username                    = "master"
  manage_master_user_password = true
  db_subnet_group_name        = aws_db_subnet_group.own.name
  vpc_security_group_ids      = [aws_security_group.database.id]
  skip_final_snapshot         = true
}
