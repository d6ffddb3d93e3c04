"""Enrolments: who is on the roster, who has come. Names and numbers masked."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, joinedload

from backoffice.admin.labels import badge, word
from backoffice.admin.language import lazy, local_time, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.orders import batch_options
from backoffice.i18n import Text
from backoffice.lists.specs import ENROLMENTS
from backoffice.models import Enrolment


class EnrolmentsRoom(ListRoom):
    """The rosters of all batches."""

    room = "enrolments"
    label = Text("学生名册", "Enrolments")
    section = Text("采集", "Collection")
    empty = Text(
        "没有符合条件的学生。请先在“名单导入”上传名单。",
        "No student matches. Upload a roster under “Roster imports” first.",
    )
    search_hint = Text("学号、姓名、证件号或手机号", "Student no., name, ID or phone")
    column_list = (
        "student_no", "name_masked", "id_masked", "college", "class_name", "batch", "source",
        "claimed_at",
    )  # fmt: skip
    column_labels: ClassVar[dict[str, Any]] = {
        "student_no": lazy("学号", "Student no."),
        "name_masked": lazy("姓名", "Name"),
        "id_masked": lazy("证件号", "ID number"),
        "college": lazy("院系", "College"),
        "class_name": lazy("班级", "Class"),
        "batch": lazy("批次", "Batch"),
        "source": lazy("来源", "Source"),
        "claimed_at": lazy("认领", "Claimed"),
    }
    column_sortable_list = ("student_no", "created_at")
    big = True
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    choices = (
        Choice(
            "batch",
            Text("全部批次", "All batches"),
            batch_options,
            ENROLMENTS.filters["batch"],
        ),
        Choice(
            "claimed",
            Text("全部学生", "All students"),
            lambda: [("yes", t("已认领", "Claimed")), ("no", t("未认领", "Not claimed"))],
            ENROLMENTS.filters["claimed"],
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "batch": lambda v, c, e, n: e.batch.name,
            "source": lambda v, c, e, n: word("source", e.source),
            "claimed_at": lambda v, c, e, n: (
                badge(local_time(e.claimed_at), "good")
                if e.student_id
                else badge(t("未认领", "Not yet"))
            ),
        }
        super().__init__(Enrolment, "enrolments")

    def get_query(self) -> Query[Any]:
        """Return the enrolments with their batches in one query."""
        return super().get_query().options(joinedload(Enrolment.batch))

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by student number, or whole name, ID number or phone."""
        return ENROLMENTS.search(term)
