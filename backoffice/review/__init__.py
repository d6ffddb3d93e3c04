"""The review desk's rules, apart from its page."""
