"""Student accounts: registration, sign-in, tokens, consents, addresses, questions to the staff."""
