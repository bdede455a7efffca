# The parts, and which of them there are: a load balancer with a certificate only, one of two ways to run the container.

locals {
  balanced = var.certificate_arn != null

  # CPU units of the container: what Fargate was asked for, or all of an instance.
  cpu = var.platform == "fargate" ? var.cpu : 1024 * var.instance_vcpus

  instance_type = coalesce(var.instance_type, var.architecture == "ARM64" ? "t4g.medium" : "t3.medium")

  workers = max(1, floor(local.cpu / 1024))

  requests_per_minute = floor(60 * var.images_per_s_and_vcpu * local.cpu / 1024 * var.target_cpu_percent / 100)

  service_name = one(concat(module.fargate[*].service_name, module.ec2[*].service_name))
}

module "network" {
  source = "./modules/network"

  name     = var.name
  vpc_cidr = var.vpc_cidr
}

module "registry" {
  source = "./modules/registry"

  name = var.name
}

module "entry" {
  source = "./modules/entry"
  count  = local.balanced ? 1 : 0

  name            = var.name
  vpc_id          = module.network.vpc_id
  vpc_cidr        = var.vpc_cidr
  subnet_ids      = module.network.subnet_ids
  client_cidrs    = var.client_cidrs
  certificate_arn = var.certificate_arn
  domain_name     = var.domain_name
  zone_id         = var.zone_id
  target_type     = var.platform == "fargate" ? "ip" : "instance"
}

module "access" {
  source = "./modules/access"

  name            = var.name
  vpc_id          = module.network.vpc_id
  balanced        = local.balanced
  caller_group_id = one(module.entry[*].security_group_id)
  client_cidrs    = local.balanced ? [] : var.client_cidrs
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container insights are paid by the metric; auto scaling needs none of them
  name = var.name
}

module "task" {
  source = "./modules/task"

  name            = var.name
  region          = var.region
  platform        = var.platform
  architecture    = var.architecture
  image           = "${module.registry.repository_url}:${var.image_tag}"
  repository_arn  = module.registry.repository_arn
  cpu             = local.cpu
  memory          = var.memory
  workers         = local.workers
  trusted_proxies = local.balanced ? var.vpc_cidr : ""
  token           = var.token
  token_version   = var.token_version
  log_days        = var.log_days
}

module "fargate" {
  source = "./modules/fargate"
  count  = var.platform == "fargate" ? 1 : 0

  name                = var.name
  cluster_arn         = aws_ecs_cluster.this.arn
  cluster_name        = aws_ecs_cluster.this.name
  task_definition_arn = module.task.task_definition_arn
  subnet_ids          = module.network.subnet_ids
  security_group_id   = module.access.security_group_id
  balanced            = local.balanced
  target_group_arn    = one(module.entry[*].target_group_arn)
  desired_count       = var.desired_count
  spot                = var.spot
  on_demand_base      = var.on_demand_base
}

module "ec2" {
  source = "./modules/ec2"
  count  = var.platform == "ec2" ? 1 : 0

  name                = var.name
  cluster_arn         = aws_ecs_cluster.this.arn
  cluster_name        = aws_ecs_cluster.this.name
  task_definition_arn = module.task.task_definition_arn
  subnet_ids          = module.network.subnet_ids
  security_group_id   = module.access.security_group_id
  balanced            = local.balanced
  target_group_arn    = one(module.entry[*].target_group_arn)
  desired_count       = var.desired_count
  max_count           = var.max_count
  spot                = var.spot
  on_demand_base      = var.on_demand_base
  architecture        = var.architecture
  instance_type       = local.instance_type
}

module "scaling" {
  source = "./modules/scaling"

  name                = var.name
  cluster_name        = aws_ecs_cluster.this.name
  service_name        = local.service_name
  min_count           = var.desired_count
  max_count           = var.max_count
  target_cpu_percent  = var.target_cpu_percent
  balanced            = local.balanced
  requests_per_minute = local.requests_per_minute
  request_label       = one(module.entry[*].request_label)
}
