variable "name" {
  description = "First part of the group's name."
  type        = string
}

variable "vpc_id" {
  description = "Network of the group."
  type        = string
}

variable "balanced" {
  description = "Whether there is a load balancer. Known before it is made, unlike its group."
  type        = bool
}

variable "caller_group_id" {
  description = "Security group of the load balancer, or null."
  type        = string
}

variable "client_cidrs" {
  description = "IPv4 ranges that may call the container itself: none behind a load balancer."
  type        = list(string)
}
