"""The mini-program code of a batch (小程序码), where a mini-program is configured.

WeChat draws it: POST /wxa/getwxacodeunlimit with the scene `b=<feature code>` (at most 32
characters), for a page of the mini-program. The answer is the picture, or JSON with an errcode.
"""

from __future__ import annotations

from typing import Any

import httpx

from backoffice.accounts.errors import WechatUnavailable
from backoffice.accounts.wechat import TIMEOUT, TOKEN_ERRORS, Wechat, wechat_for
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.settings import Settings

PATH = "/wxa/getwxacodeunlimit"
WIDTH = 1280  # pixels, the most WeChat draws: enough for a poster
SCENE_MAX = 32
PICTURES = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}


class MiniProgramCodeRefused(BackofficeError):
    """WeChat will not draw it: the page, the scene or the quota."""

    code = "mini_program_code_refused"
    title = Text("未能生成小程序码", "No mini-program code")
    detail = Text(
        "微信拒绝生成小程序码（错误码 {errcode}），请检查 WECHAT_CODE_PAGE 是否为已发布的页面。",
        "WeChat refused to draw the code (errcode {errcode}); check that WECHAT_CODE_PAGE is a"
        " published page.",
    )


def offers_mini_program_codes(settings: Settings) -> bool:
    """Return whether a mini-program and its page are configured."""
    return bool(settings.wechat_app_id and settings.wechat_app_secret and settings.wechat_code_page)


def mini_program_code(settings: Settings, feature_code: str) -> tuple[bytes, str]:
    """Return the picture and its file ending (jpg, png).

    Raises WechatNotOffered, WechatUnavailable, MiniProgramCodeRefused.
    """
    client = wechat_for(settings)
    scene = f"b={feature_code}"
    assert len(scene) <= SCENE_MAX
    wish = {
        "scene": scene,
        "page": settings.wechat_code_page,
        "env_version": settings.wechat_code_env,
        "check_path": settings.wechat_code_env == "release",
        "width": WIDTH,
    }
    answer = _ask(client, client.access_token(), wish)
    if isinstance(answer, dict) and answer.get("errcode") in TOKEN_ERRORS:
        answer = _ask(client, client.access_token(fresh=True), wish)
    if isinstance(answer, dict):
        raise MiniProgramCodeRefused(errcode=answer.get("errcode"))
    ending = next((name for start, name in PICTURES.items() if answer.startswith(start)), None)
    if ending is None:
        raise WechatUnavailable()
    return answer, ending


def _ask(client: Wechat, token: str, wish: dict[str, Any]) -> bytes | dict[str, Any]:
    """Return the picture, or WeChat's error. Raises WechatUnavailable."""
    try:
        with httpx.Client(
            base_url=client.base_url, timeout=TIMEOUT, transport=client.transport
        ) as http:
            answer = http.post(PATH, params={"access_token": token}, json=wish)
            if answer.status_code != httpx.codes.OK:
                raise WechatUnavailable()
            if not answer.content.lstrip().startswith(b"{"):  # the content type is not reliable
                return answer.content
            body = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        # the token is in the address: it must not reach a log through the chain
        raise WechatUnavailable() from None
    if not isinstance(body, dict) or not isinstance(body.get("errcode"), int):
        raise WechatUnavailable()
    return body
