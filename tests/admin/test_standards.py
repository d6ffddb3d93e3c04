"""The room of the photo standards, as administrators and readers use it."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select

from backoffice.models import AccessRecord, PhotoStandard
from backoffice.photos.standards import BUILTIN
from backoffice.standards.versions import make_version, versions_of
from tests.admin.house import House, post

BLUE = BUILTIN["chsi-degree-blue"]
INPUT = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*?(?:\bvalue="([^"]*)")?[^>]*>')


def newest(house: House) -> PhotoStandard:
    house.session.expire_all()
    return versions_of(house.session, BLUE.name)[0]


def filled(page: str) -> dict[str, str]:
    """What a browser would send back unchanged."""
    data = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="file"' not in tag and 'name="csrf' not in tag:
            if 'type="checkbox"' in tag and " checked" not in tag:
                continue
            data[name[1]] = value[1] if value else ""
    for select_tag in re.findall(r"<select.*?</select>", page, re.S):
        name = re.search(r'name="([^"]+)"', select_tag)
        chosen = re.search(r'<option selected value="([^"]*)"|value="([^"]*)" selected', select_tag)
        if name and chosen:
            data[name[1]] = chosen[1] or chosen[2]
    return {k: v for k, v in data.items() if k not in ("locale", "back", "csrf_token")}


@pytest.mark.parametrize("role", ["school", "reviewer", "operator"])
def test_others_read_but_do_not_edit(house: House, role):
    client, row = house.client(role), newest(house)
    page = client.get(f"/admin/standards/{row.id}/")
    assert page.status_code == 200
    assert "200–300" in page.text
    assert "edit" not in page.text.split("<h2>")[1]
    for path in ("edit", "retire", "move-batches"):
        assert post(client, f"/admin/standards/{row.id}/{path}").status_code == 403
    assert client.get("/admin/standards/new/").status_code == 403


def test_an_edit_is_compared_and_makes_the_next_version(house: House):
    client, row = house.client("admin"), newest(house)
    url = f"/admin/standards/{row.id}/edit"
    data = filled(client.get(url).text) | {
        "max_eye_angle": "4.5", "gaze-hint_high": "0.2", "note": "新疆要求更严",
    }  # fmt: skip
    compared = post(client, url, **data, step="compare")
    assert compared.status_code == 200
    assert "4.5" in compared.text
    assert "警告：≤ 0.2之外" in compared.text
    assert newest(house).version == 1  # nothing was made yet
    saved = post(client, url, **data, step="save")
    assert saved.status_code == 303
    made = newest(house)
    assert (made.version, made.note) == (2, "新疆要求更严")
    now = made.as_standard()
    assert now.max_eye_angle == 4.5
    assert now.limits["gaze"][0].high == 0.2
    assert now.limits["head_yaw"] == BLUE.limits["head_yaw"]
    assert now.background == BLUE.background
    page = client.get(saved.location).text
    assert "新疆要求更严" in page
    assert house.staff["admin"].name in page
    actions = house.session.scalars(
        select(AccessRecord.action).where(AccessRecord.subject_id == str(made.id))
    ).all()
    assert actions == ["standard:version"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_bytes": "100"}, "上限"),
        ({"gaze-hint_high": "viel"}, "请填写数字"),
        ({"gaze-refuse_high": "0.1"}, "拒收的界限必须比提示的界限宽"),
        ({"hair_top_low": "300"}, "范围"),
        ({"width": ""}, "field-bad"),
        ({"background": "blue"}, "field-bad"),
    ],
)
def test_nonsense_is_said_at_its_field(house: House, change, words):
    client, row = house.client("admin"), newest(house)
    url = f"/admin/standards/{row.id}/edit"
    data = filled(client.get(url).text) | change
    answer = post(client, url, **data, step="save")
    assert answer.status_code == 422
    assert words in answer.text
    assert newest(house).version == 1


def test_a_form_opened_before_anothers_save_is_refused(house: House):
    client, row = house.client("admin"), newest(house)
    url = f"/admin/standards/{row.id}/edit"
    data = filled(client.get(url).text) | {"dpi": "350"}
    from dataclasses import replace

    make_version(
        house.session, replace(BLUE, dpi=400), based_on=1, staff_id=house.staff["admin"].id
    )
    house.session.commit()
    answer = post(client, url, **data, step="save")
    assert answer.status_code == 422
    assert "第 2 版" in answer.text
    assert newest(house).as_standard().dpi == 400


def test_a_new_name_retire_and_moving_batches(house: House):
    client = house.client("admin")
    data = filled(client.get("/admin/standards/new/").text)
    data |= {"name": "school-own", "title_zh": "本校", "title_en": "Ours", "max_attempts": "3"}
    saved = post(client, "/admin/standards/new/", **data, step="save")
    assert saved.status_code == 303, saved.text
    own = house.session.scalars(
        select(PhotoStandard).where(PhotoStandard.name == "school-own")
    ).one()
    assert (own.version, own.as_standard().max_attempts) == (1, 3)
    url = f"/admin/standards/{own.id}/retire"
    post(client, url)
    house.session.expire_all()
    assert own.retired_at is not None
    post(client, url)
    house.session.expire_all()
    assert own.retired_at is None

    row = newest(house)
    edit = f"/admin/standards/{row.id}/edit"
    post(client, edit, **(filled(client.get(edit).text) | {"dpi": "350"}), step="save")
    second = newest(house)
    assert "2 个" in client.get(f"/admin/standards/{second.id}/").text
    moved = post(client, f"/admin/standards/{second.id}/move-batches")
    assert moved.status_code == 303
    house.session.expire_all()
    assert {batch.standard_id for batch in house.batches} == {second.id}


def test_trying_shows_the_result_and_keeps_nothing(house: House, photo_models, monkeypatch):
    from backoffice.admin import standards
    from backoffice.photos import preview

    asked = []

    def tried(data, standard, models, matting_model):
        asked.append((data, standard))
        return preview.try_standard(data, standard, photo_models, matting_model)

    class Spy:
        try_standard = staticmethod(tried)
        Preview, PreviewFailed = preview.Preview, preview.PreviewFailed

    monkeypatch.setattr(standards, "preview", Spy)
    client, row = house.client("admin"), newest(house)
    url = f"/admin/standards/{row.id}/edit"
    data = filled(client.get(url).text) | {"background": "#f0f0f0"}
    page = post(client, url, **data, step="try")
    assert page.status_code == 200
    assert "data:image/jpeg;base64," in page.text
    assert asked[0][0] is None
    assert asked[0][1].background == (240, 240, 240)
    none = post(client, url, **data, step="try", sample=(io.BytesIO(b"nothing"), "x.jpg"))
    assert none.status_code == 200
    assert asked[1][0] == b"nothing"
    assert "退回" in none.text
    assert newest(house).version == 1
