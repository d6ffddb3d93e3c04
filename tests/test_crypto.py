"""Sealing and blind indexes: what opens, what must not, and what a key ring refuses."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.crypto import DecryptionFailed, Keyring
from backoffice.settings import Settings, SettingsError

OLD, NEW, INDEX = bytes(range(32)), bytes(range(32, 64)), bytes(32)
RING = Keyring({"k1": OLD}, INDEX)


def text_of(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


@given(st.binary(max_size=500), st.binary(max_size=60))
def test_what_was_sealed_opens_again(data, context):
    sealed = RING.encrypt(data, context)
    assert RING.decrypt(sealed, context) == data
    assert RING.encrypt(data, context) != sealed  # a nonce of its own every time


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_another_context_does_not_open(data, context, other):
    if context != other:
        with pytest.raises(DecryptionFailed):
            RING.decrypt(RING.encrypt(data, context), other)


@given(st.binary(max_size=40), st.data())
def test_any_flipped_bit_is_noticed(data, draw):
    sealed = bytearray(RING.encrypt(data, b"photo"))
    position = draw.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << draw.draw(st.integers(0, 7))
    with pytest.raises(DecryptionFailed):
        RING.decrypt(bytes(sealed), b"photo")


@given(st.data())
def test_any_piece_of_a_sealed_value_is_refused(draw):
    sealed = RING.encrypt(b"310101200309150011")
    with pytest.raises(DecryptionFailed):
        RING.decrypt(sealed[: draw.draw(st.integers(0, len(sealed) - 1))])


@given(st.binary(max_size=80))
def test_bytes_of_anybody_are_refused(data):
    with pytest.raises(DecryptionFailed):
        RING.decrypt(data)


def test_keys_are_rotated_by_putting_the_new_one_first():
    before = RING.encrypt(b"data", b"c")
    both = Keyring({"k2": NEW, "k1": OLD}, INDEX)
    after = both.encrypt(b"data", b"c")
    assert both.decrypt(before, b"c") == both.decrypt(after, b"c") == b"data"
    only_new = Keyring({"k2": NEW}, INDEX)
    assert only_new.decrypt(after, b"c") == b"data"
    with pytest.raises(DecryptionFailed, match="not in the key ring"):
        only_new.decrypt(before, b"c")
    with pytest.raises(DecryptionFailed):  # the same id with another key
        Keyring({"k1": NEW}, INDEX).decrypt(before, b"c")


def test_the_blind_index_depends_on_key_purpose_and_value():
    one = RING.blind_index("phone", "+8613800000000")
    assert one == RING.blind_index("phone", "+8613800000000")
    assert len(one) == 32
    others = [
        RING.blind_index("id", "+8613800000000"),
        RING.blind_index("phone", "+8613800000001"),
        RING.blind_index("phone\0", "+8613800000000"),
        Keyring({"k1": OLD}, NEW).blind_index("phone", "+8613800000000"),
    ]
    assert len({one, *others}) == 5


def test_many_values_are_sealed_and_indexed_as_one_is():
    values = [b"", b"a", b"b" * 2000, b"a"]
    sealed = RING.encrypt_all(values, b"c")
    assert [RING.decrypt(one, b"c") for one in sealed] == values
    nonces = {one[2 + one[1] :][:12] for one in sealed}
    assert len(nonces) == len(values)  # one used twice would give both values away
    texts = ["", "吴小兰", "+8613800000000"]
    assert RING.blind_indexes("name", texts) == [RING.blind_index("name", t) for t in texts]
    assert RING.encrypt_all([]) == RING.blind_indexes("name", []) == []


def test_a_ring_from_settings():
    settings = Settings(data_keys=f"k2:{text_of(NEW)}, k1:{text_of(OLD)}", index_key=text_of(INDEX))
    ring = Keyring.from_settings(settings)
    assert ring.data_keys == {"k2": NEW, "k1": OLD}
    assert next(iter(ring.data_keys)) == "k2"
    assert ring.decrypt(RING.encrypt(b"x")) == b"x"
    padded = replace(settings, index_key=text_of(INDEX) + "=")
    assert Keyring.from_settings(padded).index_key == INDEX


@pytest.mark.parametrize(
    ("data_keys", "named"),
    [
        ("", "DATA_KEYS"),
        (text_of(OLD), "DATA_KEYS"),
        ("k1:", "DATA_KEYS"),
        (":" + text_of(OLD), "DATA_KEYS"),
        ("k1:" + text_of(OLD[:31]), "32 bytes, got 31"),
        ("k1:" + text_of(OLD + b"1"), "32 bytes, got 33"),
        ("k1:密钥" + text_of(OLD), "not base64url"),
        ("k1:!!" + text_of(OLD), "not base64url"),
        ("钥:" + text_of(OLD), "DATA_KEYS"),
        ("k" * 33 + ":" + text_of(OLD), "DATA_KEYS"),
        (f"k1:{text_of(OLD)},k1:{text_of(NEW)}", "k1 twice"),
        (f"k1:{text_of(OLD)},", "DATA_KEYS"),
    ],
)
def test_a_ring_that_cannot_be_used_is_named(data_keys, named):
    with pytest.raises(SettingsError, match=named) as refused:
        Keyring.from_settings(Settings(data_keys=data_keys, index_key=text_of(INDEX)))
    assert text_of(OLD) not in str(refused.value)


def test_an_index_key_that_cannot_be_used_is_named():
    for bad in ("", "short"):
        with pytest.raises(SettingsError, match="INDEX_KEY"):
            Keyring.from_settings(Settings(data_keys=f"k1:{text_of(OLD)}", index_key=bad))
