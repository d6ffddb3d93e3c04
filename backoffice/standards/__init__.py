"""Versions of the photo standards: made, put into force, retired; never changed."""
