output "url" {
  description = "What clients call, once the name points to the load balancer and the listener is there."
  value       = "https://${var.domain_name}"
  depends_on  = [aws_lb_listener.https, aws_route53_record.this]
}

output "security_group_id" {
  description = "Of the load balancer: who may call the containers."
  value       = aws_security_group.balancer.id
}

output "target_group_arn" {
  description = "Where tasks register, once there is a listener in front of it."
  value       = aws_lb_target_group.this.arn
  depends_on  = [aws_lb_listener.https]
}

output "request_label" {
  description = "What auto scaling calls the requests of the target group."
  value       = "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}"
}
