"""What any VAE makes of data, given as two functions."""
