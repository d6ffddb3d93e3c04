"""The workflow: a generic engine, the definitions as data, and what orders add to it."""
