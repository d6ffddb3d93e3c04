"""Everything the five manuals let a student do, through the API: real processes, real pictures.

Each test's table says which sentence of the manual is which step. The same journeys through the
page: `test_page_journeys.py`.
"""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime, timedelta

import pytest
import qrcode
from rq.registry import StartedJobRegistry
from sqlalchemy import select, update

from backoffice.accounts.tickets import add_staff_message
from backoffice.identity import id_card_exchange
from backoffice.models import Message, OutboxRow, Ticket, Timer
from tests.factories import make_staff
from tests.identity.id_cards import PEOPLE, draw_card, jpeg, on_table
from tests.student_api.conftest import Api, Person, another_person, code_for, list_person
from tests.student_api.driver import Student, elsewhere, portrait, start_workers, wall
from tests.student_api.test_journeys import staff_move
from tests.student_api.wechat_stand_in import APP_ID, SECRET, running
from tests.worker.waiting import wait_until


@pytest.fixture(scope="module")
def workers(settings, database, photo_models, tmp_path_factory):
    """Dispatcher, jobs, photos, documents, scheduler: once for all journeys."""
    started = start_workers(settings, tmp_path_factory.mktemp("workers"))
    yield started
    started.end()
    assert "Traceback" not in started.log()


@pytest.fixture
def student(client, committed, redis, workers, monkeypatch):
    # a loaded machine reads a card more slowly than a student is made to wait
    monkeypatch.setattr(id_card_exchange, "WAIT_SECONDS", 30.0)
    yield Student(Api(client))
    wait_until(lambda: at_rest(committed, redis))  # before tables and queues are emptied


def at_rest(committed, redis) -> bool:
    """Whether no process is in the middle of a job."""
    queues = ("default", "photos", "documents")
    busy = [StartedJobRegistry(name, connection=redis).get_job_ids() for name in queues]
    with committed() as session:
        going = session.scalars(
            select(OutboxRow.id).where(
                OutboxRow.state.in_(("waiting", "published")),
                OutboxRow.available_at <= datetime.now(UTC),
            )
        ).all()
    return not any(busy) and not going


def code_picture(settings, batch, person, student_no) -> bytes:
    out = io.BytesIO()
    qrcode.make(code_for(settings, batch, person, student_no)).save(out, "PNG")
    return out.getvalue()


def address(student, **changes) -> str:
    given = {
        "recipient": "吴小兰", "phone": "13800000001", "province": "上海市", "city": "上海市",
        "district": "杨浦区", "detail": "邯郸路220号",
    } | changes  # fmt: skip
    return student.ok(student.api.post("/addresses", given), 201)["address"]["id"]


def messages(committed, template) -> list[Message]:
    with committed() as session:
        return list(session.scalars(select(Message).where(Message.template == template)))


