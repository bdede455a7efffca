"""What the project claims in numbers, each printed by a command. Nothing here is imported by the product."""
