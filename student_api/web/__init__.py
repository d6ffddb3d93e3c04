"""The mobile page /s/{feature_code}: where the batch's QR code leads.

The first screen is rendered here, so that it reads without JavaScript and on the slowest network;
the journey itself is `static/app/`, ES modules over the student API.
"""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template, request
from markdown_it import MarkdownIt

from backoffice.batches.operations import BatchNotFound, find_batch
from backoffice.batches.personal_tokens import PersonalTokenInvalid, read_personal_token
from backoffice.db import db
from backoffice.enrolments.windows import batch_phase
from backoffice.i18n import Text, pick_locale
from backoffice.models import Batch, Enrolment
from backoffice.payments.registry import FREE, provider_names
from backoffice.services import services
from student_api.guides import guide
from student_api.web.assets import asset, asset_url, module_names
from student_api.web.face_network import face_model, face_model_url

pages = Blueprint(
    "student_pages",
    __name__,
    url_prefix="/s",
    template_folder="templates",
)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "script-src 'self'; worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
MAX_CODE = 20
LANGUAGE_COOKIE = "page_language"
YEAR = 365 * 24 * 3600
WORDS: dict[str, Text] = {
    "title": Text("学历图像采集", "Portrait collection"),
    "open": Text("采集中", "Open"),
    "upcoming": Text("未开始", "Not yet open"),
    "closed": Text("已结束", "Closed"),
    "window": Text("采集时间", "Dates"),
    "to": Text("至", "to"),
    "code": Text("特征码", "Feature code"),
    "for": Text("采集对象", "For"),
    "graduate": Text("毕业生", "Graduates"),
    "freshman": Text("新生", "New students"),
    "mode": Text("流程", "Order of steps"),
    "pay_first": Text("先付款，后拍照", "Pay, then take the photo"),
    "photo_first": Text("先拍照，后付款", "Take the photo, then pay"),
    "fees": Text("费用", "Fees"),
    "free": Text("免费", "free"),
    "required": Text("必选", "included"),
    "delivery": Text("取件方式", "Delivery"),
    "digital": Text("电子版", "digital"),
    "school": Text("学校领取", "at school"),
    "courier": Text("快递到家", "courier"),
    "steps": Text("三步完成", "Three steps"),
    "step1": Text("确认身份", "Confirm who you are"),
    "step1_code": Text(
        "注册登录，输入证件号码后四位，扫描学信网图像采集码。",
        "Sign in, enter the last four of your ID number, scan your CHSI capture code.",
    ),
    "step1_plain": Text(
        "注册登录，输入证件号码后四位，核对学籍信息。",
        "Sign in, enter the last four of your ID number, check your data.",
    ),
    "step2_pay_first": Text("下单付款", "Order and pay"),
    "step2_photo_first": Text("下单拍照", "Order and take the photo"),
    "step2_pay_first_text": Text(
        "选择服务和取件方式，{minutes} 分钟内完成付款。",
        "Choose services and delivery, and pay within {minutes} minutes.",
    ),
    "step2_photo_first_text": Text(
        "选择服务和取件方式，用手机拍照，系统立即检测。",
        "Choose services and delivery, take the photo; it is checked at once.",
    ),
    "step3_pay_first": Text("拍照提交", "Take the photo"),
    "step3_photo_first": Text("付款提交", "Pay"),
    "step3_pay_first_text": Text(
        "用手机拍照，系统立即检测，通过后提交人工审核。",
        "Take the photo; it is checked at once, then submitted for review.",
    ),
    "step3_photo_first_text": Text(
        "下单后 {minutes} 分钟内完成拍照和付款，照片随付款自动提交审核。",
        "Within {minutes} minutes of ordering; the photo then goes to review by itself.",
    ),
    "unknown_title": Text("没有找到这个批次", "No such batch"),
    "unknown_text": Text(
        "特征码可能输错了，请核对学校通知中的特征码，或重新扫描二维码。",
        "The feature code may be mistyped. Check your school's notice, or scan the QR code again.",
    ),
    "language": Text("English", "中文"),
    "skip": Text("跳到内容", "Skip to content"),
    "menu": Text("菜单", "Menu"),
    "need_script": Text(
        "请在微信、Safari 或 Chrome 中打开，并允许运行脚本。",
        "Please open this page in WeChat, Safari or Chrome, with scripts allowed.",
    ),
}


@pages.get("/<feature_code>")
def landing(feature_code: str) -> Response:
    """Show a batch, or kindly that there is none."""
    locale = _locale()
    try:
        if len(feature_code) > MAX_CODE or not feature_code.isprintable():
            raise BatchNotFound()
        batch = find_batch(db.session(), feature_code)
        if batch_phase(batch) == "draft":
            raise BatchNotFound()
    except BatchNotFound:
        return _page("unknown.html", locale, 404)
    return _page("landing.html", locale, 200, **_facts(batch, locale))


def _facts(batch: Batch, locale: str) -> dict[str, object]:
    zone = ZoneInfo(services().settings.timezone)
    settings = services().settings
    return {
        "batch": batch,
        "modules": module_names(),
        "face_model": face_model_url(),
        "owner": _owner(batch),
        "phase": batch_phase(batch),
        "provider": next(iter(provider_names(settings)), FREE),
        "opens": batch.opens_at.astimezone(zone),
        "closes": batch.closes_at.astimezone(zone),
        "guide": guide("capture-code", locale) if batch.requires_capture_code else None,
        "shooting": guide("shooting", locale),
    }


def _owner(batch: Batch) -> str | None:
    """Return what a personal QR code (`?p=`) says of its owner, as JSON; None without or if false.

    Both facts are printed beside the code; the name stays masked.
    """
    token = request.args.get("p")
    if not token:
        return None
    try:
        wanted = read_personal_token(services().settings, batch.feature_code, token)
    except PersonalTokenInvalid:
        return None
    enrolment = db.session.get(Enrolment, wanted)
    if enrolment is None or enrolment.batch_id != batch.id:
        return None
    return json.dumps({"name": enrolment.name_masked, "student_no": enrolment.student_no})


def _locale() -> str:
    """Return the language asked for now, chosen before on this device, or the browser's."""
    for asked in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in ("zh", "en"):
            return asked
    return pick_locale(request.headers.get("Accept-Language"))


def _page(template: str, locale: str, status: int, **facts: object) -> Response:
    def word(name: str, **params: object) -> str:
        return WORDS[name].get(locale, **params)

    page = render_template(
        template, word=word, locale=locale, markdown=_markdown, asset=asset_url, **facts
    )
    response = make_response(page, status)
    if request.args.get("lang") in ("zh", "en"):
        response.set_cookie(
            LANGUAGE_COOKIE, locale, max_age=YEAR, httponly=True, samesite="Lax", path="/s/"
        )
    response.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Language")
    return response


def _markdown(text: str) -> str:
    return str(MarkdownIt("js-default").render(text))


pages.add_url_rule("/assets/<version>/<path:name>", view_func=asset)
pages.add_url_rule("/models/<version>/faces.tflite", view_func=face_model)
