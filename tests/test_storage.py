"""Storage: sealed, durable, no way out of its folder; signed picture addresses."""

from __future__ import annotations

import io
import os
import secrets
import stat
from datetime import UTC, datetime

import pytest
from botocore.response import StreamingBody
from botocore.session import get_session
from botocore.stub import ANY, Stubber
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backoffice.crypto import Keyring
from backoffice.settings import Settings, SettingsError
from backoffice.storage import (
    FolderStorage,
    ObjectDamaged,
    ObjectMissing,
    S3Storage,
    SignedUrlExpired,
    SignedUrlInvalid,
    StorageKeyInvalid,
    StorageUnavailable,
    check_storage,
    expiry,
    sign_key,
    storage_for,
    verify_signature,
)

KEYRING = Keyring({"k1": b"1" * 32}, b"i" * 32)
KEY = "photos/2027/abc_1/original.jpg"


@pytest.fixture
def store(tmp_path):
    return FolderStorage(tmp_path / "store", KEYRING)


def test_put_get_replace_delete(store):
    assert not store.exists(KEY)
    store.put(KEY, b"first", "image/jpeg")
    assert store.get(KEY) == b"first"
    store.put(KEY, b"second")
    assert store.get(KEY) == store.open(KEY).read() == b"second"
    assert store.exists(KEY)
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)
    with pytest.raises(ObjectMissing):
        store.get(KEY)


def test_files_are_sealed_private_and_alone(store):
    store.put(KEY, b"a face " * 100)
    path = store.root / KEY
    assert b"a face" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in [*path.relative_to(store.root).parents]:
        assert stat.S_IMODE((store.root / folder).stat().st_mode) == 0o700
    assert os.listdir(path.parent) == [path.name]


def test_swapped_or_altered_files_do_not_open(store):
    store.put("a.jpg", b"one")
    store.put("b.jpg", b"two")
    (store.root / "a.jpg").write_bytes((store.root / "b.jpg").read_bytes())
    with pytest.raises(ObjectDamaged):
        store.get("a.jpg")
    (store.root / "b.jpg").write_bytes(b"")
    with pytest.raises(ObjectDamaged):
        store.get("b.jpg")


def test_a_failed_write_leaves_the_old_object_and_no_litter(store, monkeypatch):
    store.put(KEY, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnavailable):
        store.put(KEY, b"new")
    assert store.get(KEY) == b"old"
    assert len(os.listdir((store.root / KEY).parent)) == 1


BAD_KEYS = [
    "", "/", "/etc/passwd", "../x", "a/../b", "a/..", "..", ".", "a/./b", ".hidden", "a/.tmp",
    "a//b", "a/", "a\\b", "a\0b", "a\nb", "b\n", "a b", "照片.jpg", "x" * 301, "C:x", "~root",
]  # fmt: skip


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_leave_the_store_are_refused(store, key):
    for call in (store.get, store.exists, store.delete, store.open, lambda k: store.put(k, b"")):
        with pytest.raises(StorageKeyInvalid):
            call(key)
    assert not store.root.exists()


@given(st.text(st.sampled_from("ab.-_/\\~"), max_size=12))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_accepted_key_stays_inside(store, key):
    try:
        path = store._path(key).resolve()
    except StorageKeyInvalid:
        return
    assert store.root.resolve() in path.parents


def test_a_folder_is_no_object(store):
    store.put("a/b", b"x")
    assert not store.exists("a")
    with pytest.raises(ObjectMissing):
        store.get("a")
    with pytest.raises(ObjectMissing):
        store.get("a/b/c")
    with pytest.raises(StorageUnavailable):
        store.put("a/b/c", b"x")


def test_probe(store, tmp_path):
    check_storage(store)
    assert os.listdir(store.root / "probe") == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        check_storage(FolderStorage(tmp_path / "file", KEYRING))


