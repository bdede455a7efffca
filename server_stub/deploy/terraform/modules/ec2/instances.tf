# The instances: which machine image, how they are launched, how many, and of which market.

data "aws_ssm_parameter" "machine_image" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/${var.architecture == "ARM64" ? "arm64/" : ""}recommended/image_id"
}

resource "aws_launch_template" "this" {
  #checkov:skip=CKV_AWS_88:Without a NAT gateway only a public address reaches ECS; the security group lets nobody in but callers
  name_prefix            = "${var.name}-"
  image_id               = data.aws_ssm_parameter.machine_image.value
  instance_type          = var.instance_type
  update_default_version = true

  # ECS writes the log with the task's execution role, so that the instance needs no right to it.
  user_data = base64encode(join("\n", [
    "#!/bin/bash",
    "cat >> /etc/ecs/ecs.config <<'END'",
    "ECS_CLUSTER=${var.cluster_name}",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
    "END",
    "",
  ]))

  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }

  # One hop ends at the instance: a container cannot ask for the instance's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = true
    security_groups             = [var.security_group_id]
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 30
      encrypted             = true
      delete_on_termination = true
    }
  }

  monitoring {
    enabled = false
  }
}

resource "aws_autoscaling_group" "this" {
  name_prefix           = "${var.name}-"
  vpc_zone_identifier   = var.subnet_ids
  min_size              = 0
  max_size              = var.max_count + 1
  protect_from_scale_in = true

  # ECS protects instances with tasks on them; terraform destroy is to end them all the same.
  force_delete = true

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = var.spot ? var.on_demand_base : 0
      on_demand_percentage_above_base_capacity = var.spot ? 0 : 100
      spot_allocation_strategy                 = "price-capacity-optimized"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.this.id
        version            = aws_launch_template.this.latest_version
      }
    }
  }

  tag {
    key                 = "Name"
    value               = var.name
    propagate_at_launch = true
  }

  # ECS marks the groups that it manages with this tag, and counts their instances from then on.
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

resource "aws_ecs_capacity_provider" "this" {
  name = "${var.name}-instances"

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.this.arn
    managed_draining               = "ENABLED"
    managed_termination_protection = "ENABLED"

    managed_scaling {
      status          = "ENABLED"
      target_capacity = 100
    }
  }
}
