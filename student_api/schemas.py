"""The words request and answer models are made of."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import PydanticCustomError


class Request(BaseModel):
    """Base of every body: unknown fields are refused, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(extra="forbid")


class Empty(Request):
    """No fields."""


def _no_controls(text: str) -> str:
    """PostgreSQL takes no NUL, and nobody types the others."""
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise PydanticCustomError("control_characters", "control characters")
    return text


def _no_controls_but_lines(text: str) -> str:
    _no_controls(text.replace("\n", "").replace("\r", "").replace("\t", ""))
    return text


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "not an e-mail address") from None


_ONE_LINE = AfterValidator(_no_controls)


def _long(max_length: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=max_length)


# The same rules as a pattern, for the description: no control characters, not only spaces.
_ONE_LINE_PATTERN = Field(
    json_schema_extra={
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u001f\u007f-\u009f\s]"
        r"[^\u0000-\u001f\u007f-\u009f]*$"
    }
)
_LINES_PATTERN = Field(
    json_schema_extra={
        "pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*"
        r"[^\u0000-\u001f\u007f-\u009f\s]"
        r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
    }
)

# One line of text, at most so many characters.
Line12 = Annotated[str, _long(12), _ONE_LINE, _ONE_LINE_PATTERN]
Line20 = Annotated[str, _long(20), _ONE_LINE, _ONE_LINE_PATTERN]
Line40 = Annotated[str, _long(40), _ONE_LINE, _ONE_LINE_PATTERN]
Line60 = Annotated[str, _long(60), _ONE_LINE, _ONE_LINE_PATTERN]
Line100 = Annotated[str, _long(100), _ONE_LINE, _ONE_LINE_PATTERN]
Line200 = Annotated[str, _long(200), _ONE_LINE, _ONE_LINE_PATTERN]
# Text that may have several lines.
Note = Annotated[str, _long(500), AfterValidator(_no_controls_but_lines), _LINES_PATTERN]
LongText = Annotated[str, _long(2000), AfterValidator(_no_controls_but_lines), _LINES_PATTERN]


def rfc3339(moment: datetime) -> str:
    """Return UTC with a Z, whole milliseconds kept only where there are any."""
    stamp = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return stamp.replace(".000Z", "Z")


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_no_controls),
    Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"}),
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
CaptureCodeText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2900)]
Gender = Literal["male", "female"]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 5.0 is the integer 5 (JSON Schema, section 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# For Annotated[int, Field(…), AS_WHOLE].
AS_WHOLE = BeforeValidator(_whole)
Fen = Annotated[int, Field(description="whole fen (1/100 yuan), CNY")]
IdTypeName = Literal[
    "resident_id", "hk_macau_permit", "taiwan_permit", "passport", "foreign_pr", "hk_id"
]
