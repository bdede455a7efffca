output "task_definition_arn" {
  description = "What a service runs, once the roles may do what it needs."
  value       = aws_ecs_task_definition.this.arn
  depends_on  = [aws_iam_role_policy.execution]
}

output "log_group_name" {
  description = "Where the server's log lines go."
  value       = aws_cloudwatch_log_group.this.name
}
