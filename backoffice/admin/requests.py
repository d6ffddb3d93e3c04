"""What students ask for: wrong data put right, an entry somebody else has claimed, erasure.

Corrections and contests are the school's to settle; an account belongs to no school, so erasing
one is the house's.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request

from backoffice.admin import answers
from backoffice.admin.language import t
from backoffice.admin.people import may, me, own_school, record
from backoffice.admin.room import Page, expose, parse_uuid, require
from backoffice.db import db
from backoffice.enrolments.requests import (
    accept,
    find_request,
    note_of,
    open_requests,
    refuse,
    shown_value,
    wanted_changes,
)
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.identity.masking import mask_name
from backoffice.retention.erasure import ERASED, delete_files, erase, waiting_requests
from backoffice.services import services

ERASE = "requests.erase"
SHOWN = 25
ANSWER_MAX = 500
FIELDS = {
    "name": Text("姓名", "Name"),
    "student_no": Text("学号", "Student no."),
    "college": Text("院系", "College"),
    "major": Text("专业", "Major"),
    "class_name": Text("班级", "Class"),
    "level": Text("学历层次", "Level"),
    "gender": Text("性别", "Gender"),
    "birth_date": Text("出生日期", "Born"),
}


class RequestsRoom(Page):
    """The open requests of the own school, oldest first."""

    room = "requests"
    label = Text("信息申请", "Requests")
    section = Text("采集", "Collection")

    @expose("/")
    def index(self) -> str:
        """Show what waits, with the present and the wanted values side by side."""
        after = request.args.get("after")
        found = open_requests(
            db.session(), own_school(), SHOWN + 1, parse_uuid(after) if after else None
        )
        for row in found[:SHOWN]:
            record("request:view", "enrolment_request", row.id)
        erasures = waiting_requests(db.session(), SHOWN) if may(ERASE) and not after else []
        for asked in erasures:
            record("erasure:view", "student", asked.student.id)
        db.session.commit()
        return str(
            self.render(
                "backoffice/requests.html",
                rows=found[:SHOWN],
                after=found[SHOWN - 1].id if len(found) > SHOWN else None,
                fields=FIELDS,
                changes=wanted_changes,
                present=shown_value,
                note_of=note_of,
                most=ANSWER_MAX,
                erasures=erasures,
                erased_after=services().settings.erasure_days,
                mask_name=mask_name,
            )
        )

    @expose("/<uuid:id>/decide", methods=("POST",))
    def decide(self, id: uuid.UUID) -> Any:
        """Accept or refuse one request, with an answer to the student."""
        find_request(db.session(), id, own_school())
        said = request.form.get("answer", "").strip()[:ANSWER_MAX]
        accepted = request.form.get("decision") == "accept"
        try:
            if accepted:
                accept(db.session(), id, me().id, said or None)
            elif not said:
                reason = Text("请写明不同意的原因。", "Tell the student why.")
                raise InvalidInput("answer", reason)
            else:
                refuse(db.session(), id, me().id, said)
        except BackofficeError as error:
            db.session.rollback()
            answers.flash_error(error)
            return redirect(self.get_url(".index"), 303)
        record("request:accept" if accepted else "request:refuse", "enrolment_request", id)
        db.session.commit()
        flash(t("已处理。", "Settled."), "success")
        return redirect(self.get_url(".index"), 303)

    @expose("/erase/<uuid:id>", methods=("POST",))
    def erase(self, id: uuid.UUID) -> Any:
        """Erase an account that asked for it. Raises ErasureNotAsked, ErasureWaits, ImportRunning."""
        require(ERASE)
        storage = services().storage
        keys = erase(db.session(), storage, id)
        record(ERASED, "student", id, files=len(keys))
        db.session.commit()
        delete_files(storage, keys)
        flash(
            t("已删除该账号的个人信息。", "The account's personal data has been erased."), "success"
        )
        return redirect(self.get_url(".index"), 303)
