# A DB instance whose updates are made by a blue/green deployment.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

variable "engine_version" {
  type = string
}

provider "aws" {
  skip_metadata_api_check = true
}

resource "aws_db_instance" "shop" {
  identifier              = "shop"
  engine                  = "postgres"
  engine_version          = var.engine_version
  instance_class          = "db.t4g.micro"
  allocated_storage       = 20
  username                = "master"
  password                = "correct-horse-battery"
  backup_retention_period = 1
  apply_immediately       = true
  skip_final_snapshot     = true

  blue_green_update {
    enabled = true
  }
}
