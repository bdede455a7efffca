# Where the image is kept.

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:AES-256 with the registry's own key; the image holds nothing secret
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"

  # With images in it the registry would not let itself be removed; terraform destroy is to work.
  force_delete = true

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "last_ten" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Keep the last ten images"
        selection = {
          tagStatus   = "any"
          countType   = "imageCountMoreThan"
          countNumber = 10
        }
        action = {
          type = "expire"
        }
      }
    ]
  })
}
