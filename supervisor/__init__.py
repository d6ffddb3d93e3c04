"""Runs the system on one machine: embedded PostgreSQL and Valkey, the web server, the workers.

`python -m supervisor up` is what `make up` calls; `embedded.ensure_running` is what every other
command and the tests call when no outside server is configured.
"""
