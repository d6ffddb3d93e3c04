"""Photo standards: the list, one version with its history, the form that makes the next version."""

from __future__ import annotations

import base64
import uuid
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from backoffice.admin import standards_form
from backoffice.admin.answers import flash_error
from backoffice.admin.labels import badge
from backoffice.admin.language import lazy, say, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.people import may, me, record
from backoffice.admin.room import expose, require
from backoffice.admin.standards_form import Filled
from backoffice.db import db
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.models import PhotoStandard, Staff
from backoffice.photos import preview
from backoffice.photos.standards import CHSI_BLUE, Standard
from backoffice.photos.standards_differences import FIELDS, POLICIES, differences, shown
from backoffice.services import services
from backoffice.standards import versions

SAMPLE_MAX_BYTES = 20 * 1024 * 1024


class StandardsRoom(ListRoom):
    """Versions never change: who edits one makes the next. Everybody else reads."""

    room = "standards"
    label = Text("照片标准", "Photo standards")
    section = Text("审核", "Review")
    page_size = 100
    row_page = "standards.standard"
    column_list = (
        "title_zh", "name", "version", "size", "background", "policy", "file_size", "retired_at",
    )  # fmt: skip
    column_labels: ClassVar[dict[str, Any]] = {
        "name": lazy("名称", "Name"),
        "version": lazy("版本", "Version"),
        "title_zh": lazy("标题", "Title"),
        "size": lazy("尺寸（像素）", "Size (px)"),
        "background": lazy("背景色", "Background"),
        "policy": lazy("背景处理", "Background policy"),
        "file_size": lazy("文件大小", "File size"),
        "retired_at": lazy("状态", "State"),
    }
    column_sortable_list = ()
    column_default_sort: ClassVar[Any] = [("name", False), ("version", True)]
    column_formatters: ClassVar[dict[str, Any]] = {
        "title_zh": lambda v, c, s, n: t(s.title_zh, s.title_en),
        "size": lambda v, c, s, n: (
            f"{s.data['width']}\u00a0×\u00a0{s.data['height']}, {s.data['dpi']}\u00a0dpi"
        ),
        "background": lambda v, c, s, n: swatch(s.data["background"]),
        "policy": lambda v, c, s, n: say(POLICIES[s.as_standard().background_policy]),
        "file_size": lambda v, c, s, n: (
            f"{s.data['min_bytes'] / 1000:.0f}–{s.data['max_bytes'] / 1000:.0f}\u00a0KB"
        ),
        "retired_at": lambda v, c, s, n: state_badge(s),
    }
    choices = (
        Choice(
            "state",
            Text("全部版本", "All versions"),
            lambda: [("in_force", t("启用", "In force")), ("retired", t("停用", "Retired"))],
            lambda v: (
                PhotoStandard.retired_at.is_(None)
                if v == "in_force"
                else PhotoStandard.retired_at.is_not(None)
            ),
        ),
    )

    def __init__(self) -> None:
        super().__init__(PhotoStandard, "standards")

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("standards.edit")

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by name."""
        return PhotoStandard.name == term

    # -- one version ----------------------------------------------------------------------

    @expose("/<uuid:id>/")
    def standard(self, id: uuid.UUID) -> Response:
        """Show a version, what it changed, and the other versions of its name."""
        row: PhotoStandard = self.get_one(id)
        history = versions.versions_of(db.session(), row.name)
        earlier = next((v for v in history if v.version < row.version), None)
        present = row.as_standard()
        return self._page(
            "backoffice/standard.html",
            row=row,
            standard=present,
            facts=[(label, shown(present, name)) for name, label in FIELDS.items()],
            limits=standards_form.opened(present).rows,
            history=history,
            authors=_authors(history),
            batches=versions.batches_by_version(db.session(), row.name),
            movable=versions.batches_on_other_versions(db.session(), row),
            earlier=earlier,
            changes=differences(earlier.as_standard(), present) if earlier else [],
            state_badge=state_badge,
            swatch=swatch,
        )

    @expose("/<uuid:id>/retire", methods=("POST",))
    def retire(self, id: uuid.UUID) -> Any:
        """Take a version out of use, or put it (back) into force."""
        require("standards.edit")
        row: PhotoStandard = self.get_one(id)
        if row.retired_at is None:
            versions.retire(db.session(), row)
            record("standard:retire", "standard", row.id)
        else:
            versions.restore(db.session(), row)
            record("standard:restore", "standard", row.id)
        db.session.commit()
        flash(t("已保存。", "Saved."), "success")
        return redirect(self.get_url(".standard", id=row.id), 303)

    @expose("/<uuid:id>/move-batches", methods=("POST",))
    def move_batches(self, id: uuid.UUID) -> Any:
        """Have the batches that still take orders use this version from now on."""
        require("standards.edit")
        row: PhotoStandard = self.get_one(id)
        if row.retired_at is not None:
            raise NotFound()
        moved = versions.move_batches(db.session(), row, me().id)
        record("standard:move_batches", "standard", row.id, batches=len(moved))
        db.session.commit()
        flash(
            t("%d 个批次已改用此版本。", "%d batches use this version now.") % len(moved), "success"
        )
        return redirect(self.get_url(".standard", id=row.id), 303)

    # -- the next version -----------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Make a standard under a new name, beginning with the national one's values."""
        require("standards.edit")
        return self._edit(None, CHSI_BLUE)

    @expose("/<uuid:id>/edit", methods=("GET", "POST"))
    def edit(self, id: uuid.UUID) -> Any:
        """Make the next version, beginning with this one's values."""
        require("standards.edit")
        row: PhotoStandard = self.get_one(id)
        return self._edit(row, row.as_standard())

    def _edit(self, row: PhotoStandard | None, base: Standard) -> Any:
        newest = versions.versions_of(db.session(), row.name)[0].version if row else 0
        if request.method == "GET":
            filled = standards_form.opened(base)
            if row is None:
                filled.form.name.data = filled.form.title_zh.data = filled.form.title_en.data = ""
            return self._form(row, newest, filled)
        filled = standards_form.sent(request.form, base, row.name if row else None)
        based_on = request.form.get("based_on", "", str)
        based = int(based_on) if based_on.isdigit() else newest
        standard = filled.standard()
        if standard is None:
            return self._form(row, based, filled, status=422)
        step = request.form.get("step")
        try:
            if step == "save":
                return self._save(standard, based, filled)
            tried = self._try(standard) if step == "try" else None
        except BackofficeError as error:
            db.session.rollback()
            flash_error(error)
            return self._form(row, based, filled, status=422)
        changes = differences(base if row else None, standard)
        return self._form(row, based, filled, standard=standard, changes=changes, tried=tried)

    def _save(self, standard: Standard, based_on: int, filled: Filled) -> Any:
        made = versions.make_version(
            db.session(), standard, based_on=based_on, staff_id=me().id, note=filled.form.note.data
        )
        record("standard:version", "standard", made.id, version=made.version)
        db.session.commit()
        flash(t("第 %d 版已启用。", "Version %d is in force.") % made.version, "success")
        return redirect(self.get_url(".standard", id=made.id), 303)

    def _try(self, standard: Standard) -> preview.Preview:
        sent = request.files.get("sample")
        data = sent.stream.read(SAMPLE_MAX_BYTES + 1) if sent and sent.filename else None
        if data is not None and len(data) > SAMPLE_MAX_BYTES:
            raise preview.PreviewFailed()
        db.session.rollback()  # no connection is held while the picture is worked
        settings = services().settings
        return preview.try_standard(data, standard, settings.models, settings.matting_model)

    def _form(self, row: PhotoStandard | None, based_on: int, filled: Filled, **values: Any) -> Any:
        return self._page(
            "backoffice/standard_form.html",
            row=row,
            filled=filled,
            based_on=based_on,
            severities=standards_form.SEVERITY_OPTIONS,
            data_uri=data_uri,
            **{"standard": None, "changes": None, "tried": None, "status": 200, **values},
        )

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return make_response(self.render(template, **values), status)


def _authors(history: list[PhotoStandard]) -> dict[uuid.UUID, str]:
    ids = {row.author_id for row in history if row.author_id}
    rows = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))
    return {staff_id: name for staff_id, name in rows}


def state_badge(row: PhotoStandard) -> Markup:
    """Return whether new batches may take a version."""
    return badge(t("停用", "Retired")) if row.retired_at else badge(t("启用", "In force"), "good")


def swatch(rgb: list[int]) -> Markup:
    """Return the colour as a small SVG (no inline style: the content policy forbids it)."""
    colour = "rgb({}, {}, {})".format(*rgb)
    told = colour.replace(" ", "\u00a0")  # one word in narrow columns
    return Markup(
        '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">'
        '<rect width="16" height="16" rx="3" fill="{}"/></svg> {}'
    ).format(colour, told)


def data_uri(jpeg: bytes) -> str:
    """Return a picture for the page itself: a tried picture has no address."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
