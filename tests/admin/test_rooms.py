"""What the rooms do: batches, rosters, schools, accounts, reasons, the outbox."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from backoffice.admin.language import to_utc, yuan
from backoffice.batches import jobs
from backoffice.models import (
    AccessRecord,
    BatchJob,
    OutboxRow,
    RejectionReason,
    School,
    Staff,
)
from tests.admin.house import House, post, sign_in


def newest(house: House, model):
    return house.session.scalars(select(model).order_by(model.created_at.desc())).first()


def test_the_export_package_is_asked_for_and_recorded(busy_house: House):
    batch = busy_house.batches[0]
    for role in ("school", "operator"):
        answer = post(busy_house.client(role), f"/admin/batches/{batch.id}/export")
        assert answer.status_code == 303
    jobs = busy_house.session.scalars(select(BatchJob)).all()
    assert [job.kind for job in jobs] == ["export_package"] * 2
    actions = list(busy_house.session.scalars(select(AccessRecord.action)))
    assert actions.count("batch:export_package") == 2
    reviewer = busy_house.client("reviewer")
    assert post(reviewer, f"/admin/batches/{batch.id}/export").status_code == 403
    other = post(
        busy_house.client("school"), f"/admin/batches/{batch.id}/files", kind="export_package"
    )
    assert other.status_code == 404  # not by the door of those who may see the roster only


def test_a_package_in_parts_is_taken_whole_by_those_who_may(busy_house: House, monkeypatch):
    monkeypatch.setattr(jobs, "PART_BYTES", 10)
    house, batch, operator = busy_house, busy_house.batches[0], busy_house.client("operator")
    post(operator, f"/admin/batches/{batch.id}/export")
    job = house.session.scalars(select(BatchJob)).one()
    data, storage = bytes(range(95)), house.app.extensions["backoffice"].storage
    with house.app.app_context():
        jobs.begin(house.session, job.id)
        made = jobs.MadeFile("x.zip", "application/zip", io.BytesIO(data))
        jobs.keep_file(house.session, storage, job.id, made)
        house.session.commit()
    address = f"/admin/batches/{batch.id}/package/{job.id}"
    assert address in operator.get(f"/admin/batches/{batch.id}/").text
    taken = operator.get(address)
    assert (taken.data, taken.content_length, taken.mimetype) == (data, 95, "application/zip")
    assert "batch:take_export_package" in set(house.session.scalars(select(AccessRecord.action)))
    assert operator.get(f"/admin/batches/{batch.id}/files/{job.id}").status_code == 403
    school = house.client("school")
    assert school.get(f"/admin/batches/{batch.id}/files/{job.id}").status_code == 404
    storage.delete(f"{job.storage_key}.9")  # a part lost: no half file is sent
    assert operator.get(address).status_code == 404
    storage.put(f"{job.storage_key}.9", data[90:])
    with house.app.app_context():
        jobs.expire_file(house.session, job.id, datetime.now(UTC))
    keys = [f"batches/{batch.id}/{job.id}{part}" for part in ("", *(f".{n}" for n in range(1, 10)))]
    assert not any(storage.exists(key) for key in keys)


# -- the house -------------------------------------------------------------------------------


def test_an_administrator_opens_an_account_that_works(house: House):
    client = house.client("admin")
    answer = post(client, "/admin/staff/new/", email="New.Reviewer@example.com", name="新审核",
                  roles=["reviewer"], school="", active="y", first="show")  # fmt: skip
    password = re.search(r'code big">([^<]+)<', answer.text).group(1)
    assert answer.headers["Cache-Control"] == "no-store"
    own = house.app.test_client()
    assert sign_in(own, "new.reviewer@example.com", password).status_code == 302
    assert own.get("/admin/review/").location == "/admin/change"  # it was given by somebody else
    new = "four-quiet-lamps"
    post(own, "/admin/change", password=password, new_password=new, new_password_confirm=new)
    assert own.get("/admin/review/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"roles": ["school"], "school": ""}, "所属学校"), ({"email": "no"}, "邮箱"),
     ({"email": "{admin}"}, "已有账号"), ({"roles": []}, ""), ({"roles": ["god"]}, "")],
)  # fmt: skip
def test_a_wrong_account_is_not_opened(house: House, changes, words: str):
    values = {"email": "x@example.com", "name": "某", "roles": ["reviewer"], "school": ""} | changes
    values["email"] = values["email"].format(admin=house.staff["admin"].email)
    before = house.session.scalar(select(func.count()).select_from(Staff))
    answer = post(house.client("admin"), "/admin/staff/new/", **values)
    assert words in answer.text
    assert house.session.scalar(select(func.count()).select_from(Staff)) == before


def test_changing_an_account_and_resetting_its_password(house: House):
    client, reviewer = house.client("admin"), house.staff["reviewer"]
    session_of_reviewer = house.client("reviewer")
    answer = post(client, f"/admin/staff/edit/?id={reviewer.id}", name="改名", roles=["operator"],
                  school=str(house.schools[0].id), active="y")  # fmt: skip
    assert answer.status_code == 302
    house.session.expire_all()
    assert [r.name for r in reviewer.roles] == ["operator"]
    assert reviewer.school_id == house.schools[0].id
    assert session_of_reviewer.get("/admin/review/").status_code == 403
    page = post(client, f"/admin/staff/{reviewer.id}/password").text
    password = re.search(r'code big">([^<]+)<', page).group(1)
    assert session_of_reviewer.get("/admin/").status_code == 302
    assert sign_in(house.app.test_client(), reviewer.email, password).status_code == 302


def test_nobody_locks_the_house_behind_themselves(house: House):
    admin = house.staff["admin"]
    for values in ({"roles": ["finance"], "active": "y"}, {"roles": ["admin"]}):
        post(
            house.client("admin"),
            f"/admin/staff/edit/?id={admin.id}",
            name="王",
            school="",
            **values,
        )
        house.session.expire_all()
        assert admin.active
        assert [r.name for r in admin.roles] == ["admin"]


def test_schools_are_opened_once(house: House):
    client = house.client("admin")
    assert (
        post(client, "/admin/schools/new/", code="10335", name="某大学", active="y").status_code
        == 302
    )
    again = post(client, "/admin/schools/new/", code="10335", name="又一大学", active="y")
    assert "已存在" in again.text
    assert house.session.scalar(select(func.count()).where(School.code == "10335")) == 1


def test_reasons_are_edited_and_retired_not_deleted(house: House):
    client = house.client("admin")
    texts = {"message_zh": "新原因", "message_en": "New", "advice_zh": "新建议", "advice_en": "Advice",
             "position": "3"}  # fmt: skip
    post(client, "/admin/reasons/edit/?id=P01", code="Z99", **texts)
    post(client, "/admin/reasons/retire", id="P02")
    house.session.expire_all()
    assert house.session.get(RejectionReason, "P01").message_zh == "新原因"
    assert house.session.get(RejectionReason, "P02").retired_at is not None
    assert house.session.get(RejectionReason, "Z99") is None
    assert post(client, "/admin/reasons/delete/", id="P01").status_code == 404
    assert house.session.get(RejectionReason, "P01") is not None
    school = house.client("school")
    assert post(school, "/admin/reasons/retire", id="P01").status_code == 403


def test_a_retired_reason_is_no_longer_offered(busy_house: House):
    post(busy_house.client("admin"), "/admin/reasons/retire", id="P02")
    page = busy_house.client("reviewer").get("/admin/review/").text
    assert 'data-code="P02"' not in page
    assert 'data-code="P01"' in page


def test_only_dead_rows_are_replayed(busy_house: House):
    house = busy_house
    dead, alive = house.session.scalars(select(OutboxRow).limit(2)).all()
    dead.state, dead.tries, alive.tries = "dead", 8, 3
    house.session.commit()
    client = house.client("admin")
    assert post(client, f"/admin/outbox/{dead.id}/replay").status_code == 303
    assert post(client, f"/admin/outbox/{alive.id}/replay").status_code == 404
    house.session.expire_all()
    assert (dead.state, dead.tries, alive.tries) == ("waiting", 0, 3)


def test_tasks_are_called_by_what_they_do_and_unknown_ones_by_their_code(busy_house: House):
    house = busy_house
    for effect in ("photo.process", "new.effect"):
        house.session.add(OutboxRow(effect=effect, payload={}, dedupe_key=f"test/{effect}"))
    house.session.commit()
    page = house.client("admin").get("/admin/outbox/").text
    assert "处理照片<br>" in page
    assert ">new.effect<" in page


def test_a_list_takes_a_handful_of_queries(busy_house: House):
    from sqlalchemy import event

    from backoffice.db import db

    house, seen = busy_house, []
    client = house.client("admin")
    with house.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    for path in ("orders/", "payments/", "enrolments/", "batches/"):
        seen.clear()
        client.get(f"/admin/{path}")
        assert len(seen) <= 6, (path, len(seen), seen)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "¥0.00"), (5, "¥0.05"), (123456, "¥1,234.56"), (None, "—")]
)
def test_money_is_shown_in_yuan(fen, text):
    assert yuan(fen) == text


def test_clock_times_are_shanghais(house: House):
    with house.app.app_context():
        assert to_utc(datetime(2027, 1, 1, 7, 30)) == datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # noqa: DTZ001


def test_a_page_starts_no_parallel_helpers(house: House):
    """Starting them took a search of a million orders half as long again."""
    from backoffice.db import db

    with house.app.app_context():
        assert db.session.scalar(text("SHOW max_parallel_workers_per_gather")) == "0"
