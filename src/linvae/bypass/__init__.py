"""What a linear bypass of a VAE still adds: residual spectrum, cut, certificate."""
