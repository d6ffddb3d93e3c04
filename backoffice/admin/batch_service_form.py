"""The services and prices in the form of a batch: portrait, prints, and the school's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from wtforms import BooleanField, DecimalField, Form, HiddenField, StringField
from wtforms.validators import Length, ValidationError

from backoffice.admin.language import lazy, t
from backoffice.batches.plans import (
    MAX_PRICE_FEN,
    PORTRAIT,
    PORTRAIT_CODE,
    PRINTS,
    PRINTS_CODE,
    ServicePrice,
)
from backoffice.i18n import Text

SERVICE_CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")
EXTRAS = 3  # services of the school's own beside portrait and prints


class YuanField(DecimalField):
    """An amount; empty is no amount and no mistake yet."""

    def process_formdata(self, valuelist: Any) -> None:
        """Read what was typed."""
        super().process_formdata([value for value in valuelist if value.strip()])


class ServiceForm(Form):
    """One service of the batch. The portrait is always offered and always required."""

    code = HiddenField()
    offered = BooleanField(lazy("提供", "Offered"))
    name_zh = StringField(lazy("名称", "Name"), [Length(max=40)])
    name_en = StringField(lazy("英文名称", "English name"), [Length(max=40)])
    yuan = YuanField(lazy("价格（元）", "Price (yuan)"), places=2)
    required = BooleanField(lazy("必选", "Required"))

    def validate_code(self, field: HiddenField) -> None:
        """The code comes back as the page had it."""
        if not SERVICE_CODE.fullmatch(field.data or ""):
            raise ValidationError(t("请刷新页面后重试。", "Reload the page and try again."))

    def validate_yuan(self, field: DecimalField) -> None:
        """A service that is offered has a price in whole fen."""
        if not self.is_offered:
            return
        if field.data is None:
            raise ValidationError(t("请填写价格。", "Give a price."))
        if not 0 <= field.data * 100 <= MAX_PRICE_FEN:
            most = MAX_PRICE_FEN // 100
            raise ValidationError(t(f"应在 0 到 {most} 之间。", f"Must be from 0 to {most}."))
        if field.data * 100 != int(field.data * 100):
            raise ValidationError(t("最多两位小数。", "At most two decimals."))

    def validate_name_zh(self, field: StringField) -> None:
        """A service that is offered has a name."""
        if self.is_offered and not (field.data or "").strip():
            raise ValidationError(t("请填写名称。", "Give a name."))

    @property
    def is_offered(self) -> bool:
        """True for the portrait, and for what is ticked."""
        return self.code.data == PORTRAIT_CODE or bool(self.offered.data)

    def price(self) -> ServicePrice:
        """Return the row as the domain wants it."""
        zh = self.name_zh.data.strip()
        name = Text(zh, (self.name_en.data or "").strip() or zh)
        required = self.code.data == PORTRAIT_CODE or bool(self.required.data)
        return ServicePrice(self.code.data, name, int(self.yuan.data * 100), required)


def service_values(services: Sequence[ServicePrice]) -> list[dict[str, Any]]:
    """Return portrait, prints and the school's own services, with empty rows for more."""
    known = {service.code: service for service in services}
    own = [code for code in known if code not in (PORTRAIT_CODE, PRINTS_CODE)]
    free = (f"extra{number}" for number in range(1, 20) if f"extra{number}" not in known)
    codes = [PORTRAIT_CODE, PRINTS_CODE, *own]
    codes += [next(free) for _ in range(EXTRAS - len(own))]
    usual = {PORTRAIT_CODE: PORTRAIT, PRINTS_CODE: PRINTS}
    return [_service_row(code, known.get(code), usual.get(code, Text("", ""))) for code in codes]


def _service_row(code: str, service: ServicePrice | None, name: Text) -> dict[str, Any]:
    if service is None:
        return {"code": code, "offered": False, "name_zh": name.zh, "name_en": name.en}
    return {
        "code": code,
        "offered": True,
        "name_zh": service.name.zh,
        "name_en": service.name.en,
        "yuan": Decimal(service.price_fen) / 100,
        "required": service.required,
    }
