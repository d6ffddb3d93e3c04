"""The school's package: every student once, pictures proved by hash, nothing that harms a reader."""

from __future__ import annotations

import csv
import hashlib
import io
import stat
import warnings
import zipfile
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from backoffice.errors import InvalidInput
from backoffice.fulfilment.export_package import (
    EXCEPTIONS,
    FILE_MISSING,
    MANIFEST,
    NOT_STARTED,
    check_name_template,
    export_package,
)
from backoffice.models import Photo, Student
from backoffice.storage import FolderStorage, StorageUnavailable
from tests.factories import make_batch, make_enrolment, make_order, make_student

FINISHED = ("approved", "processing", "shipped", "completed")


@dataclass
class Package:
    """What a written ZIP holds."""

    names: list[str]
    manifest: list[list[str]]
    exceptions: list[list[str]]
    files: dict[str, bytes] = field(default_factory=dict)


def opened(path) -> Package:
    def rows(name):
        data = package.read(name)
        assert data.startswith(b"\xef\xbb\xbf")  # Excel takes it for UTF-8 only so
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))

    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        manifest, exceptions = rows("manifest.csv"), rows("exceptions.csv")
        assert tuple(manifest[0]) == MANIFEST
        assert tuple(exceptions[0]) == EXCEPTIONS
        files = {n: package.read(n) for n in package.namelist() if n.startswith("photos/")}
        return Package(package.namelist(), manifest[1:], exceptions[1:], files)


@pytest.fixture
def store(tmp_path, database):
    from backoffice import crypto

    return FolderStorage(tmp_path / "store", crypto.keyring())


@pytest.fixture
def batch(session):
    return make_batch(session, feature_code="Z3K8F7")


@pytest.fixture
def finish(session, batch, store):
    """Walk an order into a state and put its finished picture into the store."""

    def call(state="approved", entry=None, **enrolment):
        student = session.get_one(Student, entry.student_id) if entry else make_student(session)
        entry = entry or make_enrolment(session, batch, student, **enrolment)
        order = make_order(session, batch, state, student=student, enrolment=entry)
        photo = session.get_one(Photo, order.photo_id)
        data = f"JPEG of {order.number}".encode()
        photo.result_sha256 = hashlib.sha256(data).digest()
        photo.result_bytes = len(data)
        session.flush()
        store.put(photo.result_key, data)
        return order, data

    return call


@pytest.fixture
def export(session, batch, store, tmp_path):
    def call(**options):
        out = tmp_path / "out" / "package.zip"
        report = export_package(session, store, batch, out, **options)
        package = opened(out)
        assert (report.photos, report.exceptions) == (
            len(package.manifest),
            len(package.exceptions),
        )
        assert report.bytes == out.stat().st_size
        return package

    return call


@pytest.mark.parametrize("state", FINISHED)
def test_a_finished_picture_is_in_the_package_with_its_hash(finish, export, state):
    _, data = finish(state, student_no="2023000001")
    package = export()
    ((number, name, college, class_name, file, size, digest, approved_at),) = package.manifest
    assert (number, name, college, class_name) == (
        "2023000001", "吴*兰", "计算机学院", "软工2301",
    )  # fmt: skip
    assert file == "photos/2023000001.jpg"
    assert package.files == {file: data}
    assert (int(size), digest) == (len(data), hashlib.sha256(data).hexdigest())
    assert approved_at.endswith("Z")
    assert package.exceptions == []


def test_everybody_else_is_an_exception_with_the_state_of_the_order(session, batch, export):
    states = ("draft", "paid", "pending_review", "rejected", "closed", "refunding", "refunded")
    for state in states:
        student = make_student(session)
        entry = make_enrolment(session, batch, student, student_no=f"S-{state}")
        make_order(session, batch, state, student=student, enrolment=entry)
    make_enrolment(session, batch, student_no="S-nobody")
    package = export()
    assert package.manifest == []
    assert {row[0]: row[4] for row in package.exceptions} == {
        "S-draft": "待支付",
        "S-paid": "待提交照片",
        "S-pending_review": "待审核",
        "S-rejected": "审核不通过",
        "S-closed": "已关闭",
        "S-refunding": "退款中",
        "S-refunded": "已退款",
        "S-nobody": NOT_STARTED,
    }


@pytest.mark.parametrize("minutes", [0, 5])
def test_who_ordered_twice_is_listed_once_by_the_newer_order(session, batch, export, minutes):
    """Orders of one transaction carry the same time; the newer id decides then."""
    student = make_student(session)
    entry = make_enrolment(session, batch, student, student_no="1")
    for _ in range(2):
        order = make_order(session, batch, "closed", student=student, enrolment=entry)
        session.execute(
            text("UPDATE orders SET created_at = created_at - make_interval(mins => :m) "
                 "WHERE id = :i"), {"i": order.id, "m": minutes},
        )  # fmt: skip
    make_order(session, batch, "paid", student=student, enrolment=entry)
    assert [(row[0], row[4]) for row in export().exceptions] == [("1", "待提交照片")]


def test_a_closed_order_beside_a_finished_one_is_no_exception(session, batch, finish, export):
    student = make_student(session)
    entry = make_enrolment(session, batch, student)
    make_order(session, batch, "closed", student=student, enrolment=entry)
    finish("completed", entry=entry)
    package = export()
    assert len(package.manifest) == 1
    assert package.exceptions == []


