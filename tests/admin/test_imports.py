"""Roster imports through the pages: upload, columns, preview, confirm, undo; and what is refused."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from sqlalchemy import func, select, text

from backoffice.batches import jobs
from backoffice.imports import steps, uploads, working
from backoffice.imports.progress import ProgressRow
from backoffice.models import AccessRecord, Batch, BatchJob, Enrolment, OutboxRow, RosterImport
from backoffice.models.roster import MissingRow, RosterMapping, StagedRow
from tests import factories_workbooks as make
from tests.admin.house import HASH, House, post, token_of
from tests.factories import make_staff, make_student


@pytest.fixture
def storage(house: House):
    return house.app.extensions["backoffice"].storage


def upload(client, batch: Batch, data: bytes, name: str = "名单.xlsx"):
    return client.post(
        "/admin/imports/upload",
        data={
            "csrf_token": token_of(client),
            "batch": str(batch.id),
            "file": (io.BytesIO(data), name),
        },
        content_type="multipart/form-data",
    )


def work(house: House) -> None:
    """Do what the worker would: every step that is asked for."""
    session = house.session
    session.rollback()
    rows = session.scalars(select(OutboxRow).filter_by(effect=steps.WORK, state="waiting")).all()
    storage = house.app.extensions["backoffice"].storage
    with house.app.app_context():
        for row in rows:
            working.work(session, storage, row.payload["import_id"])
            row.state = "done"
    session.commit()


def newest(house: House) -> RosterImport:
    house.session.expire_all()
    query = select(RosterImport).order_by(RosterImport.created_at.desc(), RosterImport.id.desc())
    return house.session.scalars(query.limit(1)).one()


def seen(page: str) -> str:
    return re.search(r'name="seen" value="([^"]+)"', page).group(1)


def count(house: House, model) -> int:
    return house.session.scalar(select(func.count()).select_from(model))


def sheet(rows, **more) -> bytes:
    return make.xlsx([make.HEADINGS, *rows], **more)


def previewed(house: House, client, data: bytes) -> str:
    """Upload, let the job run, and return the page's address."""
    address = upload(client, house.batches[0], data).location
    work(house)
    return address


def imported(house: House, client, rows) -> str:
    address = previewed(house, client, sheet(rows))
    answer = post(client, f"{address}confirm", seen=seen(client.get(address).text))
    assert answer.status_code == 303
    work(house)
    assert newest(house).state == "applied"
    return address


def test_a_roster_is_previewed_then_imported(house: House, storage):
    client, rows = house.client("school"), make.people(4)
    rows[3][3] = "310101200309150000"
    address = upload(client, house.batches[0], sheet(rows)).location
    waiting = client.get(address).text
    assert "data-refresh" in waiting
    assert "排队等待" in waiting
    work(house)
    page = client.get(address).text
    assert "确认导入 3 行" in page
    assert "310101200309150000" not in page
    assert count(house, Enrolment) == 0  # looking changes nothing
    assert post(client, f"{address}confirm", seen=seen(page)).status_code == 303
    work(house)
    assert (count(house, Enrolment), count(house, StagedRow), count(house, MissingRow)) == (3, 0, 0)
    row = newest(house)
    assert (row.row_count, row.new_count, row.rejected_count, row.state) == (4, 3, 1, "applied")
    assert row.staff_id == house.staff["school"].id
    done = client.get(address).text
    assert row.file_sha256.hex()[:16] in done
    assert house.staff["school"].name in done
    actions = set(house.session.scalars(select(AccessRecord.action)))
    assert {"roster:upload", "roster:import"} <= actions


def test_the_same_file_again_changes_nothing_and_says_so(house: House):
    client = house.client("school")
    imported(house, client, make.people(3))
    page = client.get(previewed(house, client, sheet(make.people(3)))).text
    assert "没有需要导入的内容" in page
    assert "confirm" not in page


def test_each_change_is_shown_old_and_new(house: House):
    client = house.client("school")
    imported(house, client, make.people(4))
    rows = make.people(3)
    rows[0][8] = "计科2299"
    rows[1][9] = "13900009999"
    page = client.get(previewed(house, client, sheet(rows))).text
    assert "<del>计科2201</del> → <ins>计科2299</ins>" in page
    assert "13900009999" not in page  # of a number only what differs is shown
    assert "确认导入 2 行" in page
    missing = client.get(f"/admin/imports/{newest(house).id}/?part=missing")
    assert make.people(4)[3][0] in missing.text
    assert count(house, Enrolment) == 4


