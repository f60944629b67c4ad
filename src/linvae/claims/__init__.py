"""The claims of the study, each with a verdict that is computed from the results."""
