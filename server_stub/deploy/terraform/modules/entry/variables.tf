variable "name" {
  description = "Name of the load balancer."
  type        = string
}

variable "vpc_id" {
  description = "Network in which it stands."
  type        = string
}

variable "vpc_cidr" {
  description = "Addresses of the containers."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets in two zones."
  type        = list(string)
}

variable "client_cidrs" {
  description = "IPv4 ranges of those who may call."
  type        = list(string)
}

variable "certificate_arn" {
  description = "Certificate in ACM for domain_name."
  type        = string
}

variable "domain_name" {
  description = "Name that clients call."
  type        = string
}

variable "zone_id" {
  description = "Hosted zone for the name, or null."
  type        = string
}

variable "target_type" {
  description = "ip for tasks with an address of their own, instance for those that share their instance's."
  type        = string
}
