"""What students are told: once, in their language, without links; providers as they really speak."""

from __future__ import annotations

import base64
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from backoffice import create_app
from backoffice.enrolments.requests import accept, refuse
from backoffice.i18n import Text
from backoffice.messaging import operations
from backoffice.messaging.messages import Email, MaybeSent, NotSent, Sms
from backoffice.messaging.providers import email_provider, sms_provider
from backoffice.messaging.templates import TEMPLATES, render_reasons
from backoffice.models import EnrolmentRequest, Message, Order, OutboxRow, RejectionReason
from backoffice.services import services
from backoffice.settings import SettingsError
from tests.factories import (
    advance,
    make_batch,
    make_enrolment,
    make_order,
    make_staff,
    make_student,
)
from worker.jobs import messages as message_jobs
from worker.jobs import run

SMS = Sms("ref", "+8613812345678", "文本", "zh", "paid")


@pytest.fixture(scope="session")
def core(settings, database):
    import payment_pages

    app = create_app(settings)
    payment_pages.init_app(app)
    return app


@pytest.fixture
def context(core, committed, redis):
    with core.app_context():
        services().settings.var.joinpath("messages.jsonl").unlink(missing_ok=True)
        yield services()


@pytest.fixture
def work(context, committed):
    """Run every outbox row of the order, as the workers would; again runs the done ones too."""

    def go(*, again: bool = False) -> None:
        with committed() as session:
            query = update(OutboxRow).values(state="published")
            if not again:
                query = query.where(OutboxRow.state == "waiting")
            session.execute(query)
            session.commit()
            ids = [
                i
                for (i,) in session.query(OutboxRow.id).filter_by(state="published").order_by("id")
            ]
        for outbox_id in ids:
            run(str(outbox_id))

    return go


@pytest.fixture
def lines(context):
    def read() -> list[dict]:
        path = context.settings.var / "messages.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read


def place(committed, state: str, *, locale: str = "zh", email: str | None = None, **batch) -> Order:
    with committed() as session:
        student = make_student(session, locale=locale, email=email)
        order = make_order(session, make_batch(session, **batch), state, student=student)
        session.commit()
        return order


def phone_of(committed, order: Order) -> str:
    with committed() as session:
        return session.get(Order, order.id).student.phone


EXPECTED = {
    "paid": ["paid"],
    "rejected": ["paid", "rejected"],
    "approved": ["paid", "approved"],
    "shipped": ["paid", "approved", "shipped"],
    "refunded": ["paid", "refunded"],
}


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("state", EXPECTED)
def test_told_once_in_the_language_of_the_account(committed, work, lines, state, locale):
    order = place(committed, state, locale=locale)
    work()
    work(again=True)
    sent = lines()
    assert [line["template"] for line in sent] == EXPECTED[state]
    for line in sent:
        assert line["channel"] == "sms"
        assert line["locale"] == locale
        assert order.number in line["text"]
        assert ("订单" in line["text"]) is (locale == "zh")
        assert not re.search(r"https?:|www\.|[a-z]\.(com|cn|org)\b", line["text"])
        assert "****" in line["to"]
        assert phone_of(committed, order)[3:] not in json.dumps(line)


def test_rejection_gives_reasons_and_advice(committed, work, lines):
    place(committed, "rejected")
    with committed() as session:
        reason = session.get(RejectionReason, "L01")
    work()
    text = lines()[-1]["text"]
    assert reason.message_zh.rstrip("。") in text
    assert reason.advice_zh.rstrip("。") in text


def test_rejection_with_refund_says_so(committed, work, lines):
    order = place(committed, "rejected", reject_policy="refund")
    assert order.state == "refunding"
    work()
    assert [line["template"] for line in lines()] == ["paid", "rejected"]
    assert "30.00 元将原路退回" in lines()[-1]["text"]


def test_a_photo_first_student_is_not_asked_for_a_photo(committed, work, lines):
    with committed() as session:
        order = make_order(session, make_batch(session, mode="photo_first"))
        from tests.factories import make_photo

        make_photo(session, order)
        advance(session, order, "pay")
        session.commit()
        assert order.state == "pending_review"
    work()
    (line,) = lines()
    assert line["template"] == "paid"
    assert "照片已提交审核" in line["text"]
    assert "请进入采集页面提交照片" not in line["text"]


def test_an_approval_taken_back_in_time_is_not_told(committed, work, lines):
    with committed() as session:
        order = make_order(session, state="approved")
        from backoffice.workflows.orders import engine
        from tests.factories import actor_for, make_staff

        staff = actor_for(make_staff(session, "reviewer"))
        engine().fire(session, order.id, "revoke", actor=staff, data={"note": "误操作"})
        session.commit()
    work()
    assert [line["template"] for line in lines()] == ["paid"]


