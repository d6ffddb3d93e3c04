"""How long personal data is kept: erasure of an account, files nobody points to any more."""
