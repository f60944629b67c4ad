"""What is measured of finished models and of the data."""
