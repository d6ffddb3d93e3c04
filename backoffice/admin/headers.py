"""What every answer under /admin carries: content policy, caching, and forms that prove themselves."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect

from backoffice.admin.answers import csrf_refused
from backoffice.admin.assets import asset

# No inline script or style anywhere, nothing from outside; data: is for Bootstrap's own arrows.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie; pictures stay cached although a flash message changes the cookie."""

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Save, then let a picture's answer not vary with the whole cookie (it is private)."""
        super().save_session(app, session, response)
        if request.endpoint == "pictures.picture":
            response.vary.discard("Cookie")


def under_admin() -> bool:
    """Return whether this request is for the back office."""
    return request.path == "/admin" or request.path.startswith("/admin/")


def init_app(app: Flask) -> None:
    """Protect every form under /admin, whoever made it, and set the headers."""
    # Other doors carry bearer tokens, not cookies, so the check is ours alone.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None)
    csrf = CSRFProtect(app)
    app.session_interface = Sessions()
    app.register_error_handler(CSRFError, csrf_refused)
    app.jinja_env.globals["asset"] = asset

    @app.before_request
    def protect() -> None:
        if under_admin() and request.method not in ("GET", "HEAD", "OPTIONS"):
            csrf.protect()

    @app.after_request
    def dress(response: Response) -> Response:
        if under_admin():
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            _cache(response)
        return response


def _cache(response: Response) -> None:
    """Pages with people's data are not kept; versioned files are kept for good."""
    if request.endpoint and request.endpoint.endswith(".static"):
        return  # `assets.serve` has said how long
    if request.endpoint != "pictures.picture" or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    if request.endpoint == "security.logout":
        response.headers["Clear-Site-Data"] = '"cache"'
