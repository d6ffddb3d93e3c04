"""Tokens of personal codes: good for one enrolment of one batch, and nothing to read in them."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.batches.personal_tokens import (
    PersonalTokenInvalid,
    issue_personal_token,
    read_personal_token,
)
from backoffice.settings import Settings, SettingsError

SETTINGS = Settings(secret_key="a secret of this test")


@given(st.uuids())
def test_issue_and_read(enrolment):
    token = issue_personal_token(SETTINGS, "Z3K8F7", enrolment)
    assert read_personal_token(SETTINGS, "Z3K8F7", token) == enrolment
    assert issue_personal_token(SETTINGS, "Z3K8F7", enrolment) == token  # reprints stay good
    assert len(token) == 66
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(enrolment=st.uuids(), place=st.integers(0, 64), other=st.sampled_from("ABab01-_."))
def test_a_changed_token_is_refused(enrolment, place, other):
    token = issue_personal_token(SETTINGS, "Z3K8F7", enrolment)
    if place == 22 or token[place] == other:
        return
    with pytest.raises(PersonalTokenInvalid):
        read_personal_token(SETTINGS, "Z3K8F7", token[:place] + other + token[place + 1 :])


def test_other_batch_other_secret_and_rubbish():
    token = issue_personal_token(SETTINGS, "Z3K8F7", uuid.uuid4())
    for settings, code, text in [
        (SETTINGS, "EK4397", token),
        (Settings(secret_key="another"), "Z3K8F7", token),
        (SETTINGS, "Z3K8F7", ""),
        (SETTINGS, "Z3K8F7", "."),
        (SETTINGS, "Z3K8F7", "个人"),
        (SETTINGS, "Z3K8F7", "\udc80"),
        (SETTINGS, "Z3K8F7", token + "A" * 500),
        (SETTINGS, "Z3K8F7", token.split(".")[0]),
    ]:
        with pytest.raises(PersonalTokenInvalid) as caught:
            read_personal_token(settings, code, text)
        assert caught.value.code == "personal_token_invalid"


def test_no_secret_no_token():
    with pytest.raises(SettingsError):
        issue_personal_token(Settings(), "Z3K8F7", uuid.uuid4())
