"""What a training job may be told."""
