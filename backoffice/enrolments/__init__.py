"""Joining a student's account to a place in a batch: identification, unlisted students."""
