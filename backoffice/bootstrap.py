"""Bring a database to where the application can start: `python -m backoffice.bootstrap`.

Migrates, adds missing reference data, and in demo mode fills an empty database and writes
VAR_DIR/demo.json.
"""

from __future__ import annotations

import sys
from typing import Any

from backoffice.settings import Settings, load_settings


def prepare(settings: Settings) -> dict[str, Any] | None:
    """Prepare the database of `settings`; return the content of demo.json, or None."""
    from backoffice.migrate import upgrade
    from wsgi import create_app

    upgrade(settings.database_url)
    with create_app(settings).app_context():
        return _fill(settings)


def _fill(settings: Settings) -> dict[str, Any] | None:
    from backoffice import demo_data
    from backoffice.db import db
    from backoffice.reference import load_reference_data

    load_reference_data(db.session())
    path = settings.var / "demo.json"
    content = None
    if settings.demo:
        if demo_data.is_empty(db.session()):
            demo_data.load(db.session())
            path.unlink(missing_ok=True)
            content = demo_data.write_demo_file(db.session(), settings, path)
        elif path.exists() or demo_data.has_demo_schools(db.session()):
            content = demo_data.write_demo_file(db.session(), settings, path)
    db.session.commit()
    return content


def main() -> int:
    """Prepare the configured database; one sentence on what went wrong, if anything."""
    from supervisor.embedded import with_addresses

    prepare(with_addresses(load_settings()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
