"""WeChat's server API, as far as one-click sign-in needs it: who it is, and the phone number.

code2session: GET /sns/jscode2session. Phone: POST /wxa/business/getuserphonenumber, which needs
an access token of the mini-program (POST /cgi-bin/stable_token). All answer 200; `errcode` tells.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from backoffice.accounts.errors import (
    WechatCodeInvalid,
    WechatNotOffered,
    WechatRefused,
    WechatUnavailable,
)
from backoffice.errors import BackofficeError
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.phones import normalise_phone
from backoffice.settings import Settings

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
TOKEN_ERRORS = (40001, 40014, 42001)  # the access token is wrong or over: fetch another, once
TOKEN_SPARE_SECONDS = 300
ERRORS: dict[int, type[BackofficeError]] = {
    40029: WechatCodeInvalid,  # unknown or expired code
    40163: WechatCodeInvalid,  # code used before
    41008: WechatCodeInvalid,  # no code
    40226: WechatRefused,  # user WeChat holds to be a risk
}


@dataclass
class Wechat:
    """A client of one mini-program. `transport` is for tests without a network."""

    base_url: str
    app_id: str
    secret: str = field(repr=False)
    transport: httpx.BaseTransport | None = None

    def openid_of(self, code: str) -> str:
        """Return the openid of a `wx.login` code, which works once and for five minutes.

        The session key is not kept: nothing here decrypts WeChat's data with it. Raises
        WechatCodeInvalid, WechatRefused, WechatUnavailable.
        """
        answer = self._ask(
            "GET",
            "/sns/jscode2session",
            params={
                "appid": self.app_id,
                "secret": self.secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
        )
        self._check(answer)
        openid = answer.get("openid")
        if not isinstance(openid, str) or not openid:
            raise WechatUnavailable()
        return openid

    def phone_of(self, phone_code: str) -> str:
        """Return the phone (E.164) of a `getPhoneNumber` code, which works once.

        Raises as `openid_of`; InvalidPhone for a number that cannot receive messages.
        """
        answer = self._phone_answer(phone_code, _TOKENS.get(self))
        if answer.get("errcode") in TOKEN_ERRORS:
            answer = self._phone_answer(phone_code, _TOKENS.get(self, fresh=True))
        self._check(answer)
        info = answer.get("phone_info")
        if not isinstance(info, dict):
            raise WechatUnavailable()
        number, country = info.get("purePhoneNumber"), info.get("countryCode")
        if not number or not country:
            raise InvalidPhone
        return normalise_phone(f"+{country}{number}")

    def access_token(self, *, fresh: bool = False) -> str:
        """Return this process's access token; `fresh` when WeChat has refused the present one."""
        return _TOKENS.get(self, fresh=fresh)

    def fetch_access_token(self, *, fresh: bool) -> tuple[str, int]:
        """Return an access token and its life in seconds. `fresh` throws the present one away."""
        answer = self._ask(
            "POST",
            "/cgi-bin/stable_token",
            json={
                "grant_type": "client_credential",
                "appid": self.app_id,
                "secret": self.secret,
                "force_refresh": fresh,
            },
        )
        self._check(answer)
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(life, int):
            raise WechatUnavailable()
        return token, life

    def _phone_answer(self, phone_code: str, token: str) -> dict[str, Any]:
        return self._ask(
            "POST",
            "/wxa/business/getuserphonenumber",
            params={"access_token": token},
            json={"code": phone_code},
        )

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            with httpx.Client(
                base_url=self.base_url, timeout=TIMEOUT, transport=self.transport
            ) as client:
                answer = client.request(method, path, **options)
            # the content type is text/plain at times, so it is not looked at
            body = answer.json() if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            # secret and code are in the address: they must not reach a log through the chain
            raise WechatUnavailable() from None
        if not isinstance(body, dict):
            raise WechatUnavailable()
        return body

    @staticmethod
    def _check(answer: dict[str, Any]) -> None:
        code = answer.get("errcode", 0)
        if code:
            raise ERRORS.get(code, WechatUnavailable)()


class _Tokens:
    """Access tokens of this process. WeChat gives every process the same stable token."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.Lock()

    def get(self, client: Wechat, *, fresh: bool = False) -> str:
        """Return a token good for some minutes; fetched when there is none."""
        name = (client.base_url, client.app_id)
        with self._lock:
            token, until = self._known.get(name, ("", 0.0))
            if fresh or time.monotonic() >= until:
                token, life = client.fetch_access_token(fresh=fresh)
                self._known[name] = (token, time.monotonic() + life - TOKEN_SPARE_SECONDS)
            return token


_TOKENS = _Tokens()


def wechat_for(settings: Settings) -> Wechat:
    """Return the configured mini-program's client. Raises WechatNotOffered when there is none."""
    if not settings.wechat_app_id or not settings.wechat_app_secret:
        raise WechatNotOffered()
    return Wechat(settings.wechat_base_url, settings.wechat_app_id, settings.wechat_app_secret)
