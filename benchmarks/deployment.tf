# What notebooks 01, 02 and 05 make, as it would be written for Terraform: nothing of what 03 makes within the database.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "runtime" {
  type = string # a Python of this machine, since the sandbox runs the function
}

provider "aws" {
  skip_metadata_api_check = true
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_security_group" "database" {
  name   = "terraform-database"
  vpc_id = data.aws_vpc.default.id
}

resource "aws_vpc_security_group_ingress_rule" "operator" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "203.0.113.10/32"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}

resource "aws_vpc_security_group_ingress_rule" "function" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.function.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_instance" "database" {
  identifier                  = "terraform-instance"
  engine                      = "postgres"
  instance_class              = "db.t4g.micro"
  allocated_storage           = 20
  storage_type                = "gp3"
  storage_encrypted           = true
  username                    = "master"
  manage_master_user_password = true
  publicly_accessible         = true
  vpc_security_group_ids      = [aws_security_group.database.id]
  skip_final_snapshot         = true
  apply_immediately           = true
}

resource "aws_secretsmanager_secret" "application" {
  name                    = "terraform-instance/application"
  recovery_window_in_days = 0
}

resource "aws_iam_role" "function" {
  name               = "terraform-function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "function" {
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:*", "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]
      Resource = "*"
    }]
  })
}

resource "aws_security_group" "function" {
  name   = "terraform-function"
  vpc_id = data.aws_vpc.default.id
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/terraform-function"
  retention_in_days = 30
}

resource "aws_lambda_function" "function" {
  function_name    = "terraform-function"
  role             = aws_iam_role.function.arn
  runtime          = var.runtime
  handler          = "function.handler"
  filename         = "function.zip"
  source_code_hash = filebase64sha256("function.zip")
  depends_on       = [aws_iam_role_policy.function]

  vpc_config {
    subnet_ids         = slice(sort(data.aws_subnets.default.ids), 0, 2)
    security_group_ids = [aws_security_group.function.id]
  }
}

resource "aws_lambda_permission" "pool" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = aws_cognito_user_pool.users.arn
}

resource "aws_cognito_user_pool" "users" {
  name = "terraform-users"

  lambda_config {
    post_confirmation = aws_lambda_function.function.arn
  }
}

resource "aws_cognito_user_pool_client" "users" {
  name         = "terraform-users"
  user_pool_id = aws_cognito_user_pool.users.id
}
