"""Linear VAEs, probabilistic PCA and posterior collapse."""