def test_an_address_gets_a_copy(committed, work, lines):
    place(committed, "paid", email="wu@example.com")
    work()
    sms, email = lines()
    assert (sms["channel"], email["channel"]) == ("sms", "email")
    assert email["to"] == "w***@example.com"
    assert email["subject"]
    assert email["text"] in sms["text"]
    with committed() as session:
        kept = session.scalars(select(Message).where(Message.channel == "email")).one()
        assert kept.recipient == "wu@example.com"


def test_messages_are_sealed_in_the_database(committed, work, database):
    place(committed, "paid")
    work()
    with database.connect() as connection:
        body, recipient = connection.exec_driver_sql("SELECT body, recipient FROM messages").one()
    assert "订单".encode() not in bytes(body)
    assert b"138" not in bytes(recipient)


def test_a_crash_between_call_and_commit_sends_at_most_once(committed, work, lines, monkeypatch):
    """The provider took it, then the process died: nobody knows, so it is not sent again."""
    place(committed, "paid")

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(message_jobs.operations, "record_result", die)
        with pytest.raises(Killed):
            work()
    assert len(lines()) == 1
    work(again=True)
    assert len(lines()) == 1
    with committed() as session:
        assert session.scalars(select(Message.status)).all() == ["unknown"]
        assert session.scalars(select(OutboxRow.state)).all() == ["done"]


class Flaky:
    """An SMS provider that answers what the test says, then sends."""

    name = "flaky"

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.sent: list[Sms] = []

    def send(self, sms: Sms) -> str:
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append(sms)
        return f"X{len(self.sent)}"


@pytest.mark.parametrize(
    ("answer", "status", "row_state", "sends"),
    [
        (NotSent("busy", permanent=False), "sent", "done", 1),
        (NotSent("blocked", permanent=True), "failed", "done", 0),
        (MaybeSent("timeout"), "unknown", "done", 0),
        (KeyError("surprise"), "unknown", "done", 0),
    ],
)
def test_what_a_provider_may_answer(committed, work, monkeypatch, answer, status, row_state, sends):
    provider = Flaky(answer)
    monkeypatch.setattr(message_jobs, "sms_provider", lambda settings: provider)
    place(committed, "paid")
    work()
    work(again=True)
    with committed() as session:
        assert session.scalars(select(Message.status)).one() == status
        assert session.scalars(select(OutboxRow.state)).one() == row_state
    assert len(provider.sent) == sends


# -- Twilio, by its own protocol ---------------------------------------------------------------


@pytest.fixture
def twilio_settings(settings, twilio):
    return replace(
        settings,
        sms_provider="twilio",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="token",
        twilio_from="+15005550006",
        twilio_base_url=twilio.address,
    )


def test_twilio_gets_its_own_request(twilio, twilio_settings):
    sid = sms_provider(twilio_settings).send(SMS)
    assert sid == "SM" + "1".zfill(32)
    (request,) = twilio.requests
    assert request["path"] == f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    assert request["To"] == "+8613812345678"
    assert request["From"] == "+15005550006"
    assert request["Body"] == "文本"
    assert request["StatusCallback"] == f"{twilio_settings.public_url}/webhooks/twilio/status"
    user, _, password = (
        base64.b64decode(request["authorization"].removeprefix("Basic ")).decode().partition(":")
    )
    assert (user, password) == ("AC" + "0" * 32, "token")


def test_twilio_messaging_service(twilio, twilio_settings):
    service = "MG" + "1" * 32
    sms_provider(replace(twilio_settings, twilio_from=service)).send(SMS)
    assert twilio.requests[0]["MessagingServiceSid"] == service
    assert "From" not in twilio.requests[0]


@pytest.mark.parametrize(
    ("status", "body", "error", "code", "permanent"),
    [
        (400, {"code": 21211, "message": "Invalid 'To'", "status": 400}, NotSent, "twilio_21211", True),
        (401, {"code": 20003, "message": "Authenticate", "status": 401}, NotSent, "twilio_20003", True),
        (429, {"code": 20429, "message": "Too Many", "status": 429}, NotSent, "twilio_20429", False),
        (500, {"code": 20500, "message": "Error", "status": 500}, MaybeSent, "twilio_20500", None),
        (0, {}, MaybeSent, "twilio_broken", None),
    ],
)  # fmt: skip
def test_twilio_refusals(twilio, twilio_settings, status, body, error, code, permanent):
    twilio.answer = lambda form: (status, body)
    with pytest.raises(error) as raised:
        sms_provider(twilio_settings).send(SMS)
    assert raised.value.code == code
    if permanent is not None:
        assert raised.value.permanent is permanent


def test_twilio_not_there_may_be_tried_again(twilio_settings):
    nowhere = replace(twilio_settings, twilio_base_url="http://127.0.0.1:9")
    with pytest.raises(NotSent) as raised:
        sms_provider(nowhere).send(SMS)
    assert raised.value.permanent is False


