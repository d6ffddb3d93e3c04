"""What a log line may say of an error: type and place, nothing a person typed."""

from __future__ import annotations

import io
import logging
import traceback

import pytest

from worker.jobs import run, running
from worker.logs import PlainFormatter, describe

PRIVATE = "吴小兰 13800000000"


def fail() -> None:
    raise ValueError(PRIVATE)


def test_type_and_place():
    with pytest.raises(ValueError, match="吴") as raised:
        fail()
    said = describe(raised.value)
    assert said.startswith("error=ValueError at=tests/worker/test_logs.py:")
    assert PRIVATE not in said


def test_a_logged_exception_keeps_its_text_to_itself():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(PlainFormatter("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        fail()
    except ValueError:
        logger.exception("it broke")
    assert written.getvalue().startswith("it broke\nerror=ValueError")
    assert PRIVATE not in written.getvalue()


def test_rq_never_sees_the_cause(context, monkeypatch):
    """RQ keeps the traceback of a failed job in Valkey."""

    def broken(*_: object) -> None:
        raise ValueError(PRIVATE)

    monkeypatch.setattr(running, "_run_leased", broken)
    with pytest.raises(running.JobInterrupted) as raised:
        run("01a1fd22-3a53-727c-8d61-8e265df1ba0b")
    kept = "".join(traceback.format_exception(raised.value))
    assert PRIVATE not in kept
