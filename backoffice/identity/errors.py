"""Why a number, a phone or a name is refused, with what to do about it."""

from __future__ import annotations

from backoffice.errors import InvalidInput
from backoffice.i18n import Text


class InvalidIdNumber(InvalidInput):
    """The ID number breaks a rule of its document type; `reason` says which."""

    code = "id_number_invalid"
    title = Text("证件号码有误", "Invalid ID number")

    def __init__(self, reason: Text, field: str = "id_number") -> None:
        super().__init__(field, reason)


class IdNumberMissing(InvalidIdNumber):
    """Nothing was entered."""

    code = "id_number_missing"


class IdNumberFormat(InvalidIdNumber):
    """The number has not the shape of its document type."""

    code = "id_number_format"


class IdNumberBirthDate(InvalidIdNumber):
    """The eight digits of the birth date are no day, or a day still to come."""

    code = "id_number_birth_date"


class IdNumberCheckDigit(InvalidIdNumber):
    """The check character does not belong to the other digits: something was mistyped."""

    code = "id_number_check_digit"


class UnknownIdType(InvalidInput):
    """The document type is none of those we take."""

    code = "id_type_unknown"
    title = Text("证件类型有误", "Unknown ID type")

    def __init__(self) -> None:
        super().__init__(
            "id_type",
            Text(
                "证件类型只能是：居民身份证（含居住证）、港澳通行证、台胞证、护照、"
                "外国人永久居留身份证、香港身份证。",
                "The ID type must be one of: resident ID (or residence permit), HK/Macau permit, "
                "Taiwan permit, passport, foreign permanent resident ID, Hong Kong ID.",
            ),
        )


class InvalidPhone(InvalidInput):
    """The text is no phone number that can receive a message."""

    code = "phone_invalid"
    title = Text("手机号码有误", "Invalid phone number")

    def __init__(self) -> None:
        super().__init__(
            "phone",
            Text(
                "请填写 11 位中国大陆手机号；其他地区的号码请以“+国家（地区）代码”开头。",
                "Enter an 11-digit mainland mobile number; start any other number with "
                "+ and its country code.",
            ),
        )