@pytest.mark.parametrize(
    ("manual", "on_roster", "paper"), [("000", True, True), ("001", False, False)]
)
def test_000_001_card_scanned_photo_before_the_money(
    student, opened, committed, manual, on_roster, paper
):
    """000 and 001, 线上采集. 000 is without the album, 001 with it.

    | manual | step |
    |---|---|
    | 第一次使用；通过识别身份证快速填写身份证号码 | scan_card: number, name, gender |
    | 填写手机号、姓名、邮箱、性别即可完成注册 | register |
    | 默认密码为身份证的后6位；已有账号登录 | log_in with the last six, told to change them |
    | 点击“开始线上采集” | open_batch |
    | 读取学校提交的毕业生信息，只需确认 | identify, confirm (000) |
    | 外省院校学生完成个人信息的填写 | enter_by_hand (001) |
    | 拍摄照片（四条注意事项）、拍摄指导 | read |
    | 是否需要纸质版照片：不同的订单，费用有差异；邮寄信息 | place with prints and an address, or without |
    | 不要对着照片、纯色背景：不符合要求 | a wall is refused with advice |
    | 点击相册提交自己的照片 (001) / 关闭了上传 (000) | shoot from the album |
    | 自动裁剪、替换背景；看到处理以后的照片效果 | preview 480×640 |
    | 不满意可以“重新拍摄” | shoot again |
    | 去支付 | pay, and it is with the reviewers by itself |
    | 已完成的采集、我的订单 | enrolments, photo, orders |
    """
    card = PEOPLE[0]
    person = Person(card.number, name=card.name, phone="13611112222")
    batch = opened(
        mode="photo_first", requires_capture_code=False, allow_unlisted=True,
        allow_album=manual == "001",
    )  # fmt: skip
    read = student.scan_card(jpeg(on_table(draw_card(card))))
    assert (read["id_number"], read["name"], read["valid_checksum"]) == (
        person.id_number, person.name, True,
    )  # fmt: skip
    student.register(
        id_type="resident_id", id_number=read["id_number"], name=read["name"],
        gender=read["gender"], phone=person.phone, email="wu@example.com",
    )  # fmt: skip
    account = student.log_in(read["id_number"], read["id_number"][-6:])
    assert account["must_change_password"] is True
    assert account["id_number"].count("*") == 11

    student.open_batch(batch.feature_code.lower())
    if on_roster:
        list_person(committed, batch, person)
        assert student.identify(person.id_number[-4:])["prefilled"] is True
        student.confirm()
    else:
        wrong = student.api.post(
            f"/batches/{batch.feature_code}/identify", {"id_last4": person.id_number[-4:]}
        )
        assert (wrong.status_code, wrong.get_json()["code"]) == (404, "not_on_roster")
        entered = student.enter_by_hand(student_no="W2023001", college="外省学院", major="数学")
        assert (entered["prefilled"], entered["major"]) == (False, "数学")
    assert all(student.read("shooting", "standard"))

    if paper:
        home = address(student)
        order = student.place("portrait", "prints", method="courier", address=home)
    else:
        order = student.place("portrait")
    assert order["amount_fen"] == (3000 if paper else 2000)
    assert "pay" not in order["allowed_actions"]  # the photo comes first
    nobody = student.shoot(wall())
    failed = [check for check in nobody["checks"] if not check["passed"]]
    assert nobody["status"] == "failed"
    assert failed[0]["advice"]
    first = student.shoot(portrait())
    assert first["status"] == "passed", first["checks"]
    assert student.picture_of(first["preview_url"]).size == (480, 640)
    path = f"/orders/{order['id']}/photos"
    if manual == "000":
        own = student.api.upload(path, portrait(2), source="album")
        assert (own.status_code, own.get_json()["code"]) == (422, "album_not_allowed")
    second = student.shoot(portrait(1), "camera" if manual == "000" else "album")
    assert second["status"] == "passed", second["checks"]
    assert student.look()["photo"] == {"id": second["id"], "status": "passed", "attempt": 3}

    student.pay()
    assert student.until("pending_review")["delivery"]["method"] == (
        "courier" if paper else "digital"
    )
    [kept] = student.ok(student.api.get("/enrolments"))["items"]
    assert kept["id"] == student.enrolment["id"]
    [listed] = student.ok(student.api.get("/orders"))["items"]
    assert listed == student.look()
    assert student.ok(student.api.get(f"{path}/{second['id']}"))["status"] == "passed"


def test_000_001_a_foreign_student_in_english(student, opened, committed):
    """000 and 001: 留学生点这里 For foreign student.

    | manual | step |
    |---|---|
    | Enter the passport no. / Tel / Name / E-mail / Male | register with a passport |
    | 密码为身份证或护照号后六位 the last six digits of your passport number | log_in |
    | everything after it in English | Accept-Language: en |
    """
    person = Person("E12345678", name="Anna Müller", phone="13512345678", id_type="passport")
    batch = opened(requires_capture_code=False)
    list_person(committed, batch, person)
    student.api.headers["Accept-Language"] = "en"
    assert all(text.isascii() for text in student.read("shooting"))
    student.register(
        id_type="passport", id_number="E12345678", name=person.name, phone=person.phone,
        email="anna@example.com", gender="female",
    )  # fmt: skip
    student.log_in("e12345678", "345678")
    assert student.open_batch(batch.feature_code)["services"][0]["name"] == "Portrait"
    student.identify("5678")
    student.confirm()
    assert student.place("portrait")["state_label"] == "Awaiting payment"
    student.pay()
    assert student.until("paid")["state_label"] == "Awaiting photo"
    assert student.shoot(portrait())["status"] == "passed"
    assert student.move("submit")["state_label"] == "Awaiting review"


