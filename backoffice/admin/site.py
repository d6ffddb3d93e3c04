"""The site: Flask-Admin with our rooms, in the order of the menu."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Flask, redirect, request, session
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from markupsafe import Markup

from backoffice.admin import invitation
from backoffice.admin.account import AccountRoom
from backoffice.admin.answers import reason_of
from backoffice.admin.assets import serve
from backoffice.admin.batches import BatchesRoom
from backoffice.admin.bulk import BulkRoom, runnable
from backoffice.admin.catalogues import ReasonsRoom
from backoffice.admin.dashboard import DashboardRoom
from backoffice.admin.enrolments import EnrolmentsRoom
from backoffice.admin.exports import ExportsRoom
from backoffice.admin.finance import FinanceRoom, PaymentsRoom, RefundsRoom
from backoffice.admin.fulfilment import FulfilmentRoom
from backoffice.admin.history import EventsRoom, PhotosRoom
from backoffice.admin.imports import ImportsRoom
from backoffice.admin.labels import (
    CARRIERS,
    badge,
    move_label,
    state_badge,
    state_label,
    state_tone,
    transition_label,
    word,
)
from backoffice.admin.language import lazy
from backoffice.admin.orders import OrdersRoom
from backoffice.admin.outbox import OutboxRoom
from backoffice.admin.people import may, member
from backoffice.admin.pictures import PicturesRoom
from backoffice.admin.requests import RequestsRoom
from backoffice.admin.review import ReviewRoom
from backoffice.admin.review_figures import ReviewFiguresRoom
from backoffice.admin.review_opinions import OpinionsRoom
from backoffice.admin.review_rules import ReviewRulesRoom
from backoffice.admin.room import Room
from backoffice.admin.schools import SchoolsRoom
from backoffice.admin.staff import StaffRoom
from backoffice.admin.standards import StandardsRoom
from backoffice.admin.tickets import TicketsRoom
from backoffice.admin.workflow import WorkflowRoom
from backoffice.db import db
from backoffice.i18n import LOCALES, Text

# where the words of a heading end and its drop-downs, buttons and counters begin
CONTROLS = re.compile(r'<(?:form|select|button|a class="btn|span class="rd-)')

files = Blueprint(
    "backoffice_admin",
    __name__,
    url_prefix="/admin",
    template_folder="templates",
)
files.add_url_rule("/assets/<path:filename>", "static", serve)


@files.post("/language")
def choose_language() -> Any:
    """Keep the chosen language in the session and, signed in, on the account."""
    chosen = request.form.get("locale", "")
    if chosen in LOCALES:
        session["locale"] = chosen
        staff = member()
        if staff is not None:
            staff.locale = chosen
            db.session.commit()
    back = request.form.get("back", "")
    safe = back.startswith("/admin/") and "\\" not in back and "//" not in back
    return redirect(back if safe else "/admin/", 303)


def menu_of(admin: Admin) -> list[tuple[Text | None, list[Any]]]:
    """Return the rooms this member may enter, grouped under their headings."""
    groups: dict[Text | None, list[Any]] = {}
    for view in admin._views:
        shown = isinstance(view, DashboardRoom) or view.section is not None
        if isinstance(view, Room) and shown and view.is_accessible():
            groups.setdefault(view.section, []).append(view)
    return list(groups.items())


def page_title(heading: str) -> str:
    """Return the words of a page's heading without the controls that stand beside them."""
    return Markup(CONTROLS.split(heading, maxsplit=1)[0]).striptags()  # noqa: S704


def init_app(app: Flask) -> None:
    """Register templates, files and all rooms."""
    app.register_blueprint(files)
    app.register_blueprint(invitation.pages)
    admin = Admin(
        app,
        name=lazy("毕业图像采集后台", "Graduate Photo Back Office"),
        index_view=DashboardRoom(),
        theme=Bootstrap4Theme(base_template="backoffice/base.html", fluid=True),
    )
    for room in (
        BatchesRoom(),
        ImportsRoom(),
        EnrolmentsRoom(),
        OrdersRoom(),
        PhotosRoom(),
        RequestsRoom("requests"),
        TicketsRoom(),
        ReviewRoom("review"),
        OpinionsRoom("opinions"),
        ReviewFiguresRoom("review_figures"),
        ReviewRulesRoom("review_rules"),
        ReasonsRoom(),
        StandardsRoom(),
        FulfilmentRoom("fulfilment"),
        BulkRoom("bulk"),
        FinanceRoom("finance"),
        PaymentsRoom(),
        RefundsRoom(),
        SchoolsRoom(),
        StaffRoom(),
        WorkflowRoom("workflow"),
        OutboxRoom(),
        EventsRoom(),
        PicturesRoom("pictures"),
        ExportsRoom("exports"),
        AccountRoom("account"),
    ):
        admin.add_view(room)
    app.jinja_env.filters["page_title"] = page_title
    app.jinja_env.globals.update(
        menu=lambda: menu_of(admin),
        may=may,
        badge=badge,
        word=word,
        state_badge=state_badge,
        state_label=state_label,
        state_tone=state_tone,
        transition_label=transition_label,
        move_label=move_label,
        reason_of=reason_of,
        bulk_moves=runnable,
        carriers=CARRIERS,
    )
