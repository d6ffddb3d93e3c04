"""pydantic's findings in plain Chinese and English; values a person typed are never repeated."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from backoffice.i18n import Text
from student_api.errors import RequestInvalid

OTHER = Text("填写的内容不正确。", "This value is not acceptable.")
TEXTS: dict[str, Text] = {
    "missing": Text("必填。", "This field is required."),
    "extra_forbidden": Text("没有这个字段。", "There is no such field."),
    "string_type": Text("应为文字。", "Must be text."),
    "string_too_short": Text("至少 {min_length} 个字符。", "At least {min_length} characters."),
    "string_too_long": Text("最多 {max_length} 个字符。", "At most {max_length} characters."),
    "string_pattern_mismatch": Text("格式不正确。", "The format is not right."),
    "string_unicode": Text("含有无法识别的字符。", "Contains unreadable characters."),
    "control_characters": Text("不能包含控制字符。", "Control characters are not allowed."),
    "email": Text("请填写有效的电子邮箱。", "Enter a valid e-mail address."),
    "int_type": Text("应为整数。", "Must be a whole number."),
    "int_parsing": Text("应为整数。", "Must be a whole number."),
    "int_from_float": Text("应为整数。", "Must be a whole number."),
    "bool_type": Text("应为 true 或 false。", "Must be true or false."),
    "list_type": Text("应为列表。", "Must be a list."),
    "dict_type": Text("应为对象。", "Must be an object."),
    "model_type": Text("应为对象。", "Must be an object."),
    "model_attributes_type": Text("应为对象。", "Must be an object."),
    "too_long": Text("最多 {max_length} 项。", "At most {max_length} items."),
    "too_short": Text("至少 {min_length} 项。", "At least {min_length} items."),
    "greater_than_equal": Text("不能小于 {ge}。", "Must be {ge} or more."),
    "less_than_equal": Text("不能大于 {le}。", "Must be {le} or less."),
    "literal_error": Text("只能是：{expected}。", "Must be one of: {expected}."),
    "enum": Text("只能是：{expected}。", "Must be one of: {expected}."),
    "uuid_parsing": Text("编号无效。", "Not a valid id."),
    "uuid_type": Text("编号无效。", "Not a valid id."),
    "date_from_datetime_parsing": Text("应为日期，如 2003-09-15。", "Must be a date."),
    "date_parsing": Text("应为日期，如 2003-09-15。", "Must be a date: 2003-09-15."),
    "date_type": Text("应为日期，如 2003-09-15。", "Must be a date: 2003-09-15."),
    "file_missing": Text("请选择图片文件。", "A picture file is required."),
}
SAFE_PARAMS = ("min_length", "max_length", "ge", "le", "expected")


def request_invalid(error: ValidationError) -> RequestInvalid:
    """Return our error for a pydantic one: field paths like `delivery.method`, no input values."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        context = item.get("ctx") or {}
        params: dict[str, Any] = {k: context[k] for k in SAFE_PARAMS if k in context}
        # a name the client invented may be anything, so it is cut
        path = ".".join(str(part)[:60] for part in item["loc"]) or "body"
        text = TEXTS.get(item["type"], OTHER)
        if "{expected}" in text.zh:
            params["expected"] = _listed(str(params.get("expected", "")))
        found.append((path, text, params))
    return RequestInvalid(found)


def _listed(expected: str) -> str:
    """'a', 'b' or 'c' -> a, b, c."""
    return expected.replace(" or ", ", ").replace("'", "")


def one_field(name: str, kind: str) -> RequestInvalid:
    """Return the error for a single field found wrong outside pydantic."""
    return RequestInvalid([(name, TEXTS[kind], {})])
