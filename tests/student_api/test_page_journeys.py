"""The journey of each manual we replace, on a phone's page: 390x844, a camera, real workers' jobs.

The manuals: 000/001 (identity card scanned, data prefilled, prints or not), 002 (new student, code,
closing after half an hour, refund with a message), 003 (feature code, last four, capture code, pay,
upload, withdraw, rejected, again, approved, orders, address, prints, download, e-mail), 004 (two
kinds of students, consents, services, delivery, pay, shoot, check, confirm, customer service).
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from backoffice.models import Message, Order, Timer
from tests.factories import make_staff
from tests.identity.id_cards import PEOPLE, draw_card, jpeg, on_table
from tests.student_api.conftest import Person, another_person, state_of
from tests.student_api.page_site import code_picture, listed, portrait
from tests.student_api.page_site import page_app as page_app
from tests.student_api.page_site import phone as phone
from tests.student_api.page_site import site as site
from tests.student_api.test_journeys import staff_move

pytestmark = pytest.mark.browser


def register(phone, person, *, way="第一次使用"):
    """From the first screen to an account."""
    phone.page.click("#start")
    phone.at("请选择您的身份")
    phone.page.locator(".tile").nth(0).click()
    read_guides(phone)
    phone.press(way)
    phone.at("注册")
    phone.fill(证件号码=person.id_number, 姓名=person.name, 手机号=person.phone)
    phone.agree()
    phone.page.click("button[type=submit]")


def read_guides(phone):
    phone.at("拍摄前请阅读")
    phone.page.check("#screen .foot input[type=checkbox]")
    phone.press("下一步")


def identify(phone, last4, code=None):
    phone.at("确认身份")
    if code:
        phone.page.set_input_files("#code-album", code)
        phone.page.get_by_text("采集码有效").wait_for(timeout=20_000)
    phone.fill(证件号码后四位=last4)
    phone.page.click("button[type=submit]")
    phone.at("核对信息")


def pay(phone):
    """Over the provider's page and back."""
    phone.page.locator("#screen .foot button.primary").click()
    phone.page.click("button.pay")
    phone.page.click("a.back")


def from_album(phone, path):
    phone.at("拍摄照片")
    phone.page.set_input_files("#album", path)
    phone.press("使用这张")
    phone.page.wait_for_selector(".result", timeout=90_000)
    phone.at("拍摄照片")


def order_id_of(phone):
    return re.search(r"#/(?:order|photo)/([0-9a-f-]+)", phone.page.url)[1]


def test_003_feature_code_to_extra_prints(
    phone, opened, committed, settings, person, tmp_path, page_app
):
    batch = opened()
    entry = listed(committed, batch, person)
    phone.open(batch.feature_code.lower())
    register(phone, person)
    identify(
        phone,
        person.id_number[-4:],
        code_picture(tmp_path, settings, batch, person, entry.student_no),
    )
    phone.press("信息无误，下一步")

    phone.at("选择服务")
    phone.page.check("input[name=delivery][value=courier]")
    phone.press("新增地址")
    phone.at("新增地址")
    phone.fill(
        收件人="王同学",
        手机号="13800000000",
        省份="上海市",
        城市="上海市",
        区县="徐汇区",
        详细地址="示例路 1 号",
    )
    phone.page.click("button[type=submit]")
    phone.at("选择服务")
    assert phone.page.locator("input[name=delivery][value=courier]").is_checked()  # nothing lost
    phone.press("提交订单")
    phone.in_state("draft")
    order_id = order_id_of(phone)
    pay(phone)
    phone.in_state("paid")

    phone.press("去拍照")
    phone.press("打开相机")
    phone.page.locator(".camera video").wait_for()
    phone.page.wait_for_selector(".camera[data-hint=hint_good]")
    phone.page.locator("#announcer", has_text="很好，可以拍摄").wait_for(state="attached")
    phone.page.locator("button.shutter").click()
    phone.press("使用这张")
    phone.page.wait_for_selector(".result .good", timeout=90_000)
    phone.press("满意，提交审核")
    phone.in_state("pending_review")
    phone.press("撤回提交")
    phone.press("确定")
    phone.in_state("paid")
    assert "请提交审核" in phone.page.inner_text("#screen .lead")
    phone.press("满意，提交审核")
    phone.in_state("pending_review")

    staff_move(
        committed, order_id, "reject", "reviewer", {"reasons": ["P04"], "note": "请再拍一次"}
    )
    phone.in_state("rejected")  # the page hears of it by itself
    assert "请自然闭合双唇" in phone.page.inner_text("#screen")
    assert "请再拍一次" in phone.page.inner_text("#screen")
    phone.press("重新拍摄")
    from_album(phone, portrait(tmp_path))
    phone.press("满意，提交审核")
    phone.in_state("pending_review")
    staff_move(committed, order_id, "approve", "reviewer")
    phone.in_state("approved")

    with phone.page.expect_download() as download:
        phone.press("下载电子照片")
    assert download.value.path().read_bytes()[:3] == b"\xff\xd8\xff"
    phone.press("发送到邮箱")
    phone.fill(邮箱="student@example.com")
    phone.press("发送")
    phone.page.get_by_text("邮件正在发送").wait_for()
    phone.press("加洗照片")
    phone.at("加洗照片")
    assert phone.page.locator("input[name=layout]").count() == len(batch.layouts)
    phone.fill(份数="2")
    phone.press("提交订单")
    phone.in_state("draft")
    pay(phone)
    phone.in_state("paid")
    phone.page.click("#menu >> text=我的订单")
    phone.at("我的订单")
    assert phone.page.locator("a.order").count() == 2


