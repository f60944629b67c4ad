"""The splits of the data, and how what belongs to one is named, in every file and table."""

__all__ = ["SPLITS"]

# What stands before a name: ``elbo`` is of training data, ``test_elbo`` of held-out data.
SPLITS = {"train": "", "test": "test_"}
