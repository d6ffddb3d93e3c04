"""The batches' room: the form, the steps of a batch's life, its record, progress, files."""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from backoffice.batches.stages import Stage
from backoffice.models import AccessRecord, Batch, BatchChange, BatchJob, OutboxRow, School
from backoffice.photos.layouts import LAYOUTS
from tests.admin.house import House, post
from tests.factories import make_batch, make_enrolment, make_order, make_student

FORM = {
    "name": "2027届夏季采集",
    "opens_at": "2026-11-01T08:00",
    "closes_at": "2027-01-31T18:00",
    "unpaid_minutes": "45",
    "max_attempts": "10",
    "allow_album": "y",
    "kind": "graduate",
    "mode": "photo_first",
    "roster_mode": "full",
    "legal_basis": "委托协议 2026-01",
    "standard": "chsi-degree-blue",
    "reject_policy": "refund",
    "services-0-code": "portrait",
    "services-0-name_zh": "图像采集",
    "services-0-name_en": "Portrait",
    "services-0-yuan": "25.50",
    "services-1-code": "prints",
    "services-1-offered": "y",
    "services-1-name_zh": "纸质照片",
    "services-1-name_en": "Prints",
    "services-1-yuan": "0",
    "services-2-code": "extra1",
    "services-2-name_zh": "",
    "services-2-yuan": "",
    "delivery_methods": ["digital", "courier"],
    "layouts": list(LAYOUTS)[:1],
    "requires_capture_code": "y",
}


def filled(school: School, **changes):
    form = FORM | {"school": str(school.id)} | changes
    return {name: value for name, value in form.items() if value is not None}


def problems(answer) -> list[str]:
    return re.findall(r'problem">([^<]+)', answer.text)


def values(page: str) -> dict[str, str]:
    """What the fields of a page's form hold."""
    found = {}
    for tag in re.findall(r"<input [^>]+>", page):
        name = re.search(r' name="([^"]+)"', tag)
        kind = re.search(r' type="([^"]+)"', tag)
        value = html.unescape((re.search(r' value="([^"]*)"', tag) or ["", ""])[1])
        if not name or (kind and kind[1] in ("radio", "checkbox") and "checked" not in tag):
            continue
        found.setdefault(name[1], value)
    for name, body in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', body)
        found[name] = chosen[1] if chosen else ""
    return found


def batch_named(house: House, name: str = FORM["name"]) -> Batch | None:
    return house.session.scalars(select(Batch).where(Batch.name == name)).one_or_none()


# -- the form --------------------------------------------------------------------------------


def test_a_school_opens_its_batch(house: House):
    client = house.client("school")
    answer = post(client, "/admin/batches/new/", **filled(house.schools[0]))
    assert answer.status_code == 302, problems(answer)
    batch = batch_named(house)
    assert batch.school_id == house.schools[0].id
    assert [(s.code, s.price_fen, s.required) for s in batch.services] == [
        ("portrait", 2550, True), ("prints", 0, False),
    ]  # fmt: skip
    assert batch.opens_at == datetime(2026, 11, 1, 0, 0, tzinfo=UTC)  # eight o'clock in Shanghai
    assert (batch.mode, batch.reject_policy, batch.unpaid_minutes) == ("photo_first", "refund", 45)
    assert not batch.allow_unlisted
    page = client.get(answer.location).text
    assert batch.feature_code in page
    change = house.session.scalars(select(BatchChange)).one()
    assert (change.action, change.staff_id) == ("create", house.staff["school"].id)


def test_a_draft_and_a_service_of_the_schools_own(house: House):
    extra = {"services-2-offered": "y", "services-2-name_zh": "精修", "services-2-yuan": "5"}
    form = filled(house.schools[0], state="draft", **extra)
    assert post(house.client("admin"), "/admin/batches/new/", **form).status_code == 302
    batch = batch_named(house)
    assert batch.state == "draft"
    assert [(s.code, s.name_zh, s.name_en) for s in batch.services][2] == ("extra1", "精修", "精修")


