"""Examples of the documentation: built from the models, so that none can be missing or wrong.

A field's example is looked up by `Model.field`, then by `field`; words of a closed list show
their first. Tests build every example and validate it by its own model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from backoffice.accounts import errors as accounts
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.identity import errors as identity
from backoffice.identity.documents import BAD_BIRTH_DATE, BAD_CHECK, FORMAT_ADVICE, MISSING, IdType
from backoffice.orders import errors as orders
from student_api.errors import MethodNotAllowed, RequestInvalid, TooManyRequests
from student_api.field_messages import TEXTS

AN_ID = "0198b0f2-5d3c-7a11-9c55-3f1f6f0f4f10"
ANOTHER_ID = "0198b0f2-5d3c-7a11-9c55-3f1f6f0f4f27"
A_TOKEN = "bXl0b2tlbi1hbmQtbm9ib2R5LWVsc2Vz"  # noqa: S105 an example
A_TIME = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
A_FILE = "https://photos.example.edu.cn/api/v1/files/cGhvdG9z.1795250000.0f3c"
A_VERSION = "2026-11-01"
CODE_TEXT = "GPC1.eyJhbGciOiJkaXIi..0123456789ab.c2VhbGVk"
MISSING_EXAMPLE = "add an example to student_api/examples.py"

EXAMPLES: dict[str, Any] = {
    "access_token": A_TOKEN,
    "refresh_token": f"{A_TOKEN}-refresh",
    "expires_in": 7200,
    "id": AN_ID,
    "order_id": AN_ID,
    "enrolment_id": ANOTHER_ID,
    "photo_id": ANOTHER_ID,
    "address_id": ANOTHER_ID,
    "parent_id": None,
    "next_cursor": None,
    "id_number": "310***********6629",
    "RegisterRequest.id_number": "E12345678",
    "RegisterRequest.id_type": "passport",
    "IdentityRequest.id_number": "E12345678",
    "IdentityRequest.id_type": "passport",
    "UnlistedRequest.id_number": "E12345678",
    "UnlistedRequest.id_type": "passport",
    "StudentAnswer.id_type": "resident_id",
    "IdCardAnswer.id_number": "11010519491231002X",
    "name": "吴小兰",
    "name_masked": "吴*兰",
    "SchoolAnswer.name": "第一大学",
    "school_name": "第一大学",
    "BatchAnswer.name": "2027届毕业生图像采集",
    "ServiceAnswer.name": "图像采集",
    "ItemAnswer.name": "图像采集",
    "phone": "+8613812345678",
    "email": "lan@example.com",
    "gender": "female",
    "locale": "zh",
    "password": "correct horse battery",
    "current_password": "45678X",
    "new_password": "correct horse battery",
    "login": "13812345678",
    "WechatRequest.code": "0a3xB1ll2kR9",
    "ConnectRequest.code": "0a3xB1ll2kR9",
    "phone_code": "7c1dE5nn8mQ2",
    "terms": A_VERSION,
    "privacy": A_VERSION,
    "portrait": A_VERSION,
    "ConsentAnswer.version": A_VERSION,
    "GivenConsentAnswer.version": A_VERSION,
    "ConsentAnswer.title": "肖像采集同意书",
    "GuideAnswer.title": "拍摄指南",
    "LayoutAnswer.title": "1寸×8 + 2寸×4",
    "GuideAnswer.kind": "shooting",
    "body": "请选择纯色的墙面作为背景。",
    "in_force": True,
    "must_change_password": False,
    "wechat": False,
    "erasure_requested_at": None,
    "feature_code": "Z3K8F7",
    "SchoolAnswer.code": "10001",
    "ServiceAnswer.code": "portrait",
    "ItemAnswer.code": "portrait",
    "CheckAnswer.code": "eye_line",
    "ReasonAnswer.code": "L01",
    "LayoutAnswer.code": "one8_two4",
    "school_code": "10001",
    "services": ["portrait", "prints"],
    "layouts": ["one8_two4", "two8"],
    "layout": "one8_two4",
    "delivery_methods": ["digital", "school", "courier"],
    "standard": "chsi-degree-blue",
    "standard_version": 1,
    "standard_title": "学历证书电子注册图像（蓝底）",
    "max_attempts": 10,
    "unpaid_minutes": 30,
    "requires_capture_code": True,
    "allow_album": True,
    "allow_unlisted": False,
    "required": True,
    "price_fen": 2000,
    "unit_price_fen": 2000,
    "amount_fen": 2000,
    "quantity": 1,
    "copies": 1,
    "opens_at": A_TIME,
    "closes_at": A_TIME.replace(month=12),
    "expires_at": A_TIME.replace(hour=9),
    "created_at": A_TIME,
    "given_at": A_TIME,
    "confirmed_at": A_TIME,
    "requested_at": A_TIME,
    "decided_at": A_TIME,
    "shipped_at": A_TIME,
    "received_at": None,
    "at": A_TIME,
    "birth_date": "2004-09-15",
    "id_last4": "6629",
    "capture_code": CODE_TEXT,
    "CaptureCodeAnswer.text": CODE_TEXT,
    "CaptureCodeAnswer.serial": "2023000017",
    "id_masked": "310***********6629",
    "student_no": "2023000017",
    "level": "本科",
    "study_form": "普通全日制",
    "college": "计算机学院",
    "major": "软件工程",
    "class_name": "软工2301",
    "prefilled": True,
    "EnrolmentRequestAnswer.changes": {"major": "软件工程"},
    "answer": "已更正。",
    "note": "光线偏暗，请到窗边重拍。",
    "CorrectionRequest.note": "专业名称写错了。",
    "EnrolmentRequestAnswer.note": "专业名称写错了。",
    "ContestRequest.note": "不是我本人绑定的。",
    "RefundRequest.note": "重复下单。",
    "remark": "请在工作日送达。",
    "recipient": "吴小兰",
    "province": "上海市",
    "city": "上海市",
    "district": "杨浦区",
    "detail": "邯郸路220号",
    "postcode": "200433",
    "IdCardAnswer.address": "上海市杨浦区邯郸路220号",
    "is_default": True,
    "number": "GP20261121K7M2Q9XZ",
    "OrderAnswer.kind": "capture",
    "OrderAnswer.state": "rejected",
    "state_label": "审核不通过",
    "OrderAnswer.version": 3,
    "version": 3,
    "currency": "CNY",
    "allowed_actions": ["upload_photo", "request_refund"],
    "sequence": 3,
    "after": 3,
    "transition": "reject",
    "from": "pending_review",
    "to": "rejected",
    "EventAnswer.actor": "staff",
    "EventAnswer.reasons": ["L01"],
    "provider": "sandbox",
    "pay_url": "https://photos.example.edu.cn/sandbox/pay/0198b0f2",
    "client_params": None,
    "source": "camera",
    "attempt": 1,
    "PhotoAnswer.status": "passed",
    "OrderPhotoAnswer.status": "passed",
    "passed": True,
    "value": 252,
    "limits": [200, 300],
    "severity": "refuse",
    "CheckAnswer.advice": "请保持双眼水平。",
    "rejection_code": "Q02",
    "failure_code": None,
    "preview_url": A_FILE,
    "original_url": A_FILE,
    "message": "过暗或过曝",
    "advice": "请在光线均匀处重拍。",
    "carrier": "顺丰",
    "tracking_no": "SF1234567890",
    "offset": 1048576,
    "total_bytes": 3145728,
    "part_min_bytes": 65536,
    "part_max_bytes": 4194304,
    "personal_token": "k3Jq0Zt8mXw5",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "UploadStateAnswer.photo_id": None,
    "confidence": 0.98,
    "valid_checksum": True,
    "subject": "照片什么时候寄出？",
}
# What the texts of errors are filled with.
PARAMS: dict[str, Any] = {
    "minutes": 12,
    "megabytes": 20,
    "limit": 10,
    "width": 240,
    "height": 320,
    "known": "one8_two4, two8",
    "wanted": "application/json",
    "offset": 1048576,
    "least": 64,
    "actual": 4,
    "expected": 3,
    "state_zh": "待支付",
    "state_en": "Awaiting payment",
    "transition_zh": "提交审核",
    "transition_en": "Submit for review",
}
SAMPLES: dict[type[BackofficeError], Callable[[], BackofficeError]] = {
    RequestInvalid: lambda: RequestInvalid([("phone", TEXTS["missing"], {})]),
    TooManyRequests: lambda: TooManyRequests(720),
    MethodNotAllowed: lambda: MethodNotAllowed(["GET", "POST"]),
    accounts.ConsentRequired: lambda: accounts.ConsentRequired("portrait"),
    accounts.ConsentOutdated: lambda: accounts.ConsentOutdated("privacy", A_VERSION),
    accounts.PasswordUnsuitable: lambda: accounts.PasswordUnsuitable(
        "new_password",
        Text("密码至少 8 个字符。", "The password needs at least 8 characters."),
    ),
    identity.IdNumberMissing: lambda: identity.IdNumberMissing(MISSING),
    identity.IdNumberFormat: lambda: identity.IdNumberFormat(FORMAT_ADVICE[IdType.RESIDENT_ID]),
    identity.IdNumberBirthDate: lambda: identity.IdNumberBirthDate(BAD_BIRTH_DATE),
    identity.IdNumberCheckDigit: lambda: identity.IdNumberCheckDigit(BAD_CHECK),
    orders.DeliveryNotOffered: lambda: orders.DeliveryNotOffered("school, digital"),
    orders.LayoutNotOffered: lambda: orders.LayoutNotOffered("one8_two4, two8"),
}


def example_for(model: type[BaseModel], mode: Any) -> dict[str, Any]:
    """Return an example of a request (`validation`) or an answer (`serialization`).

    A field without one says MISSING_EXAMPLE, which a test looks for.
    """
    schema = model.model_json_schema(mode=mode)
    found = _of_object(schema, schema.get("$defs", {}), model.__name__)
    assert isinstance(found, dict), "models are objects"
    return found


def sample_of(kind: type[BackofficeError]) -> BackofficeError:
    """Return an error of this kind as it may happen."""
    if kind in SAMPLES:
        return SAMPLES[kind]()
    if issubclass(kind, InvalidInput):
        return kind()  # type: ignore[call-arg]  # kinds that take arguments are in SAMPLES
    texts = "".join((*kind.title, *kind.detail))
    return kind(**{name: PARAMS[name] for name in re.findall(r"\{(\w+)\}", texts)})


def _of_object(schema: dict[str, Any], definitions: dict[str, Any], model: str) -> Any:
    return {
        name: _of_field(model, name, value, definitions)
        for name, value in schema.get("properties", {}).items()
    }


def _of_field(model: str, name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    for key in (f"{model}.{name}", name):
        if key in EXAMPLES and not _is_nested(schema):
            value = EXAMPLES[key]
            return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
    return _of_schema(model, name, schema, definitions)


def _is_nested(schema: dict[str, Any]) -> bool:
    """Whether the field holds other models, which have examples of their own."""
    options = [*schema.get("anyOf", [schema]), schema.get("items", {})]
    return any("$ref" in option or "$ref" in option.get("items", {}) for option in options)


def _of_schema(model: str, name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in schema:
        inner = schema["$ref"].rsplit("/", 1)[1]
        return _of_object(definitions[inner], definitions, inner)
    if "anyOf" in schema:
        option = next(o for o in schema["anyOf"] if o.get("type") != "null")
        return _of_schema(model, name, option, definitions)
    for word in ("const", "enum"):
        if word in schema:
            return schema[word][0] if word == "enum" else schema[word]
    if schema.get("type") == "array":
        return [_of_schema(model, name, schema["items"], definitions)]
    return MISSING_EXAMPLE
