"""Lists: pages by key, sizes, search, saved filters, workbooks; kept to the own school throughout."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from backoffice.admin import paging
from backoffice.admin.paging import Key, fetch, size_of
from backoffice.db import db
from backoffice.lists.exporting import expire_export, safe
from backoffice.models import (
    AccessRecord,
    Enrolment,
    ListExport,
    Order,
    OutboxRow,
    SavedView,
    Timer,
)
from tests.admin.house import STATES, House, post
from tests.factories import make_enrolment, make_order

NEXT = re.compile(r'rel="next" href="([^"]+)"')
PREVIOUS = re.compile(r'rel="prev" href="([^"]+)"')


def numbers_on(page: str) -> list[str]:
    return re.findall(r'class="code" href="/admin/orders/[^"]+">([^<]+)<', page)


@pytest.fixture
def small_pages(monkeypatch):
    from backoffice.admin.list_room import ListRoom

    monkeypatch.setattr(ListRoom, "page_size", 4)


# -- pages ----------------------------------------------------------------------------------


def test_paging_forward_and_back_shows_every_row_once(busy_house: House, small_pages):
    client = busy_house.client("admin")
    everything = busy_house.session.scalars(
        select(Order.number).order_by(Order.created_at.desc(), Order.id.desc())
    ).all()
    seen, pages, url = [], [], "/admin/orders/"
    while url:
        text = client.get(url).text.replace("&amp;", "&")
        pages.append(numbers_on(text))
        seen += pages[-1]
        url = (NEXT.search(text) or [None, None])[1]
    assert seen == list(everything)
    assert PREVIOUS.search(client.get("/admin/orders/").text) is None
    back = PREVIOUS.search(text)[1]
    for page in reversed(pages[:-1]):
        text = client.get(back).text.replace("&amp;", "&")
        assert numbers_on(text) == page
        back = (PREVIOUS.search(text) or [None, None])[1]
    assert back is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", ["claimed_at", "student_no"])
def test_equal_and_empty_values_are_neither_lost_nor_shown_twice(
    house: House, column: str, descending: bool
):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for n in range(23):
        row = make_enrolment(house.session, house.batches[0])
        row.claimed_at = None if n % 3 == 0 else at + timedelta(hours=n % 5)
    house.session.commit()
    attribute = getattr(Enrolment, column)
    keys = [
        Key(attribute, descending, column == "claimed_at"),
        Key(Enrolment.id, descending, False),
    ]
    with house.app.app_context():
        seen, after = [], None
        while True:
            window = fetch(db.session.query(Enrolment), keys, 5, after, None)
            seen += [row.id for row in window.rows]
            if window.after is None:
                break
            after = window.after
        whole = fetch(db.session.query(Enrolment), keys, 100, None, None).rows
        assert seen == [row.id for row in whole]
        assert len(set(seen)) == 23
        falling = [getattr(r, column) for r in whole]
        filled = [v for v in falling if v is not None]
        assert filled == sorted(filled, reverse=descending)
        assert (falling[0] is None) == (column == "claimed_at" and not descending)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "W10="])
def test_a_cursor_that_is_not_ours_shows_the_first_page(busy_house: House, small_pages, cursor):
    client = busy_house.client("admin")
    first = numbers_on(client.get("/admin/orders/").text)
    for name in ("after", "before"):
        assert numbers_on(client.get(f"/admin/orders/?{name}={cursor}").text) == first


def test_a_cursor_tells_nothing(busy_house: House, small_pages):
    page = busy_house.client("school").get("/admin/enrolments/?sort=student_no").text
    cursor = NEXT.search(page)[1].split("after=")[1]
    number = busy_house.session.scalars(select(Enrolment.student_no)).first()
    import base64

    assert number.encode() not in base64.urlsafe_b64decode(cursor.replace("%3D", "="))


def test_an_unknown_order_is_ignored(busy_house: House):
    client = busy_house.client("admin")
    for sort in ("last_hash", "-number", "created_at;", "--created_at"):
        assert client.get(f"/admin/orders/?sort={sort}").status_code == 200
    rising = numbers_on(client.get("/admin/orders/?sort=created_at").text)
    assert rising == numbers_on(client.get("/admin/orders/?sort=-created_at").text)[::-1]


def test_a_drop_down_with_nothing_to_choose_is_not_shown(busy_house: House):
    assert 'name="school"' in busy_house.client("admin").get("/admin/batches/").text
    assert 'name="school"' not in busy_house.client("school").get("/admin/batches/").text


# -- sizes ----------------------------------------------------------------------------------


def test_small_lists_are_counted_and_large_ones_estimated(busy_house: House, monkeypatch):
    with busy_house.app.app_context():
        query = db.session.query(Order)
        assert size_of(query) == paging.Size(2 * len(STATES), exact=True)
        db.session.connection().exec_driver_sql("ANALYZE orders")
        monkeypatch.setattr(paging, "EXACT_UP_TO", 5)
        assert size_of(query) == paging.Size(2 * len(STATES), exact=False)
    assert paging._rounded(123_456) == 120_000


def test_a_list_takes_a_handful_of_queries_with_everything_in_use(busy_house: House, small_pages):
    from sqlalchemy import event

    house = busy_house
    for role, paths in {
        "admin": ("orders/", "payments/", "refunds/", "enrolments/", "batches/", "outbox/", "staff/",
                  "photos/", "events/"),
        "school": ("orders/", "enrolments/", "batches/"),
    }.items():  # fmt: skip
        client = house.client(role)
        post(client, "/admin/orders/views", name="一", state="paid")
        for path in paths:
            client.get(f"/admin/{path}")  # what is read once a process
            seen: list[str] = []
            with house.app.app_context():
                engine = db.engine

            def note(*args, seen=seen):
                seen.append(args[2])

            event.listen(engine, "before_cursor_execute", note)
            try:
                assert client.get(f"/admin/{path}?sort=-created_at").status_code == 200, path
            finally:
                event.remove(engine, "before_cursor_execute", note)
            assert len(seen) <= 6, (role, path, len(seen), seen)


# -- search ---------------------------------------------------------------------------------


def test_people_are_found_by_every_number_and_name_they_have(house: House):
    order = make_order(house.session, house.batches[0], "paid")
    make_order(house.session, house.batches[0], "paid")
    house.session.commit()
    enrolment = order.enrolment
    client = house.client("admin")
    terms = {
        "order": (order.number, order.number.lower()),
        "student_no": (enrolment.student_no,),
        "phone": (order.student.phone, order.student.phone.removeprefix("+86")),
    }
    for kind, words in terms.items():
        for word in words:
            page = client.get(post(client, "/admin/orders/find", term=f" {word} ").location).text
            assert numbers_on(page) == [order.number], (kind, word)
    for term in ("不存在的人", "' OR 1=1 --", "%", ""):
        assert client.get(post(client, "/admin/orders/find", term=term).location).status_code == 200


# -- saved filters --------------------------------------------------------------------------


def test_a_filter_is_named_opened_overwritten_and_removed(busy_house: House):
    house, client = busy_house, busy_house.client("operator")
    order = house.orders["paid"]
    found = post(client, "/admin/orders/find", term=order.number, state="paid").location
    search = re.search(r"search=([^&]+)", found)[1].replace("%3D", "=")
    saved = post(client, "/admin/orders/views", name=" 我的  订单 ", search=search, state="paid")
    assert order.number not in saved.location
    page = client.get("/admin/orders/").text
    link = re.search(r'view-chip"><a href="([^"]+)">我的 订单<', page)[1].replace("&amp;", "&")
    assert numbers_on(client.get(link).text) == [order.number]
    raw = house.session.connection().exec_driver_sql("SELECT args::text FROM saved_views").scalar()
    assert order.number not in raw
    post(client, "/admin/orders/views", name="我的 订单", state="closed")
    assert house.session.query(SavedView).count() == 1
    assert "我的 订单" not in house.client("admin").get("/admin/orders/").text
    view = house.session.query(SavedView).one()
    post(house.client("admin"), f"/admin/orders/views/{view.id}/remove")
    assert house.session.query(SavedView).count() == 1
    post(client, f"/admin/orders/views/{view.id}/remove")
    house.session.rollback()
    assert house.session.query(SavedView).count() == 0


@pytest.mark.parametrize("name", ["", "   ", "长" * 31])
def test_a_filter_needs_a_name(busy_house: House, name: str):
    post(busy_house.client("admin"), "/admin/orders/views", name=name, state="paid")
    assert busy_house.session.query(SavedView).count() == 0


# -- workbooks ------------------------------------------------------------------------------


def exported(house: House, client, **data) -> ListExport:
    """Ask for a workbook and let the worker write it."""
    from worker.jobs import run

    assert post(client, "/admin/exports/start", **data).status_code == 303
    row = house.session.scalars(
        select(OutboxRow)
        .where(OutboxRow.effect == "list.export")
        .order_by(OutboxRow.created_at.desc())
    ).first()
    row.state = "published"
    house.session.commit()
    with house.app.app_context():
        run(str(row.id))
    house.session.expire_all()
    return house.session.scalars(select(ListExport).order_by(ListExport.created_at.desc())).first()


def rows_of(client, export: ListExport) -> list[tuple]:
    answer = client.get(f"/admin/exports/{export.id}/file")
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.data), read_only=True).worksheets[0]
    return list(sheet.iter_rows(values_only=True))


def test_the_filter_of_the_page_is_the_filter_of_the_workbook(busy_house: House):
    house, client = busy_house, busy_house.client("school")
    export = exported(house, client, room="orders", state="paid")
    assert (export.state, export.rows_written) == ("done", 1)
    head, row = rows_of(client, export)
    line = dict(zip(head, row, strict=True))
    order = house.orders["paid"]
    assert line["订单号"] == order.number
    assert line["姓名"] == order.enrolment.name_masked
    assert line["金额（元）"] == order.amount_fen / 100
    assert line["状态"] == "待提交照片"
    assert "下载" in client.get("/admin/exports/").text
    actions = set(house.session.scalars(select(AccessRecord.action)))
    assert {"export:start", "export:download"} <= actions
    stored = house.app.extensions["backoffice"].storage._path(export.storage_key).read_bytes()
    assert b"PK\x03\x04" not in stored[:200]  # sealed


@pytest.mark.parametrize("room", ["orders", "enrolments"])
def test_a_school_takes_out_its_own_rows_only(busy_house: House, room: str):
    client = busy_house.client("school")
    export = exported(busy_house, client, room=room)
    foreign = {order.number for order in busy_house.foreign.values()}
    foreign |= {order.enrolment.student_no for order in busy_house.foreign.values()}
    cells = {cell for row in rows_of(client, export) for cell in row}
    assert export.rows_written == len(STATES)
    assert not cells & foreign
    foreign_batch = busy_house.batches[1]
    assert exported(busy_house, client, room=room, batch=str(foreign_batch.id)).rows_written == 0


@pytest.mark.parametrize(
    ("role", "room", "status"),
    [("reviewer", "orders", 403), ("operator", "payments", 403), ("finance", "enrolments", 403),
     ("school", "refunds", 403), ("admin", "staff", 404), ("admin", "", 404),
     ("finance", "refunds", 303), ("admin", "payments", 303)],
)  # fmt: skip
def test_who_takes_out_what(busy_house: House, role: str, room: str, status: int):
    answer = post(busy_house.client(role), "/admin/exports/start", room=room)
    assert answer.status_code == status
    assert busy_house.session.query(ListExport).count() == (1 if status == 303 else 0)


def test_a_workbook_belongs_to_whoever_asked_while_they_may_see_it(busy_house: House):
    house = busy_house
    client = house.client(house.guests["operator"])
    export = exported(house, client, room="orders")
    url = f"/admin/exports/{export.id}/file"
    assert house.client("admin").get(url).status_code == 404
    assert client.get(url).status_code == 200
    house.guests["operator"].school_id = house.schools[1].id
    house.session.commit()
    assert client.get(url).status_code == 404


def test_a_role_taken_away_before_the_worker_comes_stops_the_export(busy_house: House):
    house, client = busy_house, busy_house.client("operator")
    post(client, "/admin/exports/start", room="orders")
    house.staff["operator"].roles = house.staff["reviewer"].roles
    house.session.commit()
    from worker.jobs import run

    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == "list.export")).one()
    row.state = "published"
    house.session.commit()
    with house.app.app_context():
        run(str(row.id))
    house.session.expire_all()
    export = house.session.query(ListExport).one()
    assert (export.state, export.failure_code) == ("failed", "export_forbidden")


def test_a_wrong_value_is_refused_at_the_door(busy_house: House):
    answer = post(busy_house.client("admin"), "/admin/exports/start", room="orders", batch="x")
    assert answer.status_code == 404
    assert busy_house.session.query(ListExport).count() == 0


def test_the_file_goes_after_a_day(busy_house: House):
    house, client = busy_house, busy_house.client("admin")
    export = exported(house, client, room="payments")
    timer = house.session.scalars(select(Timer).where(Timer.action == "list.expire")).one()
    assert timer.subject_id == export.id
    assert timer.due_at == export.expires_at
    key = export.storage_key
    with house.app.app_context():
        assert expire_export(db.session(), export.id, datetime.now(UTC)) == "deleted"
        db.session.commit()
    assert client.get(f"/admin/exports/{export.id}/file").status_code == 404
    assert not house.app.extensions["backoffice"].storage._path(key).exists()


@pytest.mark.parametrize("text", ["=1+1", "+86", "-x", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_run_by_a_table_program(text: str):
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("value", ["王*明", "2026001", "", None, 12.5, 3])
def test_other_cells_stay_as_they_are(value):
    assert safe(value) == value