def test_a_school_cannot_open_a_batch_for_another(house: House):
    client = house.client("school")
    before = house.session.scalar(select(func.count()).select_from(Batch))
    answer = post(client, "/admin/batches/new/", **filled(house.schools[1]))
    assert answer.status_code == 200
    stolen = filled(house.schools[0], copy_of=str(house.batches[1].id))
    assert post(client, "/admin/batches/new/", **stolen).status_code in (200, 404)
    assert client.get(f"/admin/batches/new/?copy={house.batches[1].id}").status_code == 404
    assert house.session.scalar(select(func.count()).select_from(Batch)) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"closes_at": "2026-10-01T08:00"}, "晚于"),
        ({"name": ""}, ""),
        ({"services-0-yuan": "-1"}, ""),
        ({"services-0-yuan": "20.555"}, "两位小数"),
        ({"services-0-yuan": ""}, "价格"),
        ({"services-0-name_zh": ""}, "名称"),
        ({"services-0-code": "extra7"}, "图像采集"),
        ({"services-0-code": "<b>"}, "刷新"),
        ({"services-1-code": "portrait"}, "重复"),
        ({"unpaid_minutes": "0"}, ""),
        ({"kind": "professor"}, ""),
        ({"standard": "none"}, ""),
        ({"delivery_methods": None}, "至少选择一项"),
        ({"layouts": None}, "冲印版式"),
        ({"legal_basis": " "}, "依据"),
    ],
)
def test_a_wrong_batch_is_not_opened_and_the_field_says_why(house: House, changes, said):
    client = house.client("admin")
    answer = post(client, "/admin/batches/new/", **filled(house.schools[0], **changes))
    assert answer.status_code == 200
    assert any(said in problem for problem in problems(answer)), problems(answer)
    assert batch_named(house) is None


def test_the_form_begins_with_the_schools_last_batch(house: House):
    client = house.client("admin")
    form = filled(house.schools[0], name="2019届", max_attempts="7", mode="pay_first")
    assert post(client, "/admin/batches/new/", **form).status_code == 302
    page = client.get(f"/admin/batches/new/?school={house.schools[0].id}").text
    begun = values(page)
    assert "2019届" in page  # named as where it comes from
    assert (begun["max_attempts"], begun["mode"], begun["services-0-yuan"]) == (
        "7", "pay_first", "25.50",
    )  # fmt: skip
    assert begun["legal_basis"] == FORM["legal_basis"]
    assert datetime.fromisoformat(begun["opens_at"]) > datetime.now(UTC).replace(tzinfo=None)
    other = values(client.get(f"/admin/batches/new/?school={house.schools[1].id}").text)
    assert other["max_attempts"] == "30"


def test_a_copy_is_a_batch_of_its_own(house: House):
    client = house.client("school")
    source = house.batches[0]
    page = client.get(f"/admin/batches/new/?copy={source.id}").text
    begun = values(page)
    assert begun["copy_of"] == str(source.id)
    assert begun["school"] == str(source.school_id)
    form = filled(house.schools[0], copy_of=str(source.id))
    answer = post(client, "/admin/batches/new/", **form)
    copy = batch_named(house)
    assert copy.feature_code != source.feature_code
    change = house.session.scalars(select(BatchChange).where(BatchChange.batch_id == copy.id)).one()
    assert change.action == "copy"
    assert source.feature_code in client.get(answer.location).text


def edit(house: House, batch: Batch, who: str = "school", **changes):
    client = house.client(who)
    url = f"/admin/batches/edit/?id={batch.id}"
    form = values(client.get(url).text) | {
        "delivery_methods": ["digital"],
        "layouts": list(LAYOUTS),
    }
    return post(client, url, **(form | changes))


