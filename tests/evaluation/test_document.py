"""docs/photos.md says what the code says."""

from __future__ import annotations

from backoffice.photos.checks import KINDS
from backoffice.photos.standards import BUILTIN
from evaluation.basis import BASIS
from evaluation.document import DOCUMENT, filled


def test_the_tables_are_those_of_the_code():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert filled(text) == text, "run: .venv/bin/python -m evaluation document"
    for name in (*KINDS, *BUILTIN):
        assert f"`{name}`" in text


def test_every_check_says_what_its_limits_rest_on():
    assert set(BASIS) == set(KINDS)
    assert all(b.measures and b.rests_on and b.trust for b in BASIS.values())
