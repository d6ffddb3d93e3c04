"""The demo issuer: codes anybody with the key can make and read, so the whole way can be shown.

Text: `GPC1.` + a compact JWE (alg dir, enc A256GCM) under CAPTURE_CODE_KEY. The encryption is
authenticated: a changed or foreign token does not decrypt.
"""

from __future__ import annotations

import base64
import json

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from backoffice.capture_codes.errors import CaptureCodeExpired, CaptureCodeInvalid
from backoffice.capture_codes.payload import CaptureCodePayload, PayloadError
from backoffice.settings import Settings, SettingsError

PREFIX = "GPC1."
TEXT_MAX = 2900  # a QR code holds 2,953 bytes at most
ALGORITHMS = ["dir", "A256GCM"]  # nothing else, so a token cannot choose a weaker or zipped form


class DemoCaptureCodes:
    """Issues and decodes demo capture codes under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    @classmethod
    def from_settings(cls, settings: Settings) -> DemoCaptureCodes:
        """Read CAPTURE_CODE_KEY; raises SettingsError when it does not hold 32 bytes."""
        raw = settings.capture_code_key
        try:
            key = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        except ValueError:
            raise SettingsError("CAPTURE_CODE_KEY is not base64url.") from None
        if len(key) != 32:
            raise SettingsError(f"CAPTURE_CODE_KEY must hold 32 bytes, got {len(key)}.")
        return cls(key)

    def issue(self, payload: CaptureCodePayload) -> str:
        """Return the text of a new code. The same payload gives another text every time."""
        plain = json.dumps(payload.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()
        header = {"alg": "dir", "enc": "A256GCM"}
        token = jwe.encrypt_compact(header, plain, self._key, algorithms=ALGORITHMS)
        return PREFIX + token

    def decode(self, text: str) -> CaptureCodePayload:
        """Return the payload. Raises CaptureCodeInvalid or CaptureCodeExpired."""
        payload = self._open(text.strip())
        if payload.expired():
            raise CaptureCodeExpired
        return payload

    def _open(self, text: str) -> CaptureCodePayload:
        if not text.startswith(PREFIX) or len(text) > TEXT_MAX or not text.isascii():
            raise CaptureCodeInvalid
        try:
            token = jwe.decrypt_compact(text[len(PREFIX) :], self._key, algorithms=ALGORITHMS)
            return CaptureCodePayload.from_dict(json.loads(token.plaintext or b""))
        except (JoseError, PayloadError, ValueError, TypeError, KeyError):
            # Why exactly is nobody's business: the same answer for every forged text.
            raise CaptureCodeInvalid from None
