# What can be chosen. Nothing is open to the world, and nothing has to be given but a token and who may call.

variable "region" {
  description = "Where everything stands."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Name of everything, and the first part of longer names."
  type        = string
  default     = "offload"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "The name is of lower-case letters, digits and hyphens, at most 20."
  }
}

variable "platform" {
  description = "What runs the container: fargate, or ec2 for ECS on instances of one's own."
  type        = string
  default     = "fargate"

  validation {
    condition     = contains(["fargate", "ec2"], var.platform)
    error_message = "The platform is fargate or ec2."
  }
}

variable "architecture" {
  description = "X86_64 or ARM64. The image must be built for it."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "The architecture is X86_64 or ARM64."
  }
}

variable "spot" {
  description = "Take spare capacity, which is cheaper and may be taken back within two minutes."
  type        = bool
  default     = false
}

variable "on_demand_base" {
  description = "With spot: so many tasks or instances are not of it."
  type        = number
  default     = 0
}

variable "image_tag" {
  description = "Tag of the image in the repository that is made here. Tags cannot be overwritten."
  type        = string
  default     = "0.1.0"
}

variable "token" {
  description = "What clients must send as bearer token. It is stored in Secrets Manager and not in the state."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(var.token) >= 32
    error_message = "The token is of 32 characters at least; `openssl rand -hex 32` makes one."
  }
}

variable "token_version" {
  description = "Count up to store another token."
  type        = number
  default     = 1
}

variable "client_cidrs" {
  description = "IPv4 ranges of those who may call. Without any nobody can."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each is a range such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "Certificate in ACM for domain_name. With it a load balancer speaks HTTPS; without, tasks are called directly by HTTP."
  type        = string
  default     = null
}

variable "domain_name" {
  description = "Name that clients call, and that the certificate is for."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "Hosted zone in Route 53 in which domain_name is to point to the load balancer. Without it the name is yours to set."
  type        = string
  default     = null
}

variable "vpc_cidr" {
  description = "Addresses of the network; its public subnets are the second and third 256 of them."
  type        = string
  default     = "10.0.0.0/16"
}

variable "cpu" {
  description = "Fargate: CPU units of a task, 1024 for a vCPU."
  type        = number
  default     = 512
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 1024
}

variable "instance_type" {
  description = "EC2: a type of the architecture; by default t3.medium, or t4g.medium for ARM64."
  type        = string
  default     = null
}

variable "instance_vcpus" {
  description = "EC2: how many vCPUs the instance type has. A task takes one instance as a whole."
  type        = number
  default     = 2
}

variable "desired_count" {
  description = "Tasks at the start. Auto scaling changes it from then on."
  type        = number
  default     = 1
}

variable "max_count" {
  description = "Tasks at most."
  type        = number
  default     = 4

  validation {
    condition     = var.max_count >= var.desired_count
    error_message = "There cannot be fewer tasks at most than at the start."
  }
}

variable "target_cpu_percent" {
  description = "Auto scaling keeps the tasks' CPU near this."
  type        = number
  default     = 70
}

variable "images_per_s_and_vcpu" {
  description = "What one vCPU answers at full load; auto scaling keeps requests near target_cpu_percent of it."
  type        = number
  default     = 45
}

variable "log_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30
}