@pytest.fixture
def receipts(database, committed, redis, twilio_settings):
    """The door with Twilio switched on, a sent message, and a way to post a receipt."""
    from twilio.request_validator import RequestValidator

    import payment_pages

    app = create_app(twilio_settings)
    payment_pages.init_app(app)
    order = place(committed, "draft")
    with committed() as session:
        session.add(
            Message(
                order_id=order.id, student_id=order.student_id, template="paid", channel="sms",
                locale="zh", dedupe_key="d", recipient="+86138", body="b", provider="twilio",
                provider_id="SM1", status="sent",
            )
        )  # fmt: skip
        session.commit()
    url = f"{twilio_settings.public_url}/webhooks/twilio/status"

    def post(fields: dict, signature: str | None = None) -> tuple[int, Message]:
        genuine = RequestValidator("token").compute_signature(url, fields)
        answer = app.test_client().post(
            "/webhooks/twilio/status",
            data=fields,
            headers={"X-Twilio-Signature": genuine if signature is None else signature},
        )
        with committed() as session:
            return answer.status_code, session.scalars(select(Message)).one()

    return post


def test_receipts_are_noted_and_final_ones_stay(receipts):
    status, message = receipts({"MessageSid": "SM1", "MessageStatus": "delivered"})
    assert (status, message.status) == (204, "delivered")
    for late in ("sent", "failed", "delivered"):
        status, message = receipts({"MessageSid": "SM1", "MessageStatus": late})
        assert (status, message.status) == (204, "delivered")


def test_failed_receipts_carry_their_code(receipts):
    fields = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"}
    _, message = receipts(fields)
    assert (message.status, message.error) == ("failed", "twilio_30003")


@pytest.mark.parametrize("signature", ["", "forged", "ü"])
def test_forged_receipts_are_refused(receipts, signature):
    status, message = receipts({"MessageSid": "SM1", "MessageStatus": "delivered"}, signature)
    assert (status, message.status) == (403, "sent")


@pytest.mark.parametrize("fields", [{}, {"MessageSid": "SM1"}, {"MessageStatus": "delivered"},
                                    {"MessageSid": "SM9", "MessageStatus": "delivered"},
                                    {"MessageSid": "SM1", "MessageStatus": "queued"}])  # fmt: skip
def test_receipts_that_tell_nothing(receipts, fields):
    status, message = receipts(fields)
    assert (status, message.status) == (204, "sent")


# -- e-mail ------------------------------------------------------------------------------------


