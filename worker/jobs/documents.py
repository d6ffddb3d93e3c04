"""Reading an ID card for a caller that waits: no outbox row, because nothing may be left of it.

Neither the picture nor a field of it reaches a table, a file, RQ's records or a log.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from redis.exceptions import RedisError

from backoffice.crypto import DecryptionFailed
from backoffice.identity import id_card_exchange as exchange
from backoffice.identity.id_card_errors import IdCardReaderBusy, IdCardUnreadable
from backoffice.identity.id_card_text import READING_SIDE
from backoffice.photos.errors import PhotoRefused
from backoffice.photos.reading import decode
from backoffice.services import services
from worker import runtime
from worker.logs import describe

log = logging.getLogger("worker.documents")


def read(ticket: str) -> None:
    """Read the card of one ticket and send the answer; nothing happens if its caller has gone.

    The answer: {"card": fields} or {"error": code, "zh": advice, "en": advice}.
    """
    with runtime.app().app_context():
        shared = services()
        try:
            picture = exchange.take(shared.redis, shared.keyring, ticket)
            if picture is None:
                return
            exchange.reply(shared.redis, shared.keyring, ticket, _answer(picture))
        except (RedisError, DecryptionFailed) as error:
            log.warning("id card not answered %s", describe(error))


def _answer(picture: bytes) -> dict[str, Any]:
    began = time.monotonic()
    try:
        rgb = decode(picture, want_side=READING_SIDE).rgb
        card = runtime.id_card_reader().read(rgb)
    except (IdCardUnreadable, PhotoRefused) as refused:
        log.info("id card refused seconds=%.2f", time.monotonic() - began)
        return {
            "error": IdCardUnreadable.code,
            "zh": refused.text("zh"),
            "en": refused.text("en"),
        }
    except Exception as error:  # also RQ's time limit: the caller is told, RQ keeps no traceback
        log.error("id card failed %s", describe(error))
        return {"error": IdCardReaderBusy.code}
    log.info("id card read seconds=%.2f valid=%s", time.monotonic() - began, card.valid_checksum)
    return {"card": card.to_dict()}
