"""Realistic volume for tests of scale: `flask demo seed`."""
