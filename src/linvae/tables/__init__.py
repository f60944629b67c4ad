"""The tables of a study, one module each."""
