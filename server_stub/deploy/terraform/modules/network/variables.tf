variable "name" {
  description = "Name of the network."
  type        = string
}

variable "vpc_cidr" {
  description = "Its addresses."
  type        = string
}
