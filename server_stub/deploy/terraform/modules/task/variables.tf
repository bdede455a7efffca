variable "name" {
  description = "Name of the task family, the log group and the roles."
  type        = string
}

variable "region" {
  description = "Where the log is."
  type        = string
}

variable "platform" {
  description = "fargate or ec2."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
}

variable "image" {
  description = "Image with its tag."
  type        = string
}

variable "repository_arn" {
  description = "Repository that the image is in."
  type        = string
}

variable "cpu" {
  description = "CPU units of a task, which auto scaling sets its use against."
  type        = number
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
}

variable "workers" {
  description = "Threads of the server with an interpreter each: a quota of CPU is not seen from inside."
  type        = number
}

variable "trusted_proxies" {
  description = "Addresses whose X-Forwarded-For is believed, or an empty text."
  type        = string
}

variable "token" {
  description = "What clients must send."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "token_version" {
  description = "Another number stores another token."
  type        = number
}

variable "log_days" {
  description = "How long log lines are kept."
  type        = number
}
