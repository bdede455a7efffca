# Who reaches the container, and what it reaches: the one security group of tasks or instances. There is no SSH.

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:It is attached in the modules fargate and ec2, to which it goes as a variable
  name        = "${var.name}-server"
  description = "The container port from the load balancer or the clients, and HTTPS out"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  count = var.balanced ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "From the load balancer"
  referenced_security_group_id = var.caller_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.this.id
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

# The image, the token and the log are fetched and sent over the internet, by addresses that change.
resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.this.id
  description       = "HTTPS to the registry, to Secrets Manager and to CloudWatch"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