def test_what_is_changed_stands_on_the_page_with_old_and_new(house: House):
    batch = house.batches[0]
    code = batch.feature_code
    changes = {
        "name": "改名", "services-0-yuan": "30", "state": "closed", "feature_code": "HACKED",
        "school_id": str(house.schools[1].id), "standard_id": "x",
    }  # fmt: skip
    answer = edit(house, batch, **changes)
    assert answer.status_code == 302, problems(answer)
    house.session.expire_all()
    assert (batch.name, batch.services[0].price_fen) == ("改名", 3000)
    assert (batch.feature_code, batch.state, batch.school_id) == (code, "open", house.schools[0].id)
    page = house.client("school").get(f"/admin/batches/{batch.id}/").text
    assert re.search(r"图像采集 · 价格</dt><dd><del>¥20.00</del>.*?¥30.00", page)
    assert house.staff["school"].name in page
    english = house.client("school")
    post(english, "/admin/language", locale="en", back="/admin/")
    assert "Settings changed" in english.get(f"/admin/batches/{batch.id}/").text


def test_terms_are_no_fields_any_more_once_students_have_joined(house: House):
    batch = house.batches[0]
    url = f"/admin/batches/edit/?id={batch.id}"
    client = house.client("school")
    assert 'name="mode"' in client.get(url).text
    with house.app.app_context():
        make_enrolment(house.session, batch, make_student(house.session))
        house.session.commit()
    page = client.get(url).text
    for name in ("mode", "kind", "reject_policy", "roster_mode", "requires_capture_code"):
        assert f'name="{name}"' not in page
    assert edit(house, batch, name="仍可改名", mode="photo_first").status_code == 302
    house.session.expire_all()
    assert (batch.name, batch.mode) == ("仍可改名", "pay_first")


# -- the steps of its life -------------------------------------------------------------------


def test_a_batch_is_closed_reopened_extended_and_archived(house: House):
    batch = house.batches[0]
    client = house.client("school")
    url = f"/admin/batches/{batch.id}/step"

    def step(action, **more):
        answer = post(client, url, action=action, **more)
        house.session.expire_all()
        return answer.status_code

    assert step("close") == 303
    assert batch.state == "closed"
    assert step("close") == 422
    assert step("reopen", closes_at="2099-01-31T18:00") == 303
    assert (batch.state, batch.closes_at) == ("open", datetime(2099, 1, 31, 10, tzinfo=UTC))
    assert step("extend", closes_at="2098-01-31T18:00") == 303
    assert step("extend", closes_at="gibberish") == 422
    assert step("extend", closes_at="2001-01-31T18:00") == 422
    assert step("close") == 303
    assert step("archive") == 303
    assert batch.name not in client.get("/admin/batches/").text
    assert batch.name in client.get("/admin/batches/?state=archived").text
    assert step("unarchive") == 303
    page = client.get(f"/admin/batches/{batch.id}/?changes=all").text
    for word in ("结束采集", "重新开放", "调整结束时间", "归档", "取消归档"):
        assert word in page
    actions = set(house.session.scalars(select(AccessRecord.action)))
    assert {"batch:close", "batch:reopen", "batch:archive"} <= actions


@pytest.mark.parametrize("role", ["reviewer", "operator", "finance"])
def test_others_change_nothing(house: House, role):
    batch = house.batches[0]
    client = house.client(role)
    for path, data in (
        ("step", {"action": "close"}),
        ("remind", {"stage": "paid"}),
        ("files", {"kind": "class_sheets"}),
    ):
        assert post(client, f"/admin/batches/{batch.id}/{path}", **data).status_code == 403
    house.session.expire_all()
    assert batch.state == "open"
    assert house.session.scalars(select(BatchJob)).all() == []


def test_another_schools_batch_is_not_there(house: House):
    batch, client = house.batches[1], house.client("school")
    for path in ("progress", "people", "remind", "print/poster", f"files/{batch.id}"):
        assert client.get(f"/admin/batches/{batch.id}/{path}").status_code == 404, path
    for path in ("step", "remind", "files", "export"):
        assert post(client, f"/admin/batches/{batch.id}/{path}").status_code == 404, path


# -- codes, posters, files -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"), [("png", b"\x89PNG"), ("poster", b"%PDF"), ("svg", b"<")]
)
def test_code_and_poster_can_be_taken(house: House, name: str, start: bytes):
    answer = house.client("school").get(f"/admin/batches/{house.batches[0].id}/print/{name}")
    assert answer.status_code == 200
    assert answer.data.startswith(start)