def test_a_changed_row_changed_meanwhile_is_refused_kindly(house: House):
    client = house.client("school")
    imported(house, client, make.people(2))
    rows = make.people(2)
    rows[0][8] = "计科2299"
    address = previewed(house, client, sheet(rows))
    entry = house.session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(1)).one()
    entry.student_id = make_student(house.session).id
    house.session.commit()
    post(client, f"{address}confirm", seen=seen(client.get(address).text))
    work(house)
    house.session.expire_all()
    assert entry.class_name == "计科2201"
    page = client.get(address).text
    assert "roster_moved" in page
    post(client, f"{address}check")
    work(house)
    page = client.get(address).text
    assert "<ins>计科2299</ins>" in page
    post(client, f"{address}confirm", seen=seen(page))
    work(house)
    house.session.expire_all()
    assert entry.class_name == "计科2299"


def test_an_old_preview_cannot_be_confirmed(house: House):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(2)))
    old = seen(client.get(address).text)
    post(client, f"{address}check")
    work(house)
    for wrong in (old, "", "0" * 64):
        post(client, f"{address}confirm", seen=wrong)
        assert newest(house).state == "previewed"
    post(client, f"{address}confirm", seen=seen(client.get(address).text))
    assert newest(house).state == "applying"


def test_other_bytes_than_the_uploaded_are_not_used(house: House, storage):
    client = house.client("school")
    address = upload(client, house.batches[0], sheet(make.people(2))).location
    storage.put(newest(house).storage_key, sheet(make.people(3)))
    work(house)
    assert "roster_upload_gone" in client.get(address).text


def test_a_lost_staging_table_is_noticed(house: House):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(2)))
    page = client.get(address).text
    house.session.execute(StagedRow.__table__.delete())  # what a crash of the server does
    house.session.commit()
    post(client, f"{address}confirm", seen=seen(page))
    work(house)
    assert "roster_moved" in client.get(address).text
    assert count(house, Enrolment) == 0


def test_one_import_of_a_batch_at_a_time(house: House):
    client = house.client("school")
    upload(client, house.batches[0], sheet(make.people(1)))
    second = upload(client, house.batches[0], sheet(make.people(2)))
    assert "正在导入另一份名单" in client.get(second.location).text
    assert count(house, RosterImport) == 1


def test_columns_that_cannot_be_told_are_asked_for_once(house: House):
    client, school = house.client("school"), house.batches[0].school_id
    rows = [
        ["编码", "名字儿", "身份证号", "备注"],
        ["20220001", "吴小兰", make.resident_id(1), "x"],
    ]
    address = previewed(house, client, make.xlsx(rows))
    page = client.get(address).text
    assert "请确认各列的含义" in page
    assert "吴小兰" in page  # an example helps
    proposal = house.session.scalar(text("SELECT proposal FROM roster_imports"))
    assert "吴小兰".encode() not in bytes(proposal)
    answer = post(
        client, f"{address}choose", **{"sheet": "0", "name-0": "名单", "s0-#0": "student_no"}
    )
    assert "缺少必需的列" in client.get(answer.location).text
    words = {"sheet": "0", "name-0": "名单", "s0-#0": "student_no", "s0-#1": "name",
             "s0-#2": "id_number"}  # fmt: skip
    post(client, f"{address}choose", **words)
    work(house)
    assert "确认导入 1 行" in client.get(address).text
    kept = dict(
        house.session.execute(
            select(RosterMapping.heading, RosterMapping.field).filter_by(school_id=school)
        ).all()
    )
    assert kept == {"编码": "student_no", "名字儿": "name"}
    rows[1][0] = "20220002"
    again = client.get(previewed(house, client, make.xlsx(rows))).text
    assert "确认导入 1 行" in again  # remembered: nothing is asked


