"""Lists: every one of them has `limit` and `cursor` (CONTRACT section 4)."""

from __future__ import annotations

import pytest

from student_api.operations import OPERATIONS
from student_api.paging import PageQuery, ShortListQuery
from tests.factories import make_batch
from tests.student_api.conftest import identified, ordered, signed_in

ADDRESS = {
    "recipient": "吴小兰",
    "phone": "13800000000",
    "province": "北京市",
    "city": "北京市",
    "district": "海淀区",
    "detail": "中关村大街1号",
}


def walk(student, path):
    """Return the items one by one, as many pages as it takes."""
    found, cursor = [], ""
    while cursor is not None:
        page = student.get(f"{path}?limit=1{cursor and '&cursor='}{cursor}").get_json()
        assert len(page["items"]) == 1
        found += page["items"]
        cursor = page["next_cursor"]
    return found


@pytest.fixture
def lists(client, committed, settings, person):
    """A student with two of everything, and the paths of the lists."""
    with committed() as session:
        batch = make_batch(session)
        session.commit()
        _ = batch.school.code
    student = signed_in(client, person)
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment)
    student.post(f"/orders/{order['id']}/cancel")
    ordered(student, enrolment)
    for detail in ("一号", "二号"):
        assert student.post("/addresses", ADDRESS | {"detail": detail}).status_code == 201
    for subject in ("取件", "退款"):
        ticket = student.post("/tickets", {"subject": subject, "body": "请问"}).get_json()["ticket"]
    student.post(f"/tickets/{ticket['id']}/messages", {"body": "补充"})
    return student, {
        "/orders": 2,
        f"/orders/{order['id']}/events": 1,
        "/addresses": 2,
        "/tickets": 2,
        f"/tickets/{ticket['id']}/messages": 2,
    }


def test_pages_hold_the_same_as_the_whole(lists):
    student, paths = lists
    for path, count in paths.items():
        whole = student.get(path).get_json()
        assert (len(whole["items"]), whole["next_cursor"]) == (count, None), path
        assert walk(student, path) == whole["items"], path


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=zz", "cursor=", "a=1"]
)
def test_what_is_no_page(lists, query):
    student, paths = lists
    for path in paths:
        answer = student.get(f"{path}?{query}")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_input"), path


def test_every_list_of_a_student_has_pages():
    """An answer with a `next_cursor` belongs to a call that takes one."""
    for declared in OPERATIONS:
        fields = getattr(declared.answer, "model_fields", {})
        if "next_cursor" in fields and declared.auth:
            assert issubclass(declared.query, PageQuery | ShortListQuery), declared.path
