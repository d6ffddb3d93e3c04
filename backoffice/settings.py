"""Every setting of the system: one environment variable each, typed, with its default and reason.

`docs/settings.md` is generated from this module (`flask settings document`), so the comments in
`describe` are the documentation.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECRET_NAMES = ("SECRET_KEY", "DATA_KEYS", "INDEX_KEY", "URL_SIGNING_KEY")
MODES = ("demo", "test", "production")
SECOND_FACTOR = ("required", "optional")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
MIN_SECRET_LETTERS = 32  # of the two secrets that are free text; keys are measured where decoded
# Published with the code, so anybody can make demo capture codes: never accepted in production.
DEMO_CAPTURE_CODE_KEY = "ZGVtby1vbmx5LWNhcHR1cmUtY29kZS1rZXktMjAyNiE"


class SettingsError(Exception):
    """A setting is missing or unusable; the message is one sentence for the operator."""


def describe(default: Any, why: str) -> Any:
    """Declare one setting with its default and the reason for it."""
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True)
class Settings:
    """All settings, read once at start-up by `load_settings`."""

    app_env: str = describe(
        "demo",
        "`demo` loads demo data, `test` is for the tests, `production` refuses demo secrets, demo data and the sandbox payment provider.",
    )
    host: str = describe(
        "127.0.0.1", "Address the web server listens on; demo mode is loopback only."
    )
    port: int = describe(8000, "Port of the web server.")
    base_url: str = describe(
        "", "Public address used in QR codes and links; empty means http://HOST:PORT."
    )
    var_dir: str = describe(
        str(ROOT / "var"),
        "Folder of everything the system writes when nothing outside is configured.",
    )
    models_dir: str = describe(
        "", "Folder of the verified model files; empty means VAR_DIR/models."
    )
    database_url: str = describe(
        "", "PostgreSQL address; empty starts the embedded server under VAR_DIR."
    )
    redis_url: str = describe(
        "", "Valkey/Redis address; empty starts the embedded server under VAR_DIR."
    )
    storage_url: str = describe(
        "",
        "Photo storage: a folder, file:///folder, or s3://bucket/prefix; empty means VAR_DIR/storage.",
    )
    secret_key: str = describe(
        "",
        "Signs staff sessions; empty in demo mode draws one and keeps it in VAR_DIR/secrets.json.",
    )
    data_keys: str = describe(
        "",
        "Keys of the encrypted columns, `id:base64url(32 bytes)` separated by commas, the first one encrypts.",
    )
    index_key: str = describe(
        "",
        "Key of the blind indexes (HMAC-SHA256) over ID numbers and phones, base64url(32 bytes).",
    )
    url_signing_key: str = describe("", "Signs the short-lived picture addresses.")
    photo_workers: int = describe(0, "Photo worker processes; 0 means one per processor core.")
    photo_job_seconds: int = describe(
        60, "A photo job running longer is stopped and the photo fails with a code."
    )
    photo_queue_limit: int = describe(
        2000,
        "So many pictures may wait for the machine; further uploads are asked to come back in a minute.",
    )
    matting_model: str = describe(
        "u2netp", "rembg model used on cluttered backgrounds; its file must lie in MODELS_DIR."
    )
    capture_code_provider: str = describe(
        "demo", "`demo`, `http` or `none`: who decodes capture codes."
    )
    capture_code_url: str = describe("", "Decoding service for CAPTURE_CODE_PROVIDER=http.")
    capture_code_key: str = describe(
        DEMO_CAPTURE_CODE_KEY,
        "base64url(32 bytes) of the demo issuer; its published default is refused in production.",
    )
    payment_providers: str = describe(
        "sandbox", "Comma-separated payment providers; `sandbox` is refused in production."
    )
    sandbox_payment_secret: str = describe(
        "", "HMAC key of the sandbox provider's callbacks; drawn in demo mode."
    )
    sms_provider: str = describe(
        "file",
        "`file` appends messages to VAR_DIR/messages.jsonl, `console` prints, `twilio` sends.",
    )
    twilio_account_sid: str = describe("", "Twilio account, for SMS_PROVIDER=twilio.")
    twilio_auth_token: str = describe("", "Twilio token; also verifies its status callbacks.")
    twilio_from: str = describe("", "Sender number or messaging service SID.")
    twilio_base_url: str = describe(
        "", "Another address for Twilio's API (tests use a local stand-in)."
    )
    email_provider: str = describe("file", "`file` or `smtp`.")
    smtp_url: str = describe("", "smtp://user:password@host:587 for EMAIL_PROVIDER=smtp.")
    email_from: str = describe("noreply@localhost", "Sender of e-mails.")
    trusted_proxies: int = describe(
        0, "Proxies in front whose X-Forwarded headers are believed; 0 believes nobody."
    )
    access_token_minutes: int = describe(120, "Life of a student's access token.")
    refresh_token_days: int = describe(30, "Life of a refresh token; each use replaces it.")
    signed_url_seconds: int = describe(
        300, "Life of a signed picture address (ASVS 14.2: at most minutes)."
    )
    upload_max_bytes: int = describe(
        20 * 1024 * 1024, "Largest accepted picture (CONTRACT section 4)."
    )
    rate_limits: bool = describe(
        True, "Rate limits on log-in, identification and uploads; the load tests switch them off."
    )
    first_password_hours: int = describe(
        24,
        "Hours a student may keep the first password (the end of the ID number); then nothing but changing it is allowed.",
    )
    wechat_base_url: str = describe(
        "https://api.weixin.qq.com", "WeChat's server API (tests use a local stand-in)."
    )
    wechat_app_id: str = describe(
        "", "Mini-program id for one-click sign-in; empty means it is not offered."
    )
    wechat_app_secret: str = describe("", "Secret of the mini-program.")
    wechat_code_page: str = describe(
        "",
        "Page of the mini-program that a batch's mini-program code opens, e.g. pages/batch/index; empty means no such codes are made.",
    )
    wechat_code_env: str = describe(
        "release", "Version of the mini-program the code opens: `release`, `trial` or `develop`."
    )
    unused_photo_days: int = describe(
        30, "Pictures nobody used are deleted this long after their batch closed."
    )
    finished_photo_days: int = describe(
        180, "Finished pictures are deleted this long after their order was completed."
    )
    erasure_days: int = describe(
        15,
        "An erasure a student asked for is carried out after this many days, unless staff did it "
        "before; never while an order, a refund or the batch is open.",
    )
    upload_hours: int = describe(24, "Life of an upload in parts that was not completed.")
    idempotency_hours: int = describe(
        48, "How long the answer to an Idempotency-Key is kept and given again."
    )
    long_poll_waiters: int = describe(
        3,
        "Requests of one web process that may wait for news at a time (of 8 threads); more are answered at once.",
    )
    undo_seconds: int = describe(
        15,
        "Undo window: seconds a review decision waits before its messages and refunds leave.",
    )
    second_opinion_percent: int = describe(
        5,
        "Share of review decisions, in percent, that a second reviewer looks at blind; a batch may have its own share.",
    )
    lock_timeout_ms: int = describe(3000, "How long a transition waits for the order's row lock.")
    staff_second_factor: str = describe(
        "",
        "`required`: administrators and finance enter no room without a second factor; `optional`: who has set one up is asked for it. Empty means required in production and optional elsewhere, so that the demo log-ins work with e-mail and password alone. Production refuses `optional`.",
    )
    staff_session_hours: int = describe(
        12, "Hours after which a staff session that was not used must sign in again."
    )
    figures_seconds: int = describe(
        60,
        "How old the figures of dashboard, review and workflows may be before they are counted anew; 0: each time.",
    )
    timezone: str = describe(
        "Asia/Shanghai", "Zone in which pages show times; stored times are UTC."
    )
    log_level: str = describe("INFO", "Python log level.")

    @property
    def var(self) -> Path:
        """Folder of everything written locally."""
        return Path(self.var_dir)

    @property
    def models(self) -> Path:
        """Folder of the verified model files."""
        return Path(self.models_dir) if self.models_dir else self.var / "models"

    @property
    def storage(self) -> str:
        """Where pictures are kept: a folder path or an s3:// address."""
        return self.storage_url or str(self.var / "storage")

    @property
    def public_url(self) -> str:
        """Base of absolute addresses, without a trailing slash."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def production(self) -> bool:
        """True when demo conveniences must be refused."""
        return self.app_env == "production"

    @property
    def second_factor(self) -> str:
        """`required` or `optional`: whether administrators and finance need a second factor."""
        return self.staff_second_factor or ("required" if self.production else "optional")

    @property
    def demo(self) -> bool:
        """True when demo data may be loaded and shown."""
        return self.app_env == "demo"


def _convert(raw: str, default: Any, name: str) -> Any:
    if isinstance(default, bool):
        word = raw.strip().lower()
        if word not in YES + NO:  # a mistyped "true" must not switch a protection off
            raise SettingsError(f"{name} must be true or false, got {raw!r}.")
        return word in YES
    if isinstance(default, int):
        try:
            number = int(raw)
        except ValueError:
            number = -1
        if number < 0:
            raise SettingsError(f"{name} must be a whole number, 0 or more, got {raw!r}.")
        return number
    return raw


@contextmanager
def _one_at_a_time(var: Path) -> Iterator[None]:
    """Hold VAR_DIR/secrets.lock; the kernel lets go of it when the process dies."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _known_secrets(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        known = None
    if not isinstance(known, dict):
        # New ones would make everything sealed under the old ones unreadable: never draw over it.
        raise SettingsError(f"{path} is damaged; restore it, or delete VAR_DIR to start afresh.")
    return known


