output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "Its public subnets, once there is a way to the internet from them."
  value       = aws_subnet.public[*].id
  depends_on  = [aws_route.internet, aws_route_table_association.public]
}
