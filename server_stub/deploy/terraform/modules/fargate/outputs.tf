output "service_name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "find_address" {
  description = "Command that prints the public addresses of the tasks."
  value       = "aws ec2 describe-network-interfaces --filters Name=group-id,Values=${var.security_group_id} --query NetworkInterfaces[].Association.PublicIp --output text"
}