def test_storage_for(tmp_path):
    assert storage_for(Settings(storage_url=str(tmp_path)), KEYRING) == FolderStorage(
        tmp_path, KEYRING
    )
    spaced = tmp_path / "with space"
    found = storage_for(Settings(storage_url=spaced.as_uri()), KEYRING)
    assert found == FolderStorage(spaced, KEYRING)
    assert storage_for(Settings(var_dir=str(tmp_path)), KEYRING).root == tmp_path / "storage"
    for wrong in ("ftp://host/x", "s3:///x"):
        with pytest.raises(SettingsError):
            storage_for(Settings(storage_url=wrong), KEYRING)


def s3(prefix="pre"):
    session = get_session()
    client = session.create_client(
        "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    return S3Storage(client, "bucket", prefix, KEYRING), Stubber(client)


def test_s3_requests_and_answers():
    store, stub = s3()
    sealed = KEYRING.encrypt(b"data", b"k.jpg")
    target = {"Bucket": "bucket", "Key": "pre/k.jpg"}
    stub.add_response(
        "put_object",
        {},
        target
        | {
            "Body": ANY,
            "ContentType": "application/octet-stream",
            "Metadata": {"plain-type": "image/jpeg"},
        },
    )
    stub.add_response(
        "get_object", {"Body": StreamingBody(io.BytesIO(sealed), len(sealed))}, target
    )
    stub.add_response("head_object", {}, target)
    stub.add_client_error("head_object", "404", http_status_code=404)
    stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    stub.add_client_error("get_object", "SlowDown", http_status_code=503)
    stub.add_response("delete_object", {}, target)
    with stub:
        store.put("k.jpg", b"data", "image/jpeg")
        assert store.get("k.jpg") == b"data"
        assert store.exists("k.jpg")
        assert not store.exists("k.jpg")
        with pytest.raises(ObjectMissing):
            store.get("k.jpg")
        with pytest.raises(StorageUnavailable):
            store.get("k.jpg")
        store.delete("k.jpg")
        stub.assert_no_pending_responses()
    with pytest.raises(StorageKeyInvalid):
        store.get("../k")


def test_s3_lists_keys_page_by_page():
    store, stub = s3()
    old, new = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    asked = {"Bucket": "bucket", "Prefix": "pre/photos/"}
    stub.add_response(
        "list_objects_v2",
        {"Contents": [{"Key": "pre/photos/a", "LastModified": old}], "IsTruncated": True,
         "NextContinuationToken": "more"},
        asked,
    )  # fmt: skip
    stub.add_response(
        "list_objects_v2",
        {"Contents": [{"Key": "pre/photos/b", "LastModified": new},
                      {"Key": "pre/photos/c", "LastModified": old}]},
        asked | {"ContinuationToken": "more"},
    )  # fmt: skip
    with stub:
        assert list(store.keys("photos", new)) == ["photos/a", "photos/c"]


SETTINGS = Settings(url_signing_key=secrets.token_hex(16))


def test_signed_addresses():
    expires = expiry(SETTINGS, now=1000)
    assert expires == 1000 + SETTINGS.signed_url_seconds
    signature = sign_key(SETTINGS, KEY, expires)
    verify_signature(SETTINGS, KEY, expires, signature, now=expires - 1)
    with pytest.raises(SignedUrlExpired):
        verify_signature(SETTINGS, KEY, expires, signature, now=expires)
    with pytest.raises(SettingsError):
        sign_key(Settings(), KEY, 1)


@pytest.mark.parametrize(
    "change", ["key", "expires", "signature", "cut", "odd", "bad key", "other secret"]
)
def test_forged_addresses(change):
    expires = 2000
    signature = sign_key(SETTINGS, KEY, expires)
    given_ = {
        "key": (SETTINGS, KEY.replace("abc", "abd"), expires, signature),
        "expires": (SETTINGS, KEY, expires + 1, signature),
        "signature": (
            SETTINGS,
            KEY,
            expires,
            signature[:-1] + ("0" if signature[-1] != "0" else "1"),
        ),
        "cut": (SETTINGS, KEY, expires, signature[:10]),
        "odd": (SETTINGS, KEY, expires, "签名\udc80"),
        "bad key": (SETTINGS, "../" + KEY, expires, signature),
        "other secret": (Settings(url_signing_key="x"), KEY, expires, signature),
    }[change]
    with pytest.raises(SignedUrlInvalid):
        verify_signature(*given_, now=1000)
