"""The linear VAE and probabilistic PCA in closed form: NumPy in, NumPy out."""