def test_002_capture_code_expiry_refund_with_a_message(student, opened, committed, settings):
    """002, 毕业生线上采集. Its sign-up asks for phone and password; ours for the document as well.

    | manual | step |
    |---|---|
    | 第一次使用：Tel, Password, Confirm Password | register with a password of one's own, by phone log_in |
    | 我是新生 / 我是毕业生 | the batch's kind |
    | “上传二维码”扫描自己学信网的图像采集码 | read_code |
    | 查看信息是否有误，“下一步” | identify, confirm |
    | “线上采集”拍摄指导，提示七步骤 | read |
    | 满意后再提交、付费；等待30分钟系统自动关闭订单后重拍 | the scheduler closes it; a new order |
    | 一旦支付完成，照片不可重拍 | an upload after paying is refused |
    | 不符合要求：发短信通知并退款 | reject: refunded by itself, two SMS |
    | 收到退款短信的同学需重新进行图像采集 | a new order is possible |
    | 加印照片，寄快递；没有需求可选择不需要 | place with prints by courier |
    """
    batch = opened(mode="photo_first", reject_policy="refund", kind="graduate")
    person = another_person()
    entry = list_person(committed, batch, person)
    student.register(
        id_type=person.id_type, id_number=person.id_number, name=person.name,
        phone=person.phone, password="correct horse",
    )  # fmt: skip
    assert student.log_in(person.phone, "correct horse")["must_change_password"] is False
    assert student.open_batch(batch.feature_code)["kind"] == "graduate"
    code = student.read_code(code_picture(settings, batch, person, entry.student_no))
    assert (code["id_last4"], code["school_code"]) == (person.id_number[-4:], batch.school.code)
    student.identify(person.id_number[-4:], code["text"])
    student.confirm()
    assert all(student.read("shooting"))

    late = student.place("portrait")
    assert student.shoot(portrait())["status"] == "passed"
    expires = datetime.fromisoformat(late["expires_at"])
    assert timedelta(minutes=29) < expires - datetime.now(UTC) <= timedelta(minutes=30)
    with committed() as session:
        session.execute(update(Timer).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))
        session.commit()
    student.until("closed")
    assert student.refused("payments", provider="sandbox") == "order_not_payable"

    order = student.place("portrait", "prints", method="courier", address=address(student))
    assert student.shoot(portrait(1))["status"] == "passed"
    student.pay()
    student.until("pending_review")
    again = student.api.upload(f"/orders/{order['id']}/photos", portrait(2))
    assert (again.status_code, again.get_json()["code"]) == (409, "photo_not_accepted")
    staff_move(committed, order["id"], "reject", "reviewer", {"reasons": ["B01"]})
    refunded = student.until("refunded")
    assert refunded["rejection"]["reasons"][0]["code"] == "B01"
    student.ok(student.api.get(f"/orders/{order['id']}/events?after=99&wait=3"))  # let it be sent
    told = [*messages(committed, "rejected"), *messages(committed, "refunded")]
    assert {(m.channel, m.status) for m in told} == {("sms", "sent")}
    assert [m.template for m in told] == ["rejected", "refunded"]
    assert student.place("portrait")["state"] == "draft"


def test_002_a_new_student_has_no_capture_code(student, opened, committed):
    """002: 我是新生 New student; 拍照用于入学.

    | manual | step |
    |---|---|
    | 我是新生 | a batch of kind freshman, no capture code asked for |
    | 选择“线上采集”拍摄 | the freshman standard, white background |
    """
    batch = opened(kind="freshman", standard="freshman-white", requires_capture_code=False)
    person = another_person()
    list_person(committed, batch, person)
    student.register(**person.registration())
    shown = student.open_batch(batch.feature_code)
    assert (shown["kind"], shown["requires_capture_code"]) == ("freshman", False)
    student.identify(person.id_number[-4:])
    student.confirm()
    student.place("portrait")
    student.pay("fail")  # the card is refused: the order waits, and may be paid again
    assert "pay" in student.look()["allowed_actions"]
    student.pay()
    student.until("paid")
    seen = student.shoot(portrait())
    assert seen["status"] == "passed", seen["checks"]
    white = student.picture_of(seen["preview_url"]).convert("RGB").getpixel((5, 5))
    assert min(white) >= 250
    assert student.move("submit")["state"] == "pending_review"


@pytest.fixture
def wechat(app, monkeypatch):
    with running() as stand_in:
        shared = app.extensions["backoffice"]
        changed = dataclasses.replace(
            shared.settings, wechat_base_url=stand_in.base_url, wechat_app_id=APP_ID,
            wechat_app_secret=SECRET,
        )  # fmt: skip
        monkeypatch.setattr(shared, "settings", changed)
        yield stand_in


