"""What a cloud platform costs: dated list prices and the arithmetic on them. Measures nothing."""