def test_personal_codes_are_asked_for_watched_and_taken(house: House):
    from backoffice.batches import jobs

    batch, client = house.batches[0], house.client("school")
    with house.app.app_context():
        make_enrolment(house.session, batch)
        house.session.commit()
    url = f"/admin/batches/{batch.id}/"
    for _ in range(2):  # pressing twice asks once
        answer = post(
            client, url + "files", kind="class_sheets", **{"class": "计算机学院/软工2301"}
        )
        assert answer.status_code == 303
    job = house.session.scalars(select(BatchJob)).one()
    assert job.options == {"locale": "zh", "college": "计算机学院", "class_name": "软工2301"}
    assert client.get(f"{url}files/{job.id}").status_code == 404
    page = client.get(url).text
    assert 'data-refresh="1"' in page
    with house.app.app_context():
        jobs.begin(house.session, job.id)
        jobs.teller(house.session, job.id)(1, 1)
        assert "1 / 1" in client.get(url).text
        storage = house.app.extensions["backoffice"].storage
        jobs.keep_file(
            house.session,
            storage,
            job.id,
            jobs.MadeFile("x.pdf", "application/pdf", io.BytesIO(b"%PDF-1")),
        )
        house.session.commit()
    assert "data-refresh" not in client.get(url).text
    taken = client.get(f"{url}files/{job.id}")
    assert (taken.data, taken.headers["Cache-Control"]) == (b"%PDF-1", "no-store")
    assert "attachment" in taken.headers["Content-Disposition"]
    actions = list(house.session.scalars(select(AccessRecord.action)))
    assert "batch:take_class_sheets" in actions
    assert post(client, url + "files", kind="everything").status_code == 404
    assert "小程序码" not in page  # not configured, so not offered
    assert post(client, url + "files", kind="mini_program_code").status_code == 404
    foreign = f"/admin/batches/{house.batches[1].id}/files/{job.id}"
    assert house.client("admin").get(foreign).status_code == 404


# -- progress --------------------------------------------------------------------------------


def test_the_board_the_lists_and_their_links(busy_house: House):
    batch = busy_house.batches[0]
    with busy_house.app.app_context():
        make_enrolment(busy_house.session, batch, class_name="<b>班&", college="=1+1")
        busy_house.session.commit()
    client = busy_house.client("school")
    url = f"/admin/batches/{batch.id}/"
    page = client.get(url + "progress").text
    assert "软工2301" in page
    assert "&lt;b&gt;班&amp;" in page
    for link in set(re.findall(r'href="(/admin/batches/[^"]+people[^"]+)"', page)):
        answer = client.get(html.unescape(link))
        assert answer.status_code == 200
        assert "没有符合条件" not in answer.text
    listed = client.get(url + "people?stage=rejected").text
    assert busy_house.orders["rejected"].number in listed
    assert busy_house.orders["paid"].number not in listed
    assert "吴小兰" not in listed
    reviewer = busy_house.client("reviewer")
    assert "软工2301" in reviewer.get(url + "progress").text
    assert reviewer.get(url + "people").status_code == 403


def test_the_figures_of_a_large_batch_are_kept_and_say_when(house: House, monkeypatch):
    """A small one is always counted anew: whoever has just imported a list wants to see it."""
    from backoffice.batches import board

    batch, client = house.batches[0], house.client("school")
    services = house.app.extensions["backoffice"]
    settings = replace(services.settings, figures_seconds=3600)
    monkeypatch.setitem(house.app.extensions, "backoffice", replace(services, settings=settings))

    def total() -> str:
        with house.app.app_context():
            make_enrolment(house.session, batch)
            house.session.commit()
        page = client.get(f"/admin/batches/{batch.id}/progress").text
        assert re.search(r"统计于 [0-9]{2}:[0-9]{2}:[0-9]{2}", page)
        return re.search(r"([0-9,]+) 人 ·", page)[1]

    first = int(total())
    assert int(total()) == first + 1
    monkeypatch.setattr(board, "LARGE", first)
    assert [int(total()), int(total())] == [first + 2, first + 2]


