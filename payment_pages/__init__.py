"""The providers' door: payment callbacks, Twilio's status callbacks, and the sandbox's pay page."""

from __future__ import annotations

from flask import Flask

from backoffice.payments.registry import sandbox
from backoffice.services import services


def init_app(app: Flask) -> None:
    """Register the callbacks, and the sandbox's page where the sandbox is switched on."""
    from payment_pages.callbacks import callbacks
    from payment_pages.pay_page import pages

    app.register_blueprint(callbacks)
    with app.app_context():
        if sandbox(services().settings) is not None:
            app.register_blueprint(pages)
    # Providers cannot carry our form token; their signature stands in its place.
    protection = app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(callbacks)
        protection.exempt(pages)
