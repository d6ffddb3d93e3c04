"""`python -m worker`: what it says when it cannot start."""

from __future__ import annotations

import pytest

from worker.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["jobs", "photos"]])
def test_an_unknown_role_is_a_usage_error(arguments, capsys):
    assert main(arguments) == 2
    assert "dispatcher|jobs|photos|documents|imports|scheduler" in capsys.readouterr().err


def test_an_unusable_setting_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "abc")
    assert main(["dispatcher"]) == 1
    assert capsys.readouterr().err.startswith("PORT must be a whole number")
