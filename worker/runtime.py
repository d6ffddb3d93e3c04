"""What the job functions need beside their arguments: the application and the warm photo engine.

RQ calls jobs by name, so they find these here. Inside an application context (tests, commands)
that application is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, has_app_context

from backoffice.services import services

if TYPE_CHECKING:
    from backoffice.identity.id_card import IdCardReader
    from backoffice.photos.pipeline import PhotoEngine

_app: Flask | None = None
_engines: dict[tuple[str, str], Any] = {}
_id_card_reader: IdCardReader | None = None


def use(app: Flask) -> None:
    """Install the process's application."""
    global _app
    _app = app


def app() -> Flask:
    """Return the application jobs run in. Raises RuntimeError before `use`."""
    if has_app_context():
        current: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        return current
    if _app is None:
        raise RuntimeError("worker.runtime.use(app) has not been called")
    return _app


def photo_engine() -> PhotoEngine:
    """Return the process's photo engine, loading the models on first use (a second or two)."""
    from backoffice.photos.pipeline import PhotoEngine

    settings = services().settings
    key = (str(settings.models), settings.matting_model)
    if key not in _engines:
        _engines[key] = PhotoEngine(settings.models, settings.matting_model)
    engine: PhotoEngine = _engines[key]
    return engine


def id_card_reader() -> IdCardReader:
    """Return the process's ID card reader, loading its models on first use (a second or two)."""
    global _id_card_reader
    if _id_card_reader is None:
        from backoffice.identity.id_card import IdCardReader

        _id_card_reader = IdCardReader()
    return _id_card_reader
