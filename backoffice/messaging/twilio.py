"""SMS through Twilio's SDK. TWILIO_BASE_URL points it at a stand-in that speaks the same REST."""

from __future__ import annotations

import logging
from typing import Any

import requests
from twilio.base.exceptions import (  # type: ignore[import-untyped]
    TwilioException,
    TwilioRestException,
)
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from backoffice.messaging.messages import MaybeSent, NotSent, Sms
from backoffice.settings import Settings, SettingsError

TWILIO_API = "https://api.twilio.com"
STATUS_PATH = "/webhooks/twilio/status"
TIMEOUT_SECONDS = 15
TOO_MANY = 429

# The SDK logs requests, numbers and texts included.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)


class _HttpClient(TwilioHttpClient):
    """The SDK's HTTP client; only the host of the addresses may be another one."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Any:
        """Send one request, to the stand-in if there is one."""
        if self._base_url and url.startswith(TWILIO_API):
            url = self._base_url + url[len(TWILIO_API) :]
        return super().request(method, url, *arguments, **named)


class TwilioSms:
    """Sends through Twilio; delivery states come back to STATUS_PATH."""

    name = "twilio"

    def __init__(self, settings: Settings) -> None:
        needed = (settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_from)
        if not all(needed):
            raise SettingsError(
                "SMS_PROVIDER=twilio needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM."
            )
        self._client = Client(
            settings.twilio_account_sid,
            settings.twilio_auth_token,
            http_client=_HttpClient(settings.twilio_base_url),
        )
        service = settings.twilio_from.startswith("MG")
        self._sender = {
            "messaging_service_sid" if service else "from_": settings.twilio_from,
            "status_callback": f"{settings.public_url}{STATUS_PATH}",
        }

    def send(self, sms: Sms) -> str:
        """Send one SMS and return its SID. Raises NotSent or MaybeSent."""
        try:
            sent = self._client.messages.create(to=sms.to, body=sms.text, **self._sender)
        except TwilioRestException as error:
            code = f"twilio_{error.code or error.status}"
            if error.status >= 500:
                raise MaybeSent(code) from None
            raise NotSent(code, permanent=error.status != TOO_MANY) from None
        except requests.exceptions.ConnectTimeout:
            raise NotSent("twilio_unreachable", permanent=False) from None
        except requests.exceptions.ConnectionError as error:
            if "Failed to establish a new connection" in str(error):
                raise NotSent("twilio_unreachable", permanent=False) from None
            raise MaybeSent("twilio_broken") from None
        except (requests.exceptions.RequestException, TwilioException):
            raise MaybeSent("twilio_broken") from None
        if not sent.sid:
            raise MaybeSent("twilio_no_sid")
        return str(sent.sid)
