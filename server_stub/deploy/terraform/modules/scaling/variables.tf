variable "name" {
  description = "First part of the policies' names."
  type        = string
}

variable "cluster_name" {
  description = "Cluster of the service."
  type        = string
}

variable "service_name" {
  description = "Service whose tasks are counted up and down."
  type        = string
}

variable "min_count" {
  description = "Tasks at least."
  type        = number
}

variable "max_count" {
  description = "Tasks at most."
  type        = number
}

variable "target_cpu_percent" {
  description = "CPU of the tasks to be kept."
  type        = number
}

variable "balanced" {
  description = "Whether a load balancer counts requests."
  type        = bool
}

variable "requests_per_minute" {
  description = "Requests of a task in a minute to be kept."
  type        = number
}

variable "request_label" {
  description = "What auto scaling calls the requests, or null."
  type        = string
}