def test_a_long_list_is_paged_without_student_numbers_in_addresses(house: House):
    batch = house.batches[0]
    with house.app.app_context():
        numbers = [make_enrolment(house.session, batch).student_no for _ in range(55)]
        house.session.commit()
    client = house.client("school")
    first = client.get(f"/admin/batches/{batch.id}/people").text
    link = html.unescape(re.search(r'href="([^"]+after=[^"]+)"', first)[1])
    assert not any(number in link for number in numbers)
    second = client.get(link).text
    assert sum(number in first for number in numbers) == 50
    assert sum(number in second for number in numbers) == 5


def test_a_reminder_shows_count_and_words_and_is_recorded(busy_house: House):
    batch, client = busy_house.batches[0], busy_house.client("school")
    url = f"/admin/batches/{batch.id}/"
    busy_house.session.query(OutboxRow).delete()
    busy_house.session.commit()
    page = client.get(url + "remind").text
    assert batch.feature_code in page
    assert "还没有合格的照片" in page
    chosen = {"stage": ["paid", "rejected", "finished"]}
    assert post(client, url + "remind", **chosen).status_code == 303
    busy_house.session.expire_all()
    rows = busy_house.session.scalars(select(OutboxRow)).all()
    assert {row.order_id for row in rows} == {
        busy_house.orders["paid"].id, busy_house.orders["rejected"].id,
    }  # fmt: skip
    assert post(client, url + "remind", **chosen).status_code == 422  # not twice a day
    assert post(client, url + "remind").status_code == 422
    change = busy_house.session.scalars(
        select(BatchChange).where(BatchChange.action == "remind")
    ).one()
    assert {c["field"]: c["new"] for c in change.changes} == {
        "stages": ["paid", "rejected"], "students": 2,
    }  # fmt: skip
    page = client.get(url).text
    assert "发送提醒" in page
    assert "2" in page


def test_a_closed_batch_reminds_nobody(busy_house: House):
    batch, client = busy_house.batches[0], busy_house.client("school")
    url = f"/admin/batches/{batch.id}/"
    assert post(client, url + "step", action="close").status_code == 303
    assert post(client, url + "remind", stage="paid").status_code == 422
    assert "disabled" in client.get(url + "remind").text


def test_pages_of_a_batch_cost_the_same_whatever_its_size(house: House, database):
    batch, client = house.batches[0], house.client("school")
    seen: list[str] = []

    def note(conn, cursor, statement, *rest):
        seen.append(statement)

    def cost() -> list[int]:
        counts = []
        for path in ("", "progress", "people", "remind"):
            seen.clear()
            assert client.get(f"/admin/batches/{batch.id}/{path}").status_code == 200
            counts.append(len([s for s in seen if s.startswith(("SELECT", "WITH"))]))
        return counts

    def add(count: int) -> None:
        with house.app.app_context():
            for number in range(count):
                make_order(house.session, batch, "paid")
                make_enrolment(house.session, batch, class_name=f"班{number}")
            house.session.commit()

    from backoffice.db import db

    with house.app.app_context():
        engine = db.engine
    add(1)
    event.listen(engine, "before_cursor_execute", note)
    few = cost()
    event.remove(engine, "before_cursor_execute", note)
    add(12)
    event.listen(engine, "before_cursor_execute", note)
    many = cost()
    event.remove(engine, "before_cursor_execute", note)
    assert few == many
    assert max(many) <= 20, many


def test_stage_words_cover_every_stage():
    from backoffice.batches.stage_names import STAGE_NAMES, STAGE_TONES

    assert set(STAGE_NAMES) == set(STAGE_TONES) == set(Stage)
    assert len({name.zh for name in STAGE_NAMES.values()}) == len(Stage)


def test_an_open_batch_before_its_start_says_so(house: House):
    with house.app.app_context():
        batch = make_batch(
            house.session, house.schools[0], opens_at=datetime.now(UTC) + timedelta(days=3)
        )
        house.session.commit()
    assert "未到开放时间" in house.client("school").get(f"/admin/batches/{batch.id}/").text