def test_students_of_other_batches_are_not_in_it(session, finish, export):
    finish(student_no="mine")
    make_order(session, make_batch(session), "approved")
    package = export()
    assert [row[0] for row in package.manifest] == ["mine"]
    assert package.exceptions == []


def test_a_lost_or_damaged_picture_is_named_and_stops_nobody_else(session, finish, export, store):
    lost, _ = finish(student_no="1-lost")
    swapped, _ = finish(student_no="2-swapped")
    damaged, _ = finish(student_no="3-damaged")
    finish(student_no="4-fine")
    photos = {o.id: session.get_one(Photo, o.photo_id) for o in (lost, swapped, damaged)}
    store.delete(photos[lost.id].result_key)
    store.put(photos[swapped.id].result_key, b"another picture")
    path = store.root / photos[damaged.id].result_key
    path.write_bytes(path.read_bytes()[:-1])
    package = export()
    assert [row[0] for row in package.manifest] == ["4-fine"]
    assert [(row[0], row[4]) for row in package.exceptions] == [
        ("1-lost", FILE_MISSING),
        ("2-swapped", FILE_MISSING),
        ("3-damaged", FILE_MISSING),
    ]


def test_a_finished_order_without_a_picture_is_no_silent_gap(session, finish, export):
    order, _ = finish(student_no="1")
    session.execute(text("UPDATE orders SET photo_id = NULL WHERE id = :i"), {"i": order.id})
    package = export()
    assert package.manifest == []
    assert [(row[0], row[4]) for row in package.exceptions] == [("1", FILE_MISSING)]


def test_the_manifest_tells_no_secrets(session, finish, export):
    order, _ = finish()
    make_enrolment(session, order.batch)
    package = export()
    told = str(package.manifest) + str(package.exceptions) + str(package.names)
    for secret in (order.enrolment.id_number, order.enrolment.name, order.student.phone):
        assert secret not in told


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_carry_no_formulas(session, batch, finish, export, start):
    evil = f'{start}HYPERLINK("http://evil.example","x")'
    finish(student_no="1", college=evil)
    make_enrolment(session, batch, student_no=f"{start}2", class_name=evil)
    package = export()
    cells = [cell for row in package.manifest + package.exceptions for cell in row]
    assert f"'{evil}" in cells
    assert not [cell for cell in cells if cell.startswith(start)]


def test_names_follow_the_template_and_stay_inside(finish, export):
    finish(student_no="../../etc/passwd", college="计算机/学院", class_name="..\\软工")
    finish(student_no="2", college=None, class_name=None)
    package = export(name_template="{college}/{class_name}/{number}-{student_no}.jpg")
    assert list(package.files) == [
        "photos/计算机_学院/_软工/00001-_etc_passwd.jpg",
        "photos/未分院系/未分班/00002-2.jpg",
    ]


def test_numbers_that_look_alike_as_file_names_get_two_names(finish, export):
    contents = {finish(student_no=number)[1] for number in ("A/1", "A_1", "a_1")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # zipfile only warns of two members with one name
        package = export()
    assert len({name.casefold() for name in package.files}) == 3
    assert set(package.files.values()) == contents


@pytest.mark.parametrize(
    "template",
    [
        "",
        ".jpg",
        "photo.jpg",
        "{student_no}",
        "{student_no}.png",
        "{college}.jpg",
        "{id_number}.jpg",
        "{}.jpg",
        "{0}.jpg",
        "{student_no.__class__}.jpg",
        "{student_no[0]}.jpg",
        "{student_no!r}.jpg",
        "{student_no:>1000000000}.jpg",
        "{student_no",
        "../{student_no}.jpg",
        "a/../{student_no}.jpg",
        "/{student_no}.jpg",
        "a//{student_no}.jpg",
        ".hidden/{student_no}.jpg",
        "C:{student_no}.jpg",
        "a\\{student_no}.jpg",
        "{student_no}\n.jpg",
    ],
)
def test_a_template_that_is_not_safe_is_refused(session, batch, store, tmp_path, template):
    out = tmp_path / "package.zip"
    with pytest.raises(InvalidInput) as refused:
        export_package(session, store, batch, out, name_template=template)
    assert refused.value.field == "names"
    assert "{student_no}.jpg" in refused.value.text("zh")
    assert not out.exists()


@pytest.mark.parametrize(
    "template",
    ["{student_no}.jpg", "{number}.jpg", "{college}/{student_no}.jpg", "届_{number}.jpg"],
)
def test_a_template_that_is_safe(template):
    check_name_template(template)


def test_the_package_appears_whole_or_not_at_all(session, batch, finish, tmp_path, store):
    finish()
    out = tmp_path / "package.zip"
    out.write_bytes(b"the package of last week")

    class Down:
        def get(self, key):
            raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        export_package(session, Down(), batch, out)
    assert out.read_bytes() == b"the package of last week"
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []
    export_package(session, store, batch, out)
    assert zipfile.is_zipfile(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_empty_batch_gives_an_empty_package(export):
    package = export()
    assert package.names == ["manifest.csv", "exceptions.csv"]
    assert package.manifest == package.exceptions == []