@pytest.fixture
def smtp() -> Iterator:
    """A small SMTP server that keeps what it is told; `refuse` makes it refuse recipients."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        refuse: str | None = None

        def __init__(self) -> None:
            super().__init__(("127.0.0.1", 0), Handler)
            self.mails: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            for line in self.rfile:
                command = line.decode().strip().upper()
                if command.startswith("DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    self.server.mails.append(self._mail())  # type: ignore[attr-defined]
                    self.wfile.write(b"250 kept\r\n")
                elif command.startswith("RCPT") and self.server.refuse:  # type: ignore[attr-defined]
                    self.wfile.write(self.server.refuse.encode() + b"\r\n")  # type: ignore[attr-defined]
                elif command.startswith("QUIT"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

        def _mail(self) -> bytes:
            kept = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                kept.append(line)
            return b"".join(kept)

    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def smtp_settings(settings, server):
    port = server.server_address[1]
    return replace(settings, email_provider="smtp", smtp_url=f"smtp://127.0.0.1:{port}")


EMAIL = Email("ref", "wu@example.com", "主题", "正文", "zh", "paid")


def test_smtp_sends_a_readable_mail(settings, smtp):
    import email
    from email import policy

    message_id = email_provider(smtp_settings(settings, smtp)).send(EMAIL)
    mail = email.message_from_bytes(smtp.mails[0], policy=policy.default)
    assert mail["To"] == "wu@example.com"
    assert mail["Subject"] == "主题"
    assert mail["Message-ID"] == message_id
    assert mail.get_content().strip() == "正文"


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user", True), ("451 later", False)]
)
def test_smtp_refusals(settings, smtp, answer, permanent):
    smtp.refuse = answer
    with pytest.raises(NotSent) as raised:
        email_provider(smtp_settings(settings, smtp)).send(EMAIL)
    assert raised.value.permanent is permanent
    assert raised.value.code == f"smtp_{answer[:3]}"


def test_smtp_not_there(settings):
    away = replace(settings, email_provider="smtp", smtp_url="smtp://127.0.0.1:9")
    with pytest.raises(NotSent) as raised:
        email_provider(away).send(EMAIL)
    assert raised.value.permanent is False


def test_smtp_needs_no_line_breaks_in_an_address(settings, smtp):
    with pytest.raises(NotSent):
        email_provider(smtp_settings(settings, smtp)).send(
            replace(EMAIL, to="a@example.com\r\nBcc: b@example.com")
        )
    assert smtp.mails == []


def test_the_finished_picture_by_email(committed, context, work, lines):
    order = place(committed, "approved", email="own@example.com")
    with committed() as session:
        fresh = session.get(Order, order.id)
        from backoffice.models import Photo

        key = session.get(Photo, fresh.photo_id).result_key
        context.storage.put(key, b"\xff\xd8jpeg", "image/jpeg")
        operations.request_photo_email(session, fresh, "other@example.com")
        session.commit()
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == "email.photo")).one()
        assert "example.com" not in json.dumps(row.payload)
    work()
    work(again=True)
    (mail,) = [line for line in lines() if line["template"] == "finished_photo"]
    assert mail["to"] == "o***@example.com"
    assert mail["attachments"] == [
        {"name": f"{order.number}.jpg", "media_type": "image/jpeg", "bytes": 6}
    ]


# -- what the school decided ------------------------------------------------------------------

DECISIONS = [
    ("correction", "accept", {"asker": "accepted. Please check your data"}),
    ("correction", "refuse", {"asker": "was not accepted"}),
    ("contest", "accept", {"asker": "the entry is yours", "holder": "belongs to somebody else"}),
    ("contest", "refuse", {"asker": "was not accepted"}),
]


@pytest.mark.parametrize(("kind", "decision", "told"), DECISIONS)
def test_students_are_told_what_the_school_decided(work, lines, committed, kind, decision, told):
    with committed() as session:
        batch = make_batch(session)
        people = {
            name: make_student(session, locale="en", phone=f"+861381234567{digit}")
            for name, digit in (("asker", 1), ("holder", 2))
        }
        holder = people["asker" if kind == "correction" else "holder"]
        request = EnrolmentRequest(
            kind=kind,
            enrolment_id=make_enrolment(session, batch, holder).id,
            student_id=people["asker"].id,
            details={"changes": {"major": "数学"} if kind == "correction" else {}, "note": None},
        )
        session.add(request)
        session.flush()
        clerk = make_staff(session, "school", batch.school).id
        {"accept": accept, "refuse": refuse}[decision](session, request.id, clerk, "已核实。")
        phones = {name: student.phone for name, student in people.items()}
        session.commit()
    work()
    work(again=True)
    with committed() as session:
        sent = {m.recipient: m.body for m in session.scalars(select(Message))}
    assert sent.keys() == {phones[name] for name in told}
    assert len(lines()) == len(told)
    for name, words in told.items():
        assert words in sent[phones[name]]
        assert "已核实" not in sent[phones[name]]  # the answer stays behind the log-in


def test_who_is_to_be_erased_hears_no_more_decisions(work, lines, committed):
    with committed() as session:
        batch = make_batch(session)
        student = make_student(session, erasure_requested_at=datetime.now(UTC))
        request = EnrolmentRequest(
            kind="correction", enrolment_id=make_enrolment(session, batch, student).id,
            student_id=student.id, details={"changes": {}, "note": "名字"},
        )  # fmt: skip
        session.add(request)
        session.flush()
        refuse(session, request.id, make_staff(session, "school", batch.school).id, "不")
        session.commit()
    work()
    assert lines() == []


# -- texts and settings ------------------------------------------------------------------------


def test_templates_have_the_same_fields_in_both_languages():
    for name, template in TEMPLATES.items():
        for text in (template.subject, template.body):
            fields = [sorted(re.findall(r"\{(\w+)\}", said)) for said in text]
            assert fields[0] == fields[1], name
            assert "http" not in text.zh + text.en


def test_reasons_are_sentences():
    reasons = [(Text("光线过暗。", "Too dark."), Text("请到明亮处", "Find better light"))]
    assert render_reasons("zh", reasons) == "原因：光线过暗。建议：请到明亮处。"
    assert render_reasons("en", reasons) == "Reason: Too dark. Advice: Find better light. "


@pytest.mark.parametrize(
    "wrong",
    [
        {"sms_provider": "pigeon"},
        {"sms_provider": "twilio"},
        {"email_provider": "pigeon"},
        {"email_provider": "smtp"},
        {"email_provider": "smtp", "smtp_url": "http://x"},
    ],
)
def test_wrong_settings_are_said_in_one_sentence(settings, wrong):
    with pytest.raises(SettingsError):
        sms_provider(replace(settings, **wrong))
        email_provider(replace(settings, **wrong))


def test_console(settings, capsys):
    sms_provider(replace(settings, sms_provider="console")).send(SMS)
    assert "138****5678" in capsys.readouterr().err