def test_the_clerk_chooses_among_sheets(house: House):
    client, people = house.client("school"), make.people(5)

    def prepare(book, page):
        other = book.create_sheet("二班")
        for row in (make.HEADINGS, *people[2:]):
            other.append(row)

    address = previewed(house, client, sheet(people[:2], prepare=prepare))
    page = client.get(address).text
    assert "二班" in page
    names = re.findall(r'name="name-(\d)" value="([^"]+)"', page)
    number = dict((name, n) for n, name in names)["名单"]
    columns = dict(re.findall(rf'name="s{number}-(#\d+)".*?<option value="([^"]*)" selected', page))
    assert columns["#0"] == "student_no"
    form = {f"s{number}-{word}": name for word, name in columns.items()}
    post(client, f"{address}choose", **{"sheet": number, f"name-{number}": "名单", **form})
    work(house)
    assert "确认导入 2 行" in client.get(address).text


def test_a_file_without_headings_is_mapped_by_letters(house: House):
    client = house.client("school")
    row = make.people(1)[0]
    address = previewed(house, client, make.xlsx([[row[0], row[1], row[3]]]))
    assert "按列字母指定" in client.get(address).text
    words = {"s0-A": "student_no", "s0-B": "name", "s0-C": "id_number"}
    post(client, f"{address}choose", **{"sheet": "0", "name-0": "名单", **words})
    work(house)
    assert "确认导入 1 行" in client.get(address).text
    assert count(house, RosterMapping) == 0  # letters mean nothing next time


def test_columns_left_out_are_named_and_can_still_be_chosen(house: House):
    client, rows = house.client("school"), make.people(2)
    heads = ["籍贯" if head == "班级" else head for head in make.HEADINGS]
    address = previewed(house, client, make.xlsx([heads, *rows]))
    page = client.get(address).text
    assert re.search(r"未使用的列：\s*<span class=\"chip\">籍贯</span>", page)
    assert count(house, StagedRow) == 2
    post(client, f"{address}columns")
    assert (newest(house).state, count(house, StagedRow)) == ("mapping", 0)
    assert post(client, f"{address}confirm", seen=seen(page)).status_code == 303
    assert newest(house).state == "mapping"  # what was given up cannot be confirmed
    columns = {f"s0-#{n}": field for n, field in enumerate(
        ("student_no", "name", "id_type", "id_number", "", "", "", "", "class_name", "")
    )}  # fmt: skip
    post(client, f"{address}choose", **{"sheet": "0", "name-0": newest_sheet(house), **columns})
    work(house)
    page = client.get(address).text
    assert "籍贯" in re.search(r"识别的列.*?</p>", page, re.S)[0]
    post(client, f"{address}confirm", seen=seen(page))
    work(house)
    house.session.expire_all()
    assert newest(house).proposal is None
    entries = house.session.scalars(select(Enrolment).order_by(Enrolment.student_no)).all()
    assert [entry.class_name for entry in entries] == [row[8] for row in rows]
    post(client, f"{address}columns")
    assert newest(house).state == "applied"


def newest_sheet(house: House) -> str:
    return newest(house).proposal["sheets"][0]["name"]


def test_the_workbook_comes_back_with_its_findings(house: House, storage):
    client, rows = house.client("school"), make.people(2)
    rows[1][3] = "310101200309150000"
    address = previewed(house, client, sheet(rows))
    for _ in range(2):  # pressing twice asks once
        assert post(client, f"{address}errors").status_code == 303
    job = house.session.scalars(select(BatchJob)).one()
    assert 'data-refresh="1"' in client.get(address).text
    with house.app.app_context():
        jobs.begin(house.session, job.id)
        marked = io.BytesIO(uploads.marked_upload(storage, newest(house), "zh"))
        made = jobs.MadeFile("x.xlsx", "application/octet-stream", marked)
        jobs.keep_file(house.session, storage, job.id, made)
        house.session.commit()
    link = re.search(r'href="(/admin/batches/[^"]+/files/[^"]+)"', client.get(address).text)
    book = openpyxl.load_workbook(io.BytesIO(client.get(link.group(1)).data))
    assert book["名单"]["D3"].comment is not None
    assert count(house, Enrolment) == 0
    assert post(house.client("operator"), f"{address}errors").status_code == 403


def test_no_marked_workbook_without_findings_or_file(house: House):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(2)))
    assert post(client, f"{address}errors").status_code == 404


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89PNG\r\n\x1a\n not a workbook", "workbook_unsupported"),
        (make.address_bomb(), "workbook_too_large"),
        (b"", "workbook_empty"),
    ],
)
def test_what_is_no_workbook_is_refused_with_words(house: House, data, code):
    client = house.client("school")
    address = previewed(house, client, data)
    assert code in client.get(address).text
    assert newest(house).state == "failed"


