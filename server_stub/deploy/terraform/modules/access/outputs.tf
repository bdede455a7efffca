output "security_group_id" {
  description = "The group, for the network interfaces of tasks or instances, once it lets them reach the registry."
  value       = aws_security_group.this.id
  depends_on  = [aws_vpc_security_group_egress_rule.out]
}
