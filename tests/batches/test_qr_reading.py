"""Batch and personal codes read back from pictures, and addresses that are no batch's."""

from __future__ import annotations

import pytest

from backoffice.batches.qr import batch_qr_png, batch_url, personal_url
from backoffice.batches.qr_reading import BatchCode, batch_code_of, read_batch_code
from backoffice.capture_codes.errors import BatchCodeUnreadable
from backoffice.capture_codes.reading import draw_qr
from tests.capture_codes.distortions import DISTORTIONS, grey, saved

BASE = "https://photo.example.edu.cn"
TOKEN = "AbC-123_x.y"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (batch_url(BASE, "Z3K8F7"), BatchCode("Z3K8F7", None)),
        (personal_url(BASE, "Z3K8F7", TOKEN), BatchCode("Z3K8F7", TOKEN)),
    ],
)
@pytest.mark.parametrize("name", ["turned 90", "perspective 20 %", "photo of a screen"])
def test_a_photographed_code(url, expected, name):
    code = grey(batch_qr_png(url))[::3, ::3].copy()
    assert read_batch_code(saved(DISTORTIONS[name](code))) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:8000/s/z3k8f7/", BatchCode("Z3K8F7", None)),
        ("https://old-host/sub/s/EK43?p=&x=1", BatchCode("EK43", None)),
        (f"https://h/s/EK43?p={'a' * 201}", BatchCode("EK43", None)),
        ("https://h/s/%45K43", BatchCode("EK43", None)),
    ],
)
def test_addresses(address, expected):
    assert batch_code_of(address) == expected


@pytest.mark.parametrize(
    "address", ["https://www.chsi.com.cn/", "https://h/s/", "https://h/s/a b", "https://[", "https://h/s/AB/../x",
                "https://h/x?p=1", "https://h/s/" + "A" * 13]
)  # fmt: skip
def test_other_addresses(address):
    with pytest.raises(BatchCodeUnreadable):
        batch_code_of(address)


def test_a_capture_code_is_no_batch_code():
    with pytest.raises(BatchCodeUnreadable) as caught:
        read_batch_code(draw_qr("GPC1.x"))
    assert caught.value.code == "batch_code_unreadable"
    with pytest.raises(BatchCodeUnreadable):
        read_batch_code(b"no picture")