def test_an_import_is_taken_back(house: House):
    client = house.client("school")
    imported(house, client, make.people(3))
    rows = make.people(5)
    rows[0][8], rows[1][1] = "计科2299", "改名"
    address = imported(house, client, rows)
    post(client, f"{address}undo")
    work(house)
    row = newest(house)
    assert (row.state, row.removed_count, row.restored_count, row.kept) == ("undone", 2, 2, [])
    assert row.undone_by == house.staff["school"].id
    entries = house.session.scalars(select(Enrolment).order_by(Enrolment.student_no)).all()
    assert [(e.name, e.class_name) for e in entries] == [(r[1], r[8]) for r in make.people(3)]
    assert "删除新增 2 人，恢复原值 2 人" in client.get(address).text
    post(client, f"{address}undo")  # once is enough
    assert newest(house).state == "undone"


def test_uploads_are_kept_a_day_and_no_longer(house: House, storage):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(2)))
    row = newest(house)
    key = row.storage_key
    due = house.session.scalars(select(OutboxRow).filter_by(effect=uploads.FORGET)).one()
    assert (due.available_at - due.created_at).total_seconds() > 23 * 3600
    with house.app.app_context():
        uploads.forget(house.session, storage, row.id)
    house.session.commit()
    assert not storage.exists(key)
    assert (count(house, StagedRow), newest(house).state) == (0, "discarded")
    assert client.get(address).status_code == 200


def test_discarding_deletes_the_upload(house: House, storage):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(2)))
    key = newest(house).storage_key
    post(client, f"{address}discard")
    assert not storage.exists(key)
    assert (newest(house).state, count(house, StagedRow)) == ("discarded", 0)


def test_progress_is_shown_with_rate_and_remaining_time(house: House):
    client = house.client("school")
    address = upload(client, house.batches[0], sheet(make.people(1))).location
    with house.app.app_context():
        from backoffice.db import db

        report = ProgressRow(db.engine, newest(house).id)
        report("checking", 0, 20_000)
        report._written_at = 0.0
        report("checking", 5_000, 20_000)
    page = client.get(address).text
    assert "5,000 / 20,000" in page
    assert "每秒" in page
    assert "约剩" in page


def test_a_step_that_waits_does_not_show_how_far_the_last_one_was(house: House):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(1)))
    with house.app.app_context():
        from backoffice.db import db

        ProgressRow(db.engine, newest(house).id)("comparing", 0, 60)
    post(client, f"{address}confirm", seen=seen(client.get(address).text))
    page = client.get(address).text
    assert "排队等待" in page


def test_another_schools_imports_are_not_there(house: House):
    client = house.client("school")
    address = previewed(house, client, sheet(make.people(1)))
    theirs = make_staff(house.session, "school", house.schools[1], password=HASH)
    house.session.commit()
    stranger = house.client(theirs)
    assert upload(stranger, house.batches[0], sheet(make.people(1))).status_code == 404
    assert stranger.get(address).status_code == 404
    for action in ("confirm", "undo", "check", "discard", "choose", "errors"):
        assert post(stranger, f"{address}{action}").status_code == 404
    assert newest(house).file_name not in stranger.get("/admin/imports/").text


def test_the_template_of_a_batch(house: House):
    client, batch = house.client("school"), house.batches[0]
    imported(house, client, make.people(2))
    data = client.get(f"/admin/imports/template/{batch.id}").data
    book = openpyxl.load_workbook(io.BytesIO(data))
    page = book["名单"]
    assert page.data_validations.dataValidation
    assert "选项" in book.sheetnames
    choices = [c.value for row in book["选项"].iter_rows() for c in row if c.value]
    assert {"男", "女", batch.school.code, "计科2201"} <= set(choices)
    assert batch.feature_code in book["填写说明"]["A1"].value


def test_only_batches_that_take_a_roster_are_offered(house: House):
    batch, client = house.batches[0], house.client("school")
    address = f"/admin/imports/?batch={batch.id}"
    page = client.get(address).text
    assert f'<option value="{batch.id}"' in page[page.index('id="import-batch"') :]
    assert "下载“" in page
    batch.roster_mode = "none"
    house.session.commit()
    page = client.get(address).text
    assert "没有使用名单的批次" in page
    assert "下载“" not in page
