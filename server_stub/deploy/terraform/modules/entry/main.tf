# HTTPS for the clients: a load balancer with a certificate in front of the tasks. There is no port 80 to redirect from.

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "HTTPS from the clients, and on to the containers"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "HTTPS from a client"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "container" {
  security_group_id = aws_security_group.balancer.id
  description       = "To the containers"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:Access logs need a bucket of their own; the server logs what failed
  #checkov:skip=CKV_AWS_150:It holds nothing that could be lost, and terraform destroy is to work
  #checkov:skip=CKV2_AWS_28:A web application firewall is paid by the request; the server bounds bytes, pixels and rates itself
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true

  # The server keeps idle connections for 75 s: it must not be the one to close first.
  idle_timeout = 60
}

resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:Behind the load balancer HTTP stays within the network
  name                 = "${var.name}-${var.target_type}"
  vpc_id               = var.vpc_id
  target_type          = var.target_type
  protocol             = "HTTP"
  port                 = 8080
  deregistration_delay = 30

  # Requests take milliseconds, but not all the same: the next one goes where the fewest are waiting.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path                = "/"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }

  lifecycle {
    precondition {
      condition     = var.domain_name != null
      error_message = "With certificate_arn give the domain_name that it is for: clients check it."
    }
  }
}

resource "aws_route53_record" "this" {
  count = var.zone_id == null ? 0 : 1

  zone_id = var.zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}
