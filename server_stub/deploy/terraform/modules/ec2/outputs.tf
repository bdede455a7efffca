output "service_name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "find_address" {
  description = "Command that prints the public addresses of the instances."
  value       = "aws ec2 describe-instances --filters Name=instance.group-id,Values=${var.security_group_id} Name=instance-state-name,Values=running --query Reservations[].Instances[].PublicIpAddress --output text"
}
