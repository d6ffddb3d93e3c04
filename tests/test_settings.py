"""Settings: what production refuses, what a mistyped value says, secrets drawn once."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest

from backoffice.cli.settings import document
from backoffice.settings import (
    ROOT,
    SECRET_NAMES,
    Settings,
    SettingsError,
    load_settings,
)

PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s" * 43,
    "DATA_KEYS": "k1:" + "A" * 43,
    "INDEX_KEY": "B" * 43,
    "URL_SIGNING_KEY": "u" * 43,
    "PAYMENT_PROVIDERS": "alipay",
    "CAPTURE_CODE_PROVIDER": "http",
}


@pytest.fixture
def load(tmp_path):
    def call(**environ):
        return load_settings({"VAR_DIR": str(tmp_path / "var")} | environ)

    return call


def test_production_starts_with_secrets_of_its_own(load, tmp_path):
    settings = load(**PRODUCTION)
    assert settings.production
    assert not settings.demo
    assert not (tmp_path / "var").exists()  # nothing is drawn for production


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *[({name: ""}, name) for name in SECRET_NAMES],
        ({"SECRET_KEY": "change-me"}, "SECRET_KEY"),
        ({"URL_SIGNING_KEY": "u" * 31}, "URL_SIGNING_KEY"),
        ({"PAYMENT_PROVIDERS": "alipay, sandbox"}, "sandbox"),
        ({"PAYMENT_PROVIDERS": ""}, "sandbox"),  # empty means the default
        ({"CAPTURE_CODE_PROVIDER": "demo"}, "CAPTURE_CODE_PROVIDER"),
        ({"CAPTURE_CODE_PROVIDER": ""}, "CAPTURE_CODE_PROVIDER"),
    ],
)
def test_production_refuses(load, change, named):
    with pytest.raises(SettingsError, match=named):
        load(**PRODUCTION | change)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_production_refuses_what_was_drawn_for_the_demo(load, name):
    drawn = getattr(load(), name.lower())
    with pytest.raises(SettingsError, match=f"{name} that was drawn for the demo"):
        load(**PRODUCTION | {name: drawn})


@pytest.mark.parametrize("mode", ["prod", "Production", "live", " production"])
def test_a_mistyped_mode_never_runs_as_a_lenient_one(load, mode):
    with pytest.raises(SettingsError, match="APP_ENV must be one of"):
        load(**PRODUCTION | {"APP_ENV": mode})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_the_demo_listens_on_loopback_only(load, host):
    with pytest.raises(SettingsError, match="loopback"):
        load(HOST=host)
    assert load(APP_ENV="test", HOST=host).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_fine(load, host):
    assert load(HOST=host).demo


@pytest.mark.parametrize("raw", ["eight", "8.5", "-1", "0x10", "1e3"])
def test_a_number_that_is_none(load, raw):
    with pytest.raises(SettingsError, match="PORT must be a whole number"):
        load(PORT=raw)


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("1", True), ("true", True), ("YES", True), (" on ", True), ("", True),
     ("0", False), ("False", False), ("no", False), ("off", False)],
)  # fmt: skip
def test_yes_and_no(load, raw, meant):
    assert load(RATE_LIMITS=raw).rate_limits is meant


def test_a_mistyped_yes_does_not_switch_a_protection_off(load):
    with pytest.raises(SettingsError, match="RATE_LIMITS"):
        load(RATE_LIMITS="ture")


def test_overrides_win_and_addresses_follow(load):
    settings = load(PORT="8123")
    assert settings.public_url == "http://127.0.0.1:8123"
    assert load(BASE_URL="https://photo.example.cn/").public_url == "https://photo.example.cn"
    assert settings.models == settings.var / "models"
    assert settings.storage == str(settings.var / "storage")
    assert load_settings({"PORT": "1"}, port=2, var_dir=settings.var_dir).port == 2


def test_secrets_are_drawn_once_and_kept_to_the_owner(load, tmp_path):
    first = load()
    path = tmp_path / "var" / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load() == first
    names = [*SECRET_NAMES, "SANDBOX_PAYMENT_SECRET"]
    values = [getattr(first, name.lower()) for name in names]
    assert len(set(values)) == len(values)
    assert all(len(value) >= 43 for value in values)
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".tmp"] == []
    assert load(SECRET_KEY="given").secret_key == "given"


def test_a_secret_that_is_new_is_added_and_the_others_stay(load, tmp_path):
    first = load()
    path = tmp_path / "var" / "secrets.json"
    known = json.loads(path.read_text())
    del known["URL_SIGNING_KEY"]
    path.write_text(json.dumps(known))
    second = load()
    assert second.url_signing_key
    assert second.url_signing_key != first.url_signing_key
    assert second.data_keys == first.data_keys
    assert load() == second


@pytest.mark.parametrize("damage", ["", '{"SECRET_KEY": "abc', "[]", "null"])
def test_damaged_secrets_are_never_drawn_over(load, tmp_path, damage):
    load()
    path = tmp_path / "var" / "secrets.json"
    path.write_text(damage)
    with pytest.raises(SettingsError, match="damaged"):
        load()
    assert path.read_text() == damage


@pytest.mark.parametrize("known", [{}, {"SECRET_KEY": "kept"}])
def test_processes_that_start_at_once_agree(tmp_path, known):
    """Each process waits for the same instant, then reports the secrets it would run with."""
    var = tmp_path / "var"
    var.mkdir()
    if known:
        (var / "secrets.json").write_text(json.dumps(known))
    program = (
        "import sys\n"
        "from backoffice.settings import load_settings\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "s = load_settings({'VAR_DIR': sys.argv[1]})\n"
        "print(s.secret_key, s.data_keys, s.index_key, s.url_signing_key)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(var)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=30)[0] for process in processes}
    assert len(answers) == 1
    kept = json.loads((var / "secrets.json").read_text())
    assert answers.pop().split()[1] == kept["DATA_KEYS"]


def test_the_settings_document_is_up_to_date():
    text = (ROOT / "docs" / "settings.md").read_text()
    assert text == document(), "run: flask --app wsgi settings document > docs/settings.md"
    assert str(ROOT) not in text
    for name in Settings.__dataclass_fields__:
        assert f"| `{name.upper()}` |" in text
