"""Experiments on the linear VAE's likelihood and ELBO: maxima, saddle points, ways between."""
