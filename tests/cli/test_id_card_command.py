"""`id-card read`: one JSON object or readable lines; refusals are coded and exit 1."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from backoffice import cli
from tests.identity.id_cards import PEOPLE, draw_back, draw_card, jpeg, on_table


@pytest.fixture(scope="module")
def run():
    app = Flask("bare")
    cli.init_app(app)

    def call(*arguments):
        result = app.test_cli_runner().invoke(args=["id-card", "read", *map(str, arguments)])
        return result.exit_code, result.stdout, result.stderr

    return call


def test_a_card(run, tmp_path):
    picture = tmp_path / "card.jpg"
    picture.write_bytes(jpeg(on_table(draw_card(PEOPLE[0]))))
    status, out, _ = run(picture, "--json")
    assert status == 0
    card = json.loads(out)
    assert (card["id_number"], card["name"]) == (PEOPLE[0].number, PEOPLE[0].name)
    assert set(card) == {
        "name", "id_number", "gender", "birth_date", "address", "confidence", "valid_checksum",
    }  # fmt: skip


def test_refusals(run, tmp_path):
    picture = tmp_path / "back.jpg"
    picture.write_bytes(jpeg(on_table(draw_back())))
    status, _, err = run(picture)
    assert status == 1
    assert "国徽面" in err
    assert "[id_card_unreadable]" in err
    picture.write_bytes(b"no picture")
    status, out, _ = run(picture, "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "not_an_image")
