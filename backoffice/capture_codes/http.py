"""An outside decoding service: `{"text": ...}` is posted, the payload of section 6 comes back."""

from __future__ import annotations

import json
from typing import Any

import httpx

from backoffice.capture_codes.demo import TEXT_MAX
from backoffice.capture_codes.errors import (
    CaptureCodeError,
    CaptureCodeExpired,
    CaptureCodeInvalid,
    CaptureCodeUnavailable,
)
from backoffice.capture_codes.payload import CaptureCodePayload, PayloadError

TIMEOUT = httpx.Timeout(10.0, connect=3.0)
ANSWER_MAX_BYTES = 64 * 1024
REFUSALS: dict[str, type[CaptureCodeError]] = {
    error.code: error for error in (CaptureCodeInvalid, CaptureCodeExpired)
}


class HttpCaptureCodes:
    """Decodes through the service at `url` (CAPTURE_CODE_URL).

    200 with the payload means genuine. 400, 404, 410 or 422 means refused; a JSON `code` of
    capture_code_expired tells that case apart. Everything else counts as unavailable.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    def decode(self, text: str) -> CaptureCodePayload:
        """Return the payload.

        Raises CaptureCodeInvalid, CaptureCodeExpired or CaptureCodeUnavailable (try again).
        """
        if not text.strip() or len(text) > TEXT_MAX:
            raise CaptureCodeInvalid
        status, body = self._post(text.strip())
        if status in (400, 404, 410, 422):
            raise _refusal(body)
        if status != httpx.codes.OK:
            raise CaptureCodeUnavailable
        payload = _payload(body)
        if payload.expired():
            raise CaptureCodeExpired
        return payload

    def _post(self, text: str) -> tuple[int, bytes]:
        body = b""
        try:
            with (
                httpx.Client(timeout=TIMEOUT, transport=self._transport) as client,
                client.stream("POST", self._url, json={"text": text}) as answer,
            ):
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_MAX_BYTES:
                        raise CaptureCodeUnavailable
                return answer.status_code, body
        except (httpx.HTTPError, httpx.InvalidURL):
            # The text of the code must not reach a log through the exception chain.
            raise CaptureCodeUnavailable from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _refusal(body: bytes) -> CaptureCodeError:
    answer = _json(body)
    code = answer.get("code") if isinstance(answer, dict) else None
    return REFUSALS.get(str(code), CaptureCodeInvalid)()


def _payload(body: bytes) -> CaptureCodePayload:
    try:
        return CaptureCodePayload.from_dict(_json(body))
    except PayloadError:
        raise CaptureCodeUnavailable from None
