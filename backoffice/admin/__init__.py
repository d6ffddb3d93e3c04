"""The back office: Flask-Admin behind staff log-in. `init_app` is the door `wsgi.py` opens."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Add `/admin/` to an application made by `backoffice.create_app`."""
    from backoffice.admin import headers, language, sign_in, site

    language.init_app(app)
    headers.init_app(app)
    sign_in.configure(app)
    site.init_app(app)