def test_000_001_scanned_card_photo_first(phone, opened, committed, settings, tmp_path, page_app):
    """Photo before the money, shown to the student first; with prints it costs more."""
    from worker import runtime

    runtime.id_card_reader()  # as the reading process does before its first card
    card = PEOPLE[0]
    person = Person(card.number, name=card.name, phone="13611112222")
    batch = opened(mode="photo_first", requires_capture_code=False)
    listed(committed, batch, person)
    picture = tmp_path / "card.jpg"
    picture.write_bytes(jpeg(on_table(draw_card(card))))
    phone.open(batch.feature_code)
    phone.page.click("#start")
    phone.page.locator(".tile").nth(0).click()
    read_guides(phone)
    phone.press("第一次使用")
    phone.at("注册")
    phone.page.set_input_files("#card", picture)
    phone.page.get_by_text("已识别，请核对").wait_for(timeout=60_000)
    assert phone.page.get_by_label("证件号码", exact=True).input_value() == person.id_number
    phone.fill(姓名=person.name, 手机号=person.phone)
    phone.agree()
    phone.page.click("button[type=submit]")
    identify(phone, person.id_number[-4:])
    assert phone.page.locator("#screen dl").inner_text().count(person.name) == 0  # masked
    phone.press("信息无误，下一步")
    phone.at("选择服务")
    assert phone.page.inner_text(".total") == "¥20.00"
    phone.page.locator("label.choice", has_text="纸质照片").first.click()
    phone.page.check("input[name=delivery][value=school]")
    assert phone.page.inner_text(".total") == "¥30.00"
    phone.press("提交订单")
    phone.in_state("draft")
    assert "请先拍照" in phone.page.inner_text("#screen .lead")
    phone.press("去拍照")
    from_album(phone, portrait(tmp_path))
    order_id = order_id_of(phone)
    phone.press("继续")
    phone.in_state("draft")
    assert "请完成付款" in phone.page.inner_text("#screen .lead")
    pay(phone)
    phone.in_state("pending_review")
    assert state_of(committed, order_id) == "pending_review"


def test_002_new_student_late_and_refunded(phone, opened, committed, tmp_path, page_app):
    """A new student has no capture code; unpaid for half an hour the order closes; money comes back."""
    person = another_person()
    batch = opened(kind="freshman", requires_capture_code=False, standard="freshman-white")
    listed(committed, batch, person)
    phone.open(batch.feature_code)
    phone.page.click("#start")
    phone.page.locator(".tile").nth(0).click()  # a graduate is told that this is not theirs
    phone.page.get_by_text("本批次仅限新生").wait_for()
    phone.page.locator(".tile").nth(1).click()
    phone.at("拍摄前请阅读")
    assert phone.page.locator(".toast").count() == 0  # the complaint left with its screen
    assert "新生学籍照片（白底）" in phone.page.inner_text("#screen")  # the batch's own standard
    read_guides(phone)
    phone.press("第一次使用")
    phone.at("注册")
    phone.fill(证件号码=person.id_number, 姓名=person.name, 手机号=person.phone)
    phone.agree()
    phone.page.click("button[type=submit]")
    identify(phone, person.id_number[-4:])
    phone.press("信息无误，下一步")
    phone.press("提交订单")
    phone.in_state("draft")
    with committed() as session:
        session.execute(update(Timer).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))
        session.commit()
    phone.in_state("closed")
    phone.press("重新下单")
    phone.at("选择服务")
    phone.press("提交订单")
    phone.in_state("draft")
    pay(phone)
    phone.in_state("paid")
    phone.press("申请退款")
    phone.press("确定")
    phone.in_state("refunded")
    with committed() as session:
        told = session.scalars(select(Message).where(Message.template == "refunded")).all()
    assert len(told) == 1


