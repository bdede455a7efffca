output "server_url" {
  description = "For the devices' OFFLOAD_SERVER_URL. Null without a certificate: a task's address changes with the task, and find_address tells it."
  value       = one(module.entry[*].url)
}

output "find_address" {
  description = "Command that prints the addresses of the running tasks or instances, to be called by HTTP on port 8080."
  value       = one(concat(module.fargate[*].find_address, module.ec2[*].find_address))
}

output "repository_url" {
  description = "Where the image is pushed to."
  value       = module.registry.repository_url
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "Name of the ECS service."
  value       = local.service_name
}

output "log_group_name" {
  description = "Where the server's log lines go."
  value       = module.task.log_group_name
}
