"""Encryption at rest and blind indexes for personal data.

Columns and files are sealed with AES-256-GCM under a key ring (first key encrypts, all decrypt, so
keys can be rotated). Searching an encrypted value goes through a blind index: HMAC-SHA256 of the
normalised value under a separate key (PEERS section 7).
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from backoffice.settings import Settings, SettingsError

_FORMAT = 1  # first byte of every sealed value, so the format can change later
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class DecryptionFailed(Exception):
    """A sealed value cannot be opened: wrong key ring, wrong context, or altered bytes."""


def _decode_key(name: str, value: str) -> bytes:
    try:
        key = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise SettingsError(f"{name} is not base64url.") from None
    if len(key) != 32:
        raise SettingsError(f"{name} must hold 32 bytes, got {len(key)}.")
    return key


@dataclass(frozen=True)
class Keyring:
    """The data keys by id (the first is used to encrypt) and the blind-index key."""

    data_keys: dict[str, bytes]
    index_key: bytes

    @classmethod
    def from_settings(cls, settings: Settings) -> Keyring:
        """Read DATA_KEYS and INDEX_KEY; raises SettingsError naming what is unusable."""
        keys: dict[str, bytes] = {}
        for part in settings.data_keys.split(","):
            key_id, _, value = part.strip().partition(":")
            if not _KEY_ID.fullmatch(key_id) or not value:
                raise SettingsError("DATA_KEYS must be `id:base64url(32 bytes)`, comma-separated.")
            if key_id in keys:  # one of the two would be lost, and what it sealed with it
                raise SettingsError(f"DATA_KEYS names the key {key_id} twice.")
            keys[key_id] = _decode_key(f"DATA_KEYS {key_id}", value)
        return cls(keys, _decode_key("INDEX_KEY", settings.index_key))

    def encrypt(self, data: bytes, context: bytes = b"") -> bytes:
        """Seal `data`; `context` (not secret) must be given again to open it."""
        return self.encrypt_all([data], context)[0]

    def encrypt_all(self, values: Sequence[bytes], context: bytes = b"") -> list[bytes]:
        """Seal many values of one context: the cipher is set up and chance is drawn once."""
        key_id, key = next(iter(self.data_keys.items()))
        head = bytes([_FORMAT, len(key_id)]) + key_id.encode()
        seal, bound = AESGCM(key).encrypt, head + context
        drawn = os.urandom(_NONCE_BYTES * len(values))
        places = range(0, len(drawn), _NONCE_BYTES)
        nonces = [drawn[place : place + _NONCE_BYTES] for place in places]
        return [
            head + nonce + seal(nonce, value, bound)
            for nonce, value in zip(nonces, values, strict=True)
        ]

    def decrypt(self, sealed: bytes, context: bytes = b"") -> bytes:
        """Open a sealed value. Raises DecryptionFailed."""
        if len(sealed) < 2 or sealed[0] != _FORMAT:
            raise DecryptionFailed("not a sealed value")
        head_end = 2 + sealed[1]
        head, nonce = sealed[:head_end], sealed[head_end : head_end + _NONCE_BYTES]
        key = self.data_keys.get(head[2:].decode(errors="replace"))
        if key is None:
            raise DecryptionFailed("the key of this value is not in the key ring")
        try:
            return AESGCM(key).decrypt(nonce, sealed[head_end + _NONCE_BYTES :], head + context)
        except (InvalidTag, ValueError):
            raise DecryptionFailed("altered value or wrong context") from None

    def blind_index(self, purpose: str, value: str) -> bytes:
        """Return the 32-byte search key of `value`; the same text under two purposes differs."""
        return hmac.digest(self.index_key, f"{purpose}\0{value}".encode(), "sha256")

    def blind_indexes(self, purpose: str, values: Iterable[str]) -> list[bytes]:
        """Return `blind_index` of many values of one purpose: key and purpose are hashed once."""
        begun, found = HMAC(self.index_key, SHA256()), []
        begun.update(f"{purpose}\0".encode())
        for value in values:
            digest = begun.copy()
            digest.update(value.encode())
            found.append(digest.finalize())
        return found


_keyring: Keyring | None = None


def configure(settings: Settings) -> Keyring:
    """Install the process's key ring; called once by create_app and the tests."""
    return install(Keyring.from_settings(settings))


def install(ring: Keyring) -> Keyring:
    """Install a key ring handed over by the parent process."""
    global _keyring
    _keyring = ring
    return ring


def keyring() -> Keyring:
    """Return the installed key ring. Raises RuntimeError before `configure`."""
    if _keyring is None:
        raise RuntimeError("crypto.configure(settings) has not been called")
    return _keyring
