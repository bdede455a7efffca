variable "name" {
  description = "Name of the service."
  type        = string
}

variable "cluster_arn" {
  description = "Cluster in which it runs."
  type        = string
}

variable "cluster_name" {
  description = "Its name."
  type        = string
}

variable "task_definition_arn" {
  description = "What it runs."
  type        = string
}

variable "security_group_id" {
  description = "Who reaches the container, and what it reaches."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, as images are pulled over the internet."
  type        = list(string)
}

variable "balanced" {
  description = "Whether there is a load balancer. Known before it is made, unlike its target group."
  type        = bool
}

variable "target_group_arn" {
  description = "Where the load balancer finds the tasks, or null."
  type        = string
}

variable "desired_count" {
  description = "Tasks at the start."
  type        = number
}

variable "spot" {
  description = "Take spare capacity."
  type        = bool
}

variable "on_demand_base" {
  description = "With spot: so many tasks are not of it."
  type        = number
}
