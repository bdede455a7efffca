# The container: image, size, token, log, and what it may do in the account, which is nothing.

locals {
  fargate = var.platform == "fargate"

  environment = merge(
    { OFFLOAD_SERVER_WORKERS = tostring(var.workers) },
    var.trusted_proxies == "" ? {} : { OFFLOAD_SERVER_TRUSTED_PROXIES = var.trusted_proxies },
  )
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Encrypted with the service's own key; no line holds a picture or a token
  #checkov:skip=CKV_AWS_338:Lines about single requests are of no use after a year
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_days
}

resource "aws_secretsmanager_secret" "token" {
  #checkov:skip=CKV_AWS_149:Encrypted with the account's own key for Secrets Manager
  #checkov:skip=CKV2_AWS_57:Devices hold the token too, so a rotation is done by hand: token_version
  name_prefix             = "${var.name}-token-"
  recovery_window_in_days = 7
}

# Write-only: the value goes to Secrets Manager and into neither plan nor state.
resource "aws_secretsmanager_secret_version" "token" {
  secret_id                = aws_secretsmanager_secret.token.id
  secret_string_wo         = var.token
  secret_string_wo_version = var.token_version
}

resource "aws_ecs_task_definition" "this" {
  #checkov:skip=CKV_AWS_249:Not the same role: one is ECS's, to start the task, the other the container's own
  family                   = var.name
  requires_compatibilities = [local.fargate ? "FARGATE" : "EC2"]
  network_mode             = local.fargate ? "awsvpc" : "bridge"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  container_definitions = jsonencode([
    {
      name                   = "server"
      image                  = var.image
      essential              = true
      user                   = "10001:10001"
      readonlyRootFilesystem = true
      stopTimeout            = 30
      linuxParameters = {
        capabilities = {
          drop = ["ALL"]
        }
      }
      portMappings = [
        {
          containerPort = 8080
          hostPort      = 8080
          protocol      = "tcp"
        }
      ]
      environment = [for name, value in local.environment : { name = name, value = value }]
      secrets = [
        {
          name      = "OFFLOAD_TOKEN"
          valueFrom = aws_secretsmanager_secret.token.arn
        }
      ]
      healthCheck = {
        command     = ["CMD", "python", "-m", "server_stub.deploy.healthcheck"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = var.region
          awslogs-stream-prefix = "server"
        }
      }
    }
  ])

  # A task that starts before the token is there could not start.
  depends_on = [aws_secretsmanager_secret_version.token]
}
