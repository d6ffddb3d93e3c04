"""The progress board of a batch: figures by class, who stands where, reminders."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request

from backoffice.admin.keeping import kept
from backoffice.admin.language import locale, t
from backoffice.admin.people import me, record
from backoffice.admin.room import expose, parse_uuid, require
from backoffice.batches.board import PAGE, Board, board, is_large, people
from backoffice.batches.changes import by_staff, record_change
from backoffice.batches.reminders import (
    REMINDABLE,
    NobodyToRemind,
    queue_reminders,
    reach,
)
from backoffice.batches.stage_names import STAGE_NAMES, STAGE_TONES
from backoffice.batches.stages import ClassRef, Stage
from backoffice.db import db
from backoffice.messaging.composing import closing_time
from backoffice.messaging.templates import render, sms_text
from backoffice.models import Batch
from backoffice.models.batch_life import BatchAction
from backoffice.models.vocabulary import BatchState

SHOWN_CLASSES = 300
# The text of each stage's reminder (messaging/composing.py chooses it again when it leaves).
TEMPLATES = {
    Stage.NOT_STARTED: "reminder_start",
    Stage.IDENTIFIED: "reminder_order",
    Stage.ORDERED: "reminder_unpaid",
    Stage.PAID: "reminder_photo",
    Stage.REJECTED: "reminder_photo",
}


class BoardViews:
    """Views of the batches' room about progress."""

    _find: Any
    get_url: Any
    render: Any

    @expose("/<uuid:id>/progress")
    def progress(self, id: uuid.UUID) -> Any:
        """Show the figures, all together and by class."""
        batch = self._find(id)
        return self.render(
            "backoffice/batch_board.html",
            batch=batch,
            board=board_of(batch.id),
            shown_classes=SHOWN_CLASSES,
            **stage_words(),
        )

    @expose("/<uuid:id>/people")
    def people(self, id: uuid.UUID) -> Any:
        """Show who stands at a stage, of one class or of all; a page at a time."""
        require("enrolments")
        batch = self._find(id)
        stages, chosen = _asked_stages(), asked_class()
        after = request.args.get("after", "")
        found = people(
            db.session(), batch.id, stages, chosen, parse_uuid(after) if after else None, PAGE + 1
        )
        return self.render(
            "backoffice/batch_people.html",
            batch=batch,
            people=found[:PAGE],
            next_page=found[PAGE - 1].enrolment_id if len(found) > PAGE else None,
            stages=stages,
            chosen=chosen,
            classes=board_of(batch.id).classes,
            **stage_words(),
        )

    @expose("/<uuid:id>/remind")
    def ask_reminder(self, id: uuid.UUID) -> Any:
        """Show whom a reminder would go to, and its words, before any is sent."""
        require("batches.remind")
        batch, chosen = self._find(id), asked_class()
        found = board_of(batch.id)
        return self.render(
            "backoffice/batch_remind.html",
            batch=batch,
            reach=reach(db.session(), batch, chosen),
            chosen=chosen,
            asked=_asked_stages() or list(REMINDABLE),
            classes=found.classes,
            open=batch.state == BatchState.OPEN,
            texts=_texts(batch),
            **stage_words(),
        )

    @expose("/<uuid:id>/remind", methods=("POST",))
    def send_reminder(self, id: uuid.UUID) -> Any:
        """Queue the reminders; who was reminded today is left out, whoever asks."""
        require("batches.remind")
        batch, chosen = self._find(id), asked_class()
        stages = [s for s in _asked_stages() if s in REMINDABLE]
        if batch.state != BatchState.OPEN or not stages:
            raise NobodyToRemind()
        count = queue_reminders(db.session(), batch, stages, chosen)
        if not count:
            raise NobodyToRemind()
        facts = {"stages": [str(s) for s in stages], "students": count}
        if chosen is not None:
            facts["class"] = " ".join(part for part in (chosen.college, chosen.class_name) if part)
        changes = [{"field": name, "old": None, "new": value} for name, value in facts.items()]
        record_change(db.session(), batch, BatchAction.REMIND, by_staff(me().id), changes)
        record("batch:remind", "batch", batch.id, students=count)
        db.session.commit()
        flash(
            t(
                f"已安排向 {count} 名学生发送提醒。",
                f"Reminders to {count} students are on their way.",
            ),
            "success",
        )
        return redirect(self.get_url(".progress", id=id), 303)


def board_of(batch_id: uuid.UUID) -> Board:
    """Return the figures of a batch; of a large one those of a moment ago, if there are any."""

    def count() -> Board:
        return board(db.session(), batch_id)

    return kept("board", count, batch_id) if is_large(db.session(), batch_id) else count()


def stage_words() -> dict[str, Any]:
    """Return what the templates say about stages."""
    return {
        "all_stages": list(Stage),
        "stage_name": {stage: t(*text) for stage, text in STAGE_NAMES.items()},
        "stage_tone": STAGE_TONES,
    }


def asked_class() -> ClassRef | None:
    """Return the class of the request, None for all of them."""
    return ClassRef.of_key(request.values.get("class", "")[:200])


def _asked_stages() -> list[Stage]:
    known = {stage.value: stage for stage in Stage}
    return [known[name] for name in request.values.getlist("stage") if name in known]


def _texts(batch: Batch) -> dict[Stage, str]:
    """Return what the SMS of each stage will say; the order's number is each student's own."""
    values = {
        "school": batch.school.name,
        "batch": batch.name,
        "closes": closing_time(batch),
        "code": batch.feature_code,
        "number": t("〔订单号〕", "[order number]"),
        "yuan": "",
    }
    return {
        stage: sms_text(render(name, locale(), **values)[1], locale())
        for stage, name in TEMPLATES.items()
    }
