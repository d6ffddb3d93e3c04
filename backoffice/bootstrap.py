"""Bring a database to where the application can start: `python -m backoffice.bootstrap`.

Migrates, adds missing reference data, and in demo mode fills an empty database and writes
VAR_DIR/demo.json.
"""

from __future__ import annotations

import sys
from typing import Any

from backoffice.settings import Settings, SettingsError, load_settings


def prepare(settings: Settings) -> dict[str, Any] | None:
    """Prepare the database of `settings`; return the content of demo.json, or None.

    Raises SettingsError when production would run on demo data.
    """
    from backoffice import create_app
    from backoffice.db import db
    from backoffice.migrate import upgrade

    upgrade(settings.database_url)
    with create_app(settings).app_context():
        try:
            return _fill(settings)
        finally:
            db.session.remove()
            db.engine.dispose()


def _fill(settings: Settings) -> dict[str, Any] | None:
    from backoffice import demo_data
    from backoffice.db import db
    from backoffice.reference import load_reference_data

    session, path = db.session(), settings.var / "demo.json"
    demo_data.refuse_in_production(session, settings)
    load_reference_data(session)
    if settings.demo and demo_data.is_empty(session):
        demo_data.load(session)
        path.unlink(missing_ok=True)  # the log-ins of a database that is gone
    content = None
    if settings.demo and demo_data.has_demo_schools(session):
        known = demo_data.known_logins(session, path)
        content = demo_data.demo_content(session, settings, known)
    session.commit()
    if content:
        demo_data.write_demo_file(content, path)  # after the commit, so that its log-ins work
    return content


def main() -> int:
    """Prepare the configured database; one sentence on what went wrong, if anything."""
    from supervisor.embedded import with_addresses

    try:
        prepare(with_addresses(load_settings()))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
