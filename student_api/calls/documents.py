"""Reading ID cards and batch codes from pictures: before there is an account."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from limits import RateLimitItemPerHour
from pydantic import Field
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from backoffice.batches.qr_reading import read_batch_code
from backoffice.capture_codes.errors import BatchCodeUnreadable
from backoffice.i18n import Text
from backoffice.identity import id_card_exchange as exchange
from backoffice.identity.id_card_errors import IdCardReaderBusy, IdCardUnreadable
from student_api.errors import TooManyRequests
from student_api.limits import Rule, limiter
from student_api.operations import Call, operation
from student_api.schemas import Answer, Gender

# A campus shares one address; a card costs about a second of one processor core.
ID_CARD_ADDRESS = Rule("id-card-address", RateLimitItemPerHour(600))
BATCH_CODE_ADDRESS = Rule("batch-code-address", RateLimitItemPerHour(600))
WAITING_MAX = 4  # more than that would not be answered in time, and hold the web's threads
log = logging.getLogger("student_api")


class IdCardAnswer(Answer):
    """What the card says. Fields that could not be read are null; nothing of it is stored."""

    name: str | None
    id_number: str
    gender: Gender | None = Field(description="the number's own where `valid_checksum`")
    birth_date: date | None = Field(description="the number's own where `valid_checksum`")
    address: str | None
    confidence: float = Field(
        ge=0, le=1, description="below 0.8 let the student check every character"
    )
    valid_checksum: bool


@operation(
    "POST",
    "/ocr/id-card",
    tag="auth",
    summary="Read an ID card",
    answer=IdCardAnswer,
    upload="image",
    auth=False,
    idempotent=False,
    errors=(IdCardUnreadable, IdCardReaderBusy, TooManyRequests),
)
def read_id_card(call: Call) -> IdCardAnswer:
    """Read the portrait side of a resident ID card, held any way up.

    The picture is handed to a reading process sealed and is kept nowhere. A few seconds are
    waited; 503 with Retry-After when no reader was free. `valid_checksum` false: at least one
    character was misread, or the card is not genuine; let the student correct it.
    """
    limiter().take((ID_CARD_ADDRESS, call.address))
    call.session.rollback()  # waiting holds no connection
    return IdCardAnswer.model_validate(_read(call))


def _read(call: Call) -> dict[str, Any]:
    client = call.services.redis
    try:
        if _queue(client).count >= WAITING_MAX:
            raise IdCardReaderBusy()
        answer = exchange.ask(client, call.services.keyring, call.file, _enqueue(client))
    except (exchange.NoAnswer, RedisError) as error:
        log.warning("id card not read: %s", type(error).__name__)
        raise IdCardReaderBusy() from None
    if answer.get("error") == IdCardUnreadable.code:
        raise IdCardUnreadable(Text(answer["zh"], answer["en"]))
    if "card" not in answer:
        raise IdCardReaderBusy()
    card: dict[str, Any] = answer["card"]
    if card["birth_date"]:
        card["birth_date"] = date.fromisoformat(card["birth_date"])
    return card


def _queue(client: Redis) -> Queue:
    return Queue(exchange.QUEUE, connection=client, serializer=JSONSerializer)


def _enqueue(client: Redis) -> Any:
    def put(ticket: str) -> None:
        _queue(client).enqueue_call(
            exchange.JOB,
            args=(ticket,),
            timeout=exchange.JOB_SECONDS,
            ttl=exchange.TICKET_SECONDS,  # a ticket nobody waits for is not worked
            result_ttl=0,
            failure_ttl=0,
            description=ticket,
            job_id=ticket,
        )

    return put


class BatchCodeAnswer(Answer):
    """Where a poster's or a class sheet's QR code leads."""

    feature_code: str
    personal_token: str | None = Field(description="of a personal code; null on posters")


@operation(
    "POST",
    "/batch-codes/decode",
    tag="batches",
    summary="Read a batch QR code",
    answer=BatchCodeAnswer,
    upload="image",
    auth=False,
    idempotent=False,
    errors=(BatchCodeUnreadable, TooManyRequests),
)
def decode_batch_code(call: Call) -> BatchCodeAnswer:
    """Read the QR code of a batch from a picture in the album.

    Says what the code says, not whether the batch exists: ask GET /batches/{feature_code}.
    """
    limiter().take((BATCH_CODE_ADDRESS, call.address))
    call.session.rollback()  # reading a picture holds no connection
    code = read_batch_code(call.file)
    return BatchCodeAnswer(feature_code=code.feature_code, personal_token=code.personal_token)
