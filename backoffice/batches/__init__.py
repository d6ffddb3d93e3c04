"""Batches: opening them, their feature codes, and what is printed for them."""
