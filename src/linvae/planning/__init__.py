"""From a configuration to the jobs of a study: what is computed, from what, and where it lies."""
