# Tasks on instances of one's own, one on each: the container has a fixed port of its instance.

resource "aws_security_group" "instance" {
  name        = "${var.name}-instance"
  description = "The container port from the load balancer or the clients, and HTTPS out; no SSH"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  count = var.balanced ? 1 : 0

  security_group_id            = aws_security_group.instance.id
  description                  = "From the load balancer"
  referenced_security_group_id = var.caller_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.instance.id
  description       = "From a client"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080

  lifecycle {
    precondition {
      condition     = !endswith(each.value, "/0")
      error_message = "The container port speaks plain HTTP: give certificate_arn to be open to everybody."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.instance.id
  description       = "HTTPS to ECS, to the registry, to Secrets Manager and to CloudWatch"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = var.cluster_name
  capacity_providers = [aws_ecs_capacity_provider.this.name]
}

resource "aws_ecs_service" "this" {
  name                              = var.name
  cluster                           = var.cluster_arn
  task_definition                   = var.task_definition_arn
  desired_count                     = var.desired_count
  propagate_tags                    = "SERVICE"
  enable_execute_command            = false
  health_check_grace_period_seconds = var.balanced ? 60 : null

  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.this.name
    weight            = 1
  }

  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }

  dynamic "load_balancer" {
    for_each = var.balanced ? [var.target_group_arn] : []

    content {
      target_group_arn = load_balancer.value
      container_name   = "server"
      container_port   = 8080
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  lifecycle {
    # Auto scaling's from then on.
    ignore_changes = [desired_count]
  }

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}
