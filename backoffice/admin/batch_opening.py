"""The forms that open, copy and change a batch."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin.helpers import validate_form_on_submit
from sqlalchemy import select

from backoffice.admin.batch_forms import BatchForm, form_values
from backoffice.admin.language import say, zone
from backoffice.admin.people import me, own_school, record
from backoffice.admin.room import parse_uuid
from backoffice.batches.changes import by_staff
from backoffice.batches.defaults import copied_plan, new_plan
from backoffice.batches.life import change_batch, fixed_fields
from backoffice.batches.operations import create_batch
from backoffice.batches.plans import BatchPlan, plan_of
from backoffice.db import db
from backoffice.errors import InvalidInput, NotFound
from backoffice.models import Batch, School
from backoffice.models.vocabulary import BatchState
from backoffice.security.tenancy import visible


class OpeningForms:
    """The part of the batches' room that Flask-Admin asks for forms and for what they write."""

    _find: Any
    get_url: Any
    handle_view_exception: Any

    def create_form(self, obj: Any = None) -> BatchForm:
        """Return the form of a new batch: as the school's last one, or as the one to copy."""
        if request.form:
            return BatchForm(request.form)
        source = self._copied()
        if source is not None:
            plan = copied_plan(db.session(), source, zone())
            form = BatchForm(data=form_values(plan, source.school_id))
            form.copy_of.data = str(source.id)
            return form
        school = self._first_school()
        if school is None:
            return BatchForm(data=form_values(BatchPlan(name="")))
        plan, last = new_plan(db.session(), school, zone())
        form = BatchForm(data=form_values(plan, school.id))
        form.taken_from = last
        return form

    def edit_form(self, obj: Any = None) -> BatchForm:
        """Return the form of a batch with the fields that may still change."""
        assert obj is not None
        form = (
            BatchForm(request.form) if request.form else BatchForm(data=form_values(plan_of(obj)))
        )
        form.fix({"school", "copy_of", *fixed_fields(db.session(), obj)})
        form.fixed_roster_mode = obj.roster_mode
        form.keep_standard(obj.standard)
        return form

    def validate_form(self, form: BatchForm) -> bool:
        """Check the form; what is wrong stands at its field, not in a message above."""
        return bool(validate_form_on_submit(form))

    def create_model(self, form: BatchForm) -> Any:
        """Open the batch, or keep it as a draft; a refused value is shown at its field."""
        draft = request.form.get("state") == BatchState.DRAFT
        try:
            school = self._chosen_school(form)
            copy_of = self._batch_or_none(form.copy_of.data)
            plan = form.plan(
                BatchPlan(name=""), state=BatchState.DRAFT if draft else BatchState.OPEN
            )
            batch = create_batch(db.session(), school, plan, by_staff(me().id), copy_of)
            record("batch:create", "batch", batch.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self._show(form, error)
            return False
        return batch

    def update_model(self, form: BatchForm, model: Batch) -> bool:
        """Write what has changed; the domain decides what may."""
        try:
            plan = form.plan(plan_of(model))
            change_batch(db.session(), model, plan, by_staff(me().id))
            record("batch:change", "batch", model.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self._show(form, error)
            return False
        return True

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go to the batch's page."""
        return str(self.get_url(".batch", id=model.id))

    def _show(self, form: BatchForm, error: Exception) -> None:
        """Put a refused value's reason under its field; everything else above the form."""
        if isinstance(error, InvalidInput) and error.field in form:
            field = form[error.field]
            field.errors = [*field.errors, say(error.reason)]
        else:
            self.handle_view_exception(error)

    def _copied(self) -> Batch | None:
        return self._batch_or_none(request.args.get("copy", ""))

    def _batch_or_none(self, raw: str | None) -> Batch | None:
        return self._find(parse_uuid(raw)) if raw else None

    def _first_school(self) -> School | None:
        """Return the school the form is about: the chosen one, else the first in the list."""
        query = select(School).where(visible(School, own_school())).order_by(School.code).limit(1)
        if request.args.get("school"):
            query = query.where(School.id == parse_uuid(request.args["school"]))
        return db.session.scalars(query).first()

    def _chosen_school(self, form: BatchForm) -> School:
        school = db.session.scalars(
            select(School).where(
                School.id == parse_uuid(form.school.data), visible(School, own_school())
            )
        ).one_or_none()
        if school is None:
            raise NotFound()
        return school