def test_003_feature_code_to_extra_prints(student, opened, committed, settings, wechat):
    """003, 照片集中采集.

    | manual | step |
    |---|---|
    | 【微信用户一键登录】，授权手机号 | wechat |
    | 特征码 | open_batch, in small letters |
    | 证件号码中有括号，一个完整的括号算2位 | identify with 6(3), full width |
    | 扫码识别学信网图像采集码（相册或拍照） | read_code |
    | 自动识别，并获取学生用户基本信息 | identify, confirm |
    | 支付费用，成功后跳转上传照片 | pay |
    | 相册上传或直接拍照；自动替换背景色，修改尺寸 | shoot |
    | 照片确认无误后，提交审核 | submit |
    | 【撤回审核】，可以重新上传 | withdraw, shoot, submit |
    | 未通过，提示原因，重新上传 | reject: reason, advice, note; shoot, submit |
    | 不能重新提交同一张 | the same file is refused |
    | 审核通过：待处理，不能再撤回修改 | approve: withdraw and upload are refused |
    | 订单管理：下载照片，发送到邮箱 | orders, photo, email |
    | 地址管理 | addresses: new, changed, deleted |
    | 加洗照片：版式一、版式二 | layouts, reprints, pay |
    | 已发货的订单 | shipped with its parcel, receipt confirmed |
    """
    batch = opened()
    person = Person("A123456(3)", name="陈大文", id_type="hk_id")
    entry = list_person(committed, batch, person)
    account = student.wechat(wechat.login_code("o-1"), wechat.phone_code("13912340001"))
    assert account["wechat"] is True
    student.open_batch(batch.feature_code.lower())
    code = student.read_code(code_picture(settings, batch, person, entry.student_no))
    shown = student.identify("６（３）", code["text"])
    assert (shown["name_masked"], shown["prefilled"]) == ("陈*文", True)
    student.confirm()
    home = address(student)
    order = student.place("portrait", "prints", method="courier", address=home)
    student.pay()
    student.until("paid")

    first = student.shoot(portrait())
    assert student.picture_of(first["preview_url"]).size == (480, 640)
    assert student.move("submit")["allowed_actions"] == ["withdraw"]
    assert student.move("withdraw")["state"] == "paid"
    assert student.shoot(portrait(1), "album")["status"] == "passed"
    student.move("submit")
    staff_move(
        committed, order["id"], "reject", "reviewer", {"reasons": ["L01"], "note": "光线偏暗"}
    )
    rejected = student.until("rejected")["rejection"]
    assert (rejected["note"], rejected["reasons"][0]["code"]) == ("光线偏暗", "L01")
    assert rejected["reasons"][0]["advice"]
    same = student.api.upload(f"/orders/{order['id']}/photos", portrait(1))
    assert (same.status_code, same.get_json()["code"]) == (422, "photo_already_rejected")
    assert student.shoot(portrait(2))["status"] == "failed"  # nor one that looks the same
    assert student.shoot(elsewhere())["status"] == "passed"
    student.move("submit")
    staff_move(committed, order["id"], "approve", "reviewer")
    assert student.until("approved")["state_label"] == "待处理"
    assert student.refused("withdraw") == "transition_not_allowed"

    finished = student.api.get(f"/orders/{order['id']}/photo")
    assert (finished.status_code, finished.mimetype) == (200, "image/jpeg")
    mail = student.api.post(f"/orders/{order['id']}/email", {"email": "wen@example.com"})
    assert mail.status_code == 202
    path = f"/addresses/{address(student, detail='国权路1号')}"
    changed = student.ok(student.api.patch(path, {"detail": "国权路2号"}))["address"]
    assert changed["detail"] == "国权路2号"
    assert student.api.delete(path).status_code in (200, 204)
    assert [a["id"] for a in student.ok(student.api.get("/addresses"))["items"]] == [home]
    layouts = student.ok(student.api.get("/layouts"))["items"]
    assert set(batch.layouts) <= {layout["code"] for layout in layouts}
    body = {"order_id": order["id"], "layout": batch.layouts[1], "copies": 2, "address_id": home}
    extra = student.ok(student.api.post("/reprints", body), 201)["order"]
    student.pay(order=extra)
    staff_move(committed, order["id"], "start_processing", "operator")
    staff_move(committed, order["id"], "ship", "operator", {"carrier": "顺丰", "tracking_no": "S1"})
    assert student.until("shipped")["shipment"]["tracking_no"] == "S1"
    assert student.move("confirm-receipt")["state"] == "completed"
    listed = student.ok(student.api.get("/orders"))["items"]
    assert [(o["kind"], o["state"]) for o in listed] == [
        ("reprint", "paid"), ("capture", "completed"),
    ]  # fmt: skip
    for _ in range(10):
        if sent := messages(committed, "finished_photo"):
            break
        student.api.get(f"/orders/{order['id']}/events?after=99&wait=2")
    assert [(m.channel, m.recipient, m.status) for m in sent] == [
        ("email", "wen@example.com", "sent")
    ]


