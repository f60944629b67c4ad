"""Figures: one module each, a table of what is drawn and the drawing of that table."""