def _local_secrets(var: Path) -> dict[str, str]:
    """Return this machine's own secrets, drawing and keeping them on first use (mode 600)."""
    path = var / "secrets.json"
    names = (*SECRET_NAMES, "SANDBOX_PAYMENT_SECRET")
    known = _known_secrets(path)
    if all(name in known for name in names):
        return known
    with _one_at_a_time(var):
        known = _known_secrets(path)
        for name in names:
            if name not in known:
                key = secrets.token_urlsafe(32)
                known[name] = f"k1:{key}" if name == "DATA_KEYS" else key
        draft = path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(known, indent=1))
        draft.replace(path)
    return known


def load_settings(environ: dict[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` win (used by tests).

    Outside production, missing secrets are drawn once and kept in VAR_DIR/secrets.json.
    Raises SettingsError with one sentence when a value cannot be used.
    """
    env = dict(os.environ if environ is None else environ)
    values: dict[str, Any] = {}
    for item in fields(Settings):
        raw = env.get(item.name.upper())
        if raw is not None and raw != "":
            values[item.name] = _convert(raw, item.default, item.name.upper())
    values.update(overrides)
    settings = Settings(**values)
    if settings.app_env not in MODES:  # "prod" would run with everything production refuses
        raise SettingsError(f"APP_ENV must be one of {', '.join(MODES)}, got {settings.app_env!r}.")
    if settings.second_factor not in SECOND_FACTOR:
        raise SettingsError("STAFF_SECOND_FACTOR must be required or optional.")
    if settings.production:
        refuse_demo_values(settings)
        return settings
    if settings.demo and settings.host not in ("127.0.0.1", "localhost", "::1"):
        raise SettingsError("The demo listens on loopback only: leave HOST alone or set APP_ENV.")
    local = _local_secrets(settings.var)
    for name, value in local.items():
        if not getattr(settings, name.lower()):
            values[name.lower()] = value
    return Settings(**values)


def refuse_demo_values(settings: Settings) -> None:
    """Raise SettingsError if a production system would run with anything meant for the demo."""
    for name in SECRET_NAMES:
        if not getattr(settings, name.lower()):
            raise SettingsError(f"APP_ENV=production needs {name}; see docs/settings.md.")
    drawn = _known_secrets(settings.var / "secrets.json")
    for name in SECRET_NAMES:
        value = getattr(settings, name.lower())
        if value == drawn.get(name):
            raise SettingsError(
                f"APP_ENV=production refuses the {name} that was drawn for the demo."
            )
        if len(value) < MIN_SECRET_LETTERS:
            raise SettingsError(
                f"{name} is too short: APP_ENV=production needs {MIN_SECRET_LETTERS} letters."
            )
    if "sandbox" in [p.strip() for p in settings.payment_providers.split(",")]:
        raise SettingsError(
            "APP_ENV=production refuses the sandbox payment provider; set PAYMENT_PROVIDERS."
        )
    if settings.second_factor != "required":
        raise SettingsError("APP_ENV=production refuses STAFF_SECOND_FACTOR=optional.")
    if settings.capture_code_provider == "demo":
        raise SettingsError(
            "APP_ENV=production refuses the demo capture-code issuer; set CAPTURE_CODE_PROVIDER."
        )