def test_004_customer_service_answers(phone, opened, committed, settings, tmp_path, page_app):
    from backoffice.models import Ticket, TicketMessage

    person = another_person()
    batch = opened()
    entry = listed(committed, batch, person)
    phone.open(batch.feature_code)
    phone.page.click("#start")
    phone.at("请选择您的身份")
    phone.page.locator(".tile").nth(0).click()
    phone.at("拍摄前请阅读")
    phone.press("下一步")
    phone.page.get_by_text("请先阅读，并勾选").wait_for()
    read_guides(phone)
    phone.press("第一次使用")
    phone.at("注册")
    phone.fill(证件号码=person.id_number, 姓名=person.name, 手机号=person.phone)
    phone.page.check("input[name=terms]")
    phone.page.click("button[type=submit]")
    phone.page.get_by_text(re.compile("^请阅读并勾选")).wait_for()  # nothing without every consent
    phone.agree()
    phone.page.click("button[type=submit]")
    identify(
        phone,
        person.id_number[-4:],
        code_picture(tmp_path, settings, batch, person, entry.student_no),
    )
    phone.page.reload()  # nothing is lost
    phone.at("核对信息")
    phone.press("信息无误，下一步")
    phone.press("提交订单")
    phone.in_state("draft")
    pay(phone)
    phone.in_state("paid")
    phone.press("联系客服")
    phone.at("提问")
    phone.fill(标题="照片什么时候寄出？")
    phone.page.fill("#screen textarea", "<b>你好</b>")
    phone.press("发送")
    phone.at("照片什么时候寄出？")
    assert "<b>你好</b>" in phone.page.inner_text(".talk")
    with committed() as session:
        ticket = session.scalars(select(Ticket)).one()
        staff_id = make_staff(session, "admin").id
        session.add(
            TicketMessage(
                ticket_id=ticket.id, author="staff", staff_id=staff_id, body="三天内寄出。"
            )
        )
        ticket.state = "answered"
        session.commit()
    phone.page.click("#menu >> text=帮助")
    phone.at("帮助")
    phone.press("照片什么时候寄出？")
    phone.page.get_by_text("三天内寄出。").wait_for()


def test_english_with_a_passport_on_a_small_phone(phone, opened, committed, tmp_path, page_app):
    """A foreign student, English all the way, 360 px wide and a slow network; the connection drops
    once, every screen is reloaded, the first payment fails, and a second tab is open."""
    person = Person("E12345678", name="Anna Müller", phone="13512345678", id_type="passport")
    batch = opened(requires_capture_code=False)
    listed(committed, batch, person)
    phone.open(batch.feature_code)
    phone.page.click("#start")
    phone.at("Who are you?")
    phone.page.locator(".tile").nth(0).click()
    phone.at("Please read first")
    phone.page.check("#screen .foot input[type=checkbox]")
    phone.press("Next")
    phone.press("For foreign students")
    phone.at("Register")
    assert phone.page.get_by_label("Document", exact=True).input_value() == "passport"
    phone.fill(Document_number=person.id_number, Name=person.name, Phone=person.phone)
    phone.agree()
    phone.page.get_by_text("Keep me signed in on this phone").click()  # for the second tab
    phone.page.click("button[type=submit]")
    phone.at("Confirm who you are")
    phone.page.get_by_label("Last four of your ID number", exact=True).fill("5678")
    phone.page.context.set_offline(True)
    phone.page.click("button[type=submit]")
    phone.page.get_by_text("The network is down").wait_for(timeout=30_000)
    phone.page.context.set_offline(False)
    phone.page.click("button[type=submit]")  # the same step again, safely
    phone.at("Check your data")
    assert not re.search("[一-鿿]", phone.page.inner_text("#menu"))
    phone.slow_down(kilobits=800)
    phone.page.reload()
    phone.at("Check your data")
    phone.press("All correct, next")
    phone.at("Choose services")
    phone.page.check("input[name=delivery][value=school]")  # prints travel, so they are ordered
    assert phone.page.inner_text(".total") == "¥30.00"
    phone.page.locator("label.choice", has_text="Prints").first.click()
    assert phone.page.locator("input[name=delivery][value=digital]").is_checked()
    phone.page.reload()
    phone.at("Choose services")
    assert phone.page.inner_text(".total") == "¥20.00"
    phone.press("Place the order")
    phone.in_state("draft")
    with committed() as session:
        assert session.scalars(select(Order.id)).all() == [uuid.UUID(order_id_of(phone))]
    phone.page.locator("#screen .foot button.primary").click()
    phone.page.click("button.fail")
    phone.page.click("a.back")
    phone.in_state("draft")  # the card was refused: pay again
    second_tab = phone.page.context.new_page()
    second_tab.goto(phone.page.url)
    second_tab.wait_for_selector("h1.state[data-state=draft]", timeout=40_000)
    pay(phone)
    phone.in_state("paid")
    second_tab.wait_for_selector("h1.state[data-state=paid]", timeout=60_000)  # it hears of it
    second_tab.close()
    phone.page.reload()
    phone.in_state("paid")
    phone.press("Take the photo")
    phone.at("Take the photo")
    phone.page.set_input_files("#album", portrait(tmp_path))
    phone.press("Use this one")
    phone.page.wait_for_selector(".result .good", timeout=90_000)
    phone.at("Take the photo")
    phone.page.reload()  # the picture is not lost: the order shows it
    phone.press("Back to the order")
    phone.in_state("paid")
    phone.press("Submit for review")
    phone.in_state("pending_review")
    assert not re.search("[一-鿿]", phone.page.inner_text("#screen"))
