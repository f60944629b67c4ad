"""What the study says, as text."""