def test_004_two_sections_and_customer_service(student, opened, committed, settings):
    """004, “锐拍 2.0”.

    | manual | step |
    |---|---|
    | 学信网学历照片采集 / 学生照片采集 两个板块 | two batches, graduate and freshman |
    | 阅读“如何获取采集码”“图像采集标准”“照片采集流程” | read the three guides |
    | 完成个人信息填写；勾选《用户服务协议》和《隐私政策》 | nothing without each consent; register |
    | 相册上传采集码，核对信息，“确认信息” | read_code, identify, confirm |
    | 学生照片采集：没有采集码 | identify by last four only |
    | 选择照片服务、收货方式、订单备注 | place |
    | 去支付，去拍照 | pay |
    | 拍照说明，操作时限 | the order's and the batch's times |
    | “拍照”或“相册上传” | shoot from both |
    | 系统自动检测；检测通过后“确认制作” | not before a passed check; submit |
    | 等待工作人员处理 | the reviewers have it |
    | “订单”中查看列表、信息和状态 | orders, events |
    | “在线客服” | a ticket, an answer, a word more |
    """
    graduates = opened()
    freshmen = opened(kind="freshman", standard="freshman-white", requires_capture_code=False)
    person = another_person()
    entry = list_person(committed, graduates, person)
    list_person(committed, freshmen, person)
    assert all(student.read("capture-code", "standard", "shooting"))
    versions = student.consents()
    for kind in versions:
        partly = {k: v for k, v in versions.items() if k != kind}
        without = student.api.post("/auth/register", person.registration(consents=partly))
        assert (without.status_code, without.get_json()["code"]) == (422, "consent_required")
    student.register(**person.registration(consents=versions))

    student.open_batch(freshmen.feature_code)
    student.identify(person.id_number[-4:])
    student.open_batch(graduates.feature_code)
    code = student.read_code(code_picture(settings, graduates, person, entry.student_no))
    student.identify(person.id_number[-4:], code["text"])
    student.confirm()
    assert len(student.ok(student.api.get("/enrolments"))["items"]) == 2

    order = student.place("portrait", "prints", method="school", remark="毕业典礼前要用")
    assert (order["remark"], order["amount_fen"]) == ("毕业典礼前要用", 3000)
    student.pay()
    assert student.until("paid")["expires_at"] is None
    assert student.refused("submit") == "photo_not_ready"
    nobody = student.shoot(wall())
    assert nobody["status"] == "failed"
    assert student.refused("submit") == "photo_not_ready"
    assert student.shoot(portrait(), "album")["status"] == "passed"
    assert student.shoot(portrait(1), "camera")["status"] == "passed"
    assert student.move("submit")["state"] == "pending_review"
    [listed] = student.ok(student.api.get("/orders"))["items"]
    assert listed["state_label"] == "待审核"
    moves = student.ok(student.api.get(f"/orders/{order['id']}/events"))["items"]
    assert [move["transition"] for move in moves] == ["pay", "submit"]

    body = {"subject": "什么时候寄出？", "body": "急用", "order_id": order["id"]}
    ticket = student.ok(student.api.post("/tickets", body), 201)["ticket"]
    with committed() as session:
        asked = session.scalars(select(Ticket)).one()
        add_staff_message(session, asked, make_staff(session, "admin").id, "三天内寄出。")
        session.commit()
    path = f"/tickets/{ticket['id']}/messages"
    assert student.api.post(path, {"body": "谢谢"}).status_code == 201
    said = [m["body"] for m in student.ok(student.api.get(path))["items"]]
    assert said == ["急用", "三天内寄出。", "谢谢"]
