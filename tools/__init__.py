"""Chores around the repository that need nothing but Python's standard library."""
