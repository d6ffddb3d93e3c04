"""The form of a photo standard: from a version to fields and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_admin.form import BaseForm
from wtforms import (
    BooleanField,
    ColorField,
    DecimalField,
    Field,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length, Optional, Regexp

from backoffice.admin.language import lazy, say
from backoffice.i18n import Text
from backoffice.photos.checks import KINDS
from backoffice.photos.standards import CHSI_BLUE, DEFAULT_LIMITS, Limit, Severity, Standard
from backoffice.photos.standards_differences import FIELDS, GLASSES, POLICIES, SEVERITIES
from backoffice.photos.standards_rules import NAME, problems

REQUIRED = [InputRequired()]
RANGES = ("preferred_bytes", "hair_top", "eye_line", "face_width")
HINTS: tuple[Severity, ...] = ("warn", "note")
NUMBER = re.compile(r"-?\d{1,7}(\.\d{1,4})?")
NO_NUMBER = Text("请填写数字，或留空。", "Enter a number or leave it empty.")


def _label(name: str) -> Any:
    return lazy(*FIELDS[name])


def _end(name: str, zh: str, en: str) -> Any:
    return lazy(f"{FIELDS[name].zh}：{zh}", f"{FIELDS[name].en}: {en}")


def _low(name: str) -> DecimalField:
    return DecimalField(_end(name, "从", "from"), REQUIRED, places=None)


def _high(name: str) -> DecimalField:
    return DecimalField(_end(name, "到", "to"), REQUIRED, places=None)


class StandardForm(BaseForm):
    """Everything but the limits per check, which are a table of their own."""

    name = StringField(
        lazy("名称", "Name"),
        [InputRequired(), Length(3, 40), Regexp(NAME)],
        description=lazy("小写字母、数字和连字符。", "Lower-case letters, digits, hyphens."),
    )
    title_zh = StringField(_label("title_zh"), [InputRequired(), Length(1, 100)])
    title_en = StringField(_label("title_en"), [InputRequired(), Length(1, 100)])
    source = StringField(_label("source"), [Optional(), Length(max=200)])
    width = IntegerField(_label("width"), REQUIRED)
    height = IntegerField(_label("height"), REQUIRED)
    dpi = IntegerField(_label("dpi"), REQUIRED)
    background = ColorField(
        lazy("背景色", "Background"), [InputRequired(), Regexp(r"^#[0-9a-fA-F]{6}$")]
    )
    background_policy = SelectField(
        _label("background_policy"), choices=lambda: [(k, say(v)) for k, v in POLICIES.items()]
    )
    min_bytes = IntegerField(_label("min_bytes"), REQUIRED)
    max_bytes = IntegerField(_label("max_bytes"), REQUIRED)
    preferred_bytes_low = _low("preferred_bytes")
    preferred_bytes_high = _high("preferred_bytes")
    min_quality = IntegerField(_label("min_quality"), REQUIRED)
    hair_top_low = _low("hair_top")
    hair_top_high = _high("hair_top")
    eye_line_low = _low("eye_line")
    eye_line_high = _high("eye_line")
    face_width_low = _low("face_width")
    face_width_high = _high("face_width")
    max_centre_offset = DecimalField(_label("max_centre_offset"), REQUIRED, places=None)
    max_eye_angle = DecimalField(_label("max_eye_angle"), REQUIRED, places=None)
    glasses = SelectField(
        _label("glasses"), choices=lambda: [(k, say(v)) for k, v in GLASSES.items()]
    )
    allow_album = BooleanField(_label("allow_album"))
    max_attempts = IntegerField(
        _label("max_attempts"),
        [Optional()],
        description=lazy("留空则由批次决定。", "Empty: the batch decides."),
    )
    note = StringField(
        lazy("改动原因", "Why this version"),
        [Optional(), Length(max=300)],
        description=lazy("与新版本一起保存。", "Kept with the new version."),
    )


@dataclass
class LimitRow:
    """One check in the table of limits, the numbers as typed."""

    code: str
    refuse_low: str = ""
    refuse_high: str = ""
    hint_low: str = ""
    hint_high: str = ""
    hint: str = "warn"
    error: str = ""

    @property
    def title(self) -> str:
        """The check's name in the reader's language."""
        return say(KINDS[self.code].title) if self.code in KINDS else self.code

    def limits(self) -> tuple[Limit, ...]:
        """Return the limits; raises ValueError for what is no number."""
        refuse = Limit("refuse", _number(self.refuse_low), _number(self.refuse_high))
        severity: Severity = self.hint if self.hint in HINTS else "warn"
        hint = Limit(severity, _number(self.hint_low), _number(self.hint_high))
        return tuple(x for x in (refuse, hint) if x.low is not None or x.high is not None)


@dataclass
class Filled:
    """A form as it was sent or opened: the fields and the limits."""

    form: StandardForm
    rows: list[LimitRow] = field(default_factory=list)

    def standard(self) -> Standard | None:
        """Return what was filled in, or None; the reasons then stand at the fields."""
        good = bool(self.form.validate())
        limits: dict[str, tuple[Limit, ...]] = {}
        for row in self.rows:
            try:
                limits[row.code] = row.limits()
            except ValueError:
                row.error, good = say(NO_NUMBER), False
        if not good:
            return None
        standard = _standard(self.form, {code: found for code, found in limits.items() if found})
        found = problems(standard)
        for problem in found:
            self._tell(problem.field, say(problem.message))
        return None if found else standard

    def _tell(self, name: str, message: str) -> None:
        if name.startswith("limits."):
            code = name.removeprefix("limits.")
            next(row for row in self.rows if row.code == code).error = message
            return
        place: Field = self.form[f"{name}_low" if name in RANGES else name]
        place.errors = (*place.errors, message)


def opened(standard: Standard) -> Filled:
    """Return the form filled with a version."""
    values: dict[str, Any] = {
        name: getattr(standard, name)
        for name in StandardForm()._fields
        if hasattr(standard, name) and name not in RANGES
    }
    for name in RANGES:
        values[f"{name}_low"], values[f"{name}_high"] = getattr(standard, name)
    values["background"] = "#{:02x}{:02x}{:02x}".format(*standard.background)
    return Filled(StandardForm(None, **values), [_row(c, standard) for c in _codes(standard)])


def sent(data: Any, base: Standard, name: str | None = None) -> Filled:
    """Return the form as it was sent (a MultiDict). `name`: fixed for a version of an old name."""
    form = StandardForm(data)
    if name is not None:
        form.name.raw_data, form.name.data = [name], name
    rows = [_sent_row(code, data) for code in _codes(base)]
    return Filled(form, rows)


def _codes(standard: Standard) -> list[str]:
    return [code for code in KINDS if code in DEFAULT_LIMITS or code in standard.limits]


def _row(code: str, standard: Standard) -> LimitRow:
    row = LimitRow(code)
    for limit in standard.limits.get(code, ()):
        low, high = (("" if v is None else f"{v:g}") for v in (limit.low, limit.high))
        if limit.severity == "refuse":
            row.refuse_low, row.refuse_high = low, high
        else:
            row.hint_low, row.hint_high, row.hint = low, high, limit.severity
    return row


def _sent_row(code: str, data: Mapping[str, str]) -> LimitRow:
    names = ("refuse_low", "refuse_high", "hint_low", "hint_high", "hint")
    return LimitRow(code, *(data.get(f"{code}-{name}", "").strip()[:12] for name in names))


def _number(text: str) -> float | None:
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _standard(form: StandardForm, limits: dict[str, tuple[Limit, ...]]) -> Standard:
    raw = CHSI_BLUE.to_dict()
    raw |= {name: f.data for name, f in form._fields.items() if name in raw}
    for name in RANGES:
        ends = [float(form[f"{name}_{end}"].data) for end in ("low", "high")]
        raw[name] = [int(end) for end in ends] if name == "preferred_bytes" else ends
    colour = form.background.data.lstrip("#")
    raw["background"] = [int(colour[i : i + 2], 16) for i in (0, 2, 4)]
    for name in ("max_centre_offset", "max_eye_angle"):
        raw[name] = float(form[name].data)
    raw["source"] = (form.source.data or "").strip()
    raw["version"] = 1
    raw["limits"] = {}
    standard = Standard.from_dict(raw)
    standard.limits.update(limits)
    return standard


SEVERITY_OPTIONS = [(name, SEVERITIES[name]) for name in HINTS]
