"""Printables from the rows of a real batch."""

from __future__ import annotations

import stat

import pypdfium2
import pytest
import zxingcpp

from backoffice.batches.personal_tokens import read_personal_token
from backoffice.batches.printables import write_printables
from tests.factories import make_batch, make_enrolment


def test_every_file_of_a_batch(session, settings, tmp_path):
    batch = make_batch(session, feature_code="Z3K8F7")
    enrolments = [make_enrolment(session, batch) for _ in range(3)]
    other = make_enrolment(session, make_batch(session))
    files = write_printables(session, batch, settings, tmp_path / "out")
    assert [f.name for f in files] == [
        "Z3K8F7-qr.png",
        "Z3K8F7-qr.svg",
        "Z3K8F7-poster.pdf",
        "Z3K8F7-class-sheets.pdf",
    ]
    sheets = pypdfium2.PdfDocument(files[3])
    assert stat.S_IMODE(files[3].stat().st_mode) == 0o600
    found = [
        code.text
        for page in sheets
        for code in zxingcpp.read_barcodes(page.render(scale=2).to_pil())
    ]
    tokens = [text.partition("?p=")[2] for text in found]
    ids = {read_personal_token(settings, "Z3K8F7", token) for token in tokens}
    assert ids == {e.id for e in enrolments}
    assert other.id not in ids
    assert write_printables(session, batch, settings, tmp_path / "out") == files


@pytest.mark.parametrize(
    ("policy", "said"), [("resubmit", "不通过可按提示重拍"), ("refund", "不通过将自动退款")]
)
def test_the_poster_says_what_follows_a_rejection(session, settings, tmp_path, policy, said):
    batch = make_batch(session, reject_policy=policy)
    poster = write_printables(session, batch, settings, tmp_path)[2]
    text = pypdfium2.PdfDocument(poster)[0].get_textpage().get_text_bounded()
    assert said in "".join(text.split())
