"""What the study computes: its sections, their runs, figures and cost."""
