"""Log-in, log-out, passwords, the brake on guessing, and the language switch."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.models import AccessRecord, Staff
from backoffice.security.attempts import LIMIT
from backoffice.security.passwords import hash_staff_password
from tests.admin.house import PASSWORD, House, post, sign_in, token_of

WRONG = "邮箱或密码不正确"


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


def test_the_right_password_opens_the_house(house: House):
    client = house.app.test_client()
    answer = sign_in(client, house.staff["admin"].email.upper())
    assert answer.status_code == 302
    assert answer.location.endswith("/admin/")
    assert client.get("/admin/").status_code == 200
    house.session.expire_all()
    assert house.staff["admin"].login_count == 1
    assert "staff:sign_in" in set(house.session.scalars(select(AccessRecord.action)))


@pytest.mark.parametrize(
    ("email", "password"),
    [("", ""), ("nobody@example.com", PASSWORD), ("{admin}", "wrong"), ("{admin}", ""),
     ("{admin}", PASSWORD + " "), ("not an address", PASSWORD)],
)  # fmt: skip
def test_everything_else_stays_outside_with_the_same_words(house: House, email, password):
    client = house.app.test_client()
    answer = sign_in(client, email.format(admin=house.staff["admin"].email), password)
    assert answer.status_code == 200
    assert WRONG in answer.text
    assert client.get("/admin/").status_code == 302


def test_a_closed_account_stays_outside(house: House):
    house.staff["admin"].active = False
    house.session.commit()
    client = house.app.test_client()
    assert WRONG in sign_in(client, house.staff["admin"].email).text


def test_closing_an_account_ends_its_sessions(house: House):
    from backoffice.security.staff_accounts import set_active

    client = house.client("reviewer")
    set_active(house.staff["reviewer"], False)
    house.session.commit()
    assert client.get("/admin/").status_code == 302


def test_guessing_is_slowed_down_and_the_right_password_waits_too(house: House):
    client, email = house.app.test_client(), house.staff["admin"].email
    for _ in range(LIMIT):
        assert sign_in(client, email, "wrong").status_code == 200
    blocked = sign_in(client, email)
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 0
    assert sign_in(house.app.test_client(), house.staff["finance"].email).status_code == 302


def test_log_out_needs_a_form_and_closes_the_house(house: House):
    client = house.client("admin")
    assert client.get("/admin/logout").status_code == 405
    assert post(client, "/admin/logout").status_code == 302
    assert client.get("/admin/").status_code == 302


def test_changing_the_password(house: House):
    client, email = house.client("finance"), house.staff["finance"].email
    assert client.get("/admin/change").status_code == 200
    new = "another-horse-7"
    wrong = post(client, "/admin/change", password="x", new_password=new, new_password_confirm=new)
    assert wrong.status_code == 200
    short = post(client, "/admin/change", password=PASSWORD, new_password="short",
                 new_password_confirm="short")  # fmt: skip
    assert short.status_code == 200
    assert sign_in(house.app.test_client(), email).status_code == 302
    post(client, "/admin/change", password=PASSWORD, new_password=new, new_password_confirm=new)
    assert WRONG in sign_in(house.app.test_client(), email).text
    assert sign_in(house.app.test_client(), email, new).status_code == 302


def test_our_hash_is_argon2id_and_the_log_in_verifies_it_however_it_is_typed(house: House):
    hashed = hash_staff_password("pa\u0308sswörd-Ａ1")
    assert hashed.startswith("$argon2id$")
    house.staff["admin"].password = hashed
    house.session.commit()
    email = house.staff["admin"].email
    assert sign_in(house.app.test_client(), email, "pässwo\u0308rd-Ａ1").status_code == 302
    assert sign_in(house.app.test_client(), email, "pässwörd-B1").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_sent_elsewhere_after_log_in(house: House, target: str):
    client = house.app.test_client()
    answer = client.post(
        "/admin/login",
        data={"email": house.staff["admin"].email, "password": PASSWORD, "next": target,
              "csrf_token": token_of(client)},
    )  # fmt: skip
    assert answer.location is None or not answer.location.replace("\\", "/").startswith(
        ("//", "http")
    ), answer.location


def test_the_page_that_was_wanted_opens_after_log_in(house: House):
    client = house.app.test_client()
    wanted = client.get("/admin/orders/?state=paid").location
    assert wanted.startswith("/admin/login?next=")
    page = client.get(wanted).text
    assert 'name="next" value="/admin/orders/?state=paid"' in page


def test_chinese_first_english_by_choice_and_kept(house: House):
    client = house.client("reviewer")
    assert "审核台" in client.get("/admin/").text
    back = post(client, "/admin/language", locale="en", back="/admin/orders/")
    assert back.location == "/admin/orders/"
    assert "Review desk" in client.get("/admin/").text
    assert (
        house.session.get(Staff, house.staff["reviewer"].id, populate_existing=True).locale == "en"
    )
    assert "Review desk" in house.client("reviewer").get("/admin/").text


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/elsewhere", "/admin//x", ""]
)
def test_the_language_switch_stays_in_the_house(house: House, back: str):
    client = house.app.test_client()
    assert post(client, "/admin/language", locale="en", back=back).location == "/admin/"


def test_the_libraries_speak_the_chosen_language_too(house: House):
    client = house.client("admin")
    zh = post(client, "/admin/schools/new/", code="", name="").text
    post(client, "/admin/language", locale="en")
    en = post(client, "/admin/schools/new/", code="", name="").text
    assert "This field is required." in en
    assert "This field is required." not in zh
