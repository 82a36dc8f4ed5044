"""Full-integer int8 quantisation after training."""
