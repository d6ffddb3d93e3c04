"""What is wrong with single rows: where, which rule, and in plain words what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from backoffice.i18n import Text

Severity = Literal["error", "warning"]

MESSAGES: dict[str, Text] = {
    "student_no_missing": Text("缺少学号，请补填。", "The student number is missing."),
    "student_no_invalid": Text(
        "学号只能由字母、数字和 - _ . / 组成，且至少含一位数字，最长 32 位。请检查是否错列。",
        "A student number has letters, digits and - _ . / with at least one digit, up to 32 "
        "characters. Is the column shifted?",
    ),
    "student_no_digits_lost": Text(
        "学号超过 15 位且按数字存储，末尾数字已丢失，无法恢复。请把该列设为文本格式后重新录入。",
        "The student number has more than 15 digits and was stored as a number: its last digits "
        "are lost. Set the column to text and enter it again.",
    ),
    "leading_zeros_maybe_lost": Text(
        "学号按数字存储，且比其他学号短（{length} 位，通常 {usual} 位），开头的 0 可能已丢失，请核对。",
        "The student number was stored as a number and is shorter than the others ({length} "
        "digits, usually {usual}): leading zeros may be lost. Please check.",
    ),
    "name_missing": Text("缺少姓名，请补填。", "The name is missing."),
    "name_invalid": Text(
        "姓名中有数字或符号，或过长。请检查是否错列。",
        "The name holds digits or signs, or is too long. Is the column shifted?",
    ),
    "name_is_masked": Text(
        "姓名带星号。此批次为完整名单模式，需要完整姓名。",
        "The name has stars in it; this batch needs full names.",
    ),
    "id_number_missing": Text("缺少证件号码，请补填。", "The ID number is missing."),
    "id_number_digits_lost": Text(
        "证件号码按数字存储，第 15 位之后的数字已丢失，无法恢复。请把该列设为文本格式后重新录入。",
        "The ID number was stored as a number: everything after digit 15 is lost and cannot be "
        "restored. Set the column to text and enter it again.",
    ),
    "id_number_format": Text(
        "证件号码的位数或字符不符合该证件类型，请对照证件填写。",
        "The ID number has not the shape of its document type; copy it from the document.",
    ),
    "id_number_birth_date": Text(
        "证件号码中的出生日期不是有效日期，请对照证件核对。",
        "The birth date in the ID number is not a real date; check the document.",
    ),
    "id_number_check_digit": Text(
        "证件号码的校验码不符，通常是某一位输错了，请逐位核对。",
        "The check character of the ID number does not fit: check each character.",
    ),
    "id_type_unknown": Text(
        "证件类型只能是：居民身份证（含居住证）、港澳通行证、台胞证、护照、"
        "外国人永久居留身份证、香港身份证。",
        "The ID type must be one of: resident ID (or residence permit), HK/Macau permit, Taiwan "
        "permit, passport, foreign permanent resident ID, Hong Kong ID.",
    ),
    "id_type_mismatch": Text(
        "证件类型与号码不符：号码的形式属于另一种证件。",
        "The ID type does not fit the number, which has the shape of another document.",
    ),
    "id_last4_missing": Text("缺少证件号后四位，请补填。", "The last four of the ID are missing."),
    "id_last4_invalid": Text(
        "证件号后四位应为 4 个字符，如 6629、662X 或 6(3)；开头的 0 不能省略。",
        "The last four of the ID are four characters such as 6629, 662X or 6(3); keep leading "
        "zeros.",
    ),
    "gender_invalid": Text(
        "无法识别的性别，已忽略。请填写“男”或“女”。", "Unknown gender, ignored. Write 男 or 女."
    ),
    "gender_mismatch": Text(
        "性别与证件号码不符，请核对。", "The gender does not agree with the ID number."
    ),
    "birth_date_invalid": Text(
        "无法识别的出生日期，已忽略。请按 20030517 或 2003-05-17 填写。",
        "Unknown birth date, ignored. Write it as 20030517 or 2003-05-17.",
    ),
    "birth_date_mismatch": Text(
        "出生日期与证件号码不符，请核对。", "The birth date does not agree with the ID number."
    ),
    "date_invalid": Text(
        "无法识别的日期，已忽略。请按 20220901 或 2022-09-01 填写。",
        "Unknown date, ignored. Write it as 20220901 or 2022-09-01.",
    ),
    "phone_invalid": Text(
        "不是可接收短信的手机号，已忽略。请填写 11 位手机号；境外号码以“+国家（地区）代码”开头。",
        "Not a mobile number that can receive messages, ignored. Write 11 digits, or + and the "
        "country code.",
    ),
    "school_code_mismatch": Text(
        "院校代码与此批次的学校（{expected}）不符，请确认没有选错文件。",
        "The school code is not that of this batch's school ({expected}). Is it the right file?",
    ),
    "cell_error": Text(
        "单元格是公式错误（如 #N/A），请改为实际内容。",
        "The cell holds a formula error such as #N/A; replace it by its content.",
    ),
    "text_too_long": Text(
        "内容过长（上限 {limit} 字），请检查是否错列。",
        "The text is too long (limit {limit}). Is the column shifted?",
    ),
    "text_became_date": Text(
        "内容被 Excel 自动改成了日期，已忽略。请把该列设为文本格式后重新录入。",
        "Excel turned the content into a date, ignored. Set the column to text and enter it again.",
    ),
    "duplicate_student_no": Text(
        "学号与第 {first_row} 行重复。", "The student number is already in row {first_row}."
    ),
    "duplicate_id_number": Text(
        "证件号码与第 {first_row} 行重复。", "The ID number is already in row {first_row}."
    ),
    "id_number_on_other_student": Text(
        "此证件号码在本批次中已属于另一个学号，请核对。",
        "This ID number already belongs to another student number of the batch.",
    ),
    "in_other_batch": Text(
        "该生同时在本校另一批次“{batch}”中，请确认是否需要重复采集。",
        "The student is also in the school's batch {batch}; is a second portrait wanted?",
    ),
    "enrolment_already_claimed": Text(
        "该生已认领名单并开始办理，姓名和证件号码不能再通过导入更改。",
        "The student has already claimed this entry: an import cannot change the name or the ID "
        "any more.",
    ),
    "column_guessed": Text(
        "该列按相近的列名对应为“{title}”，请确认。",
        "This column was taken as {title} because the heading is alike; please confirm.",
    ),
    "column_not_kept": Text(
        "此批次为最小名单模式，不保存该列的内容（只保留脱敏姓名和证件号后四位）。",
        "This batch keeps a minimal roster: the column is not stored (only the masked name and "
        "the last four of the ID are).",
    ),
    "other_sheets_ignored": Text(
        "工作簿中另有 {count} 个工作表也像名单，未导入。",
        "{count} more sheets of the workbook look like rosters and were not imported.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One remark on one cell. An `error` keeps its row out, a `warning` does not.

    row: 1-based row of the sheet. column: the heading as in the file, else the letter;
    position: its 0-based column, None for the whole row. params: numbers and codes only,
    never a person's data.
    """

    row: int
    column: str
    code: str
    severity: Severity = "error"
    position: int | None = None
    params: dict[str, Any] = field(default_factory=dict)
    reason: Text | None = None

    def text(self, locale: str = "zh") -> str:
        """Return the message: what is wrong and what to do."""
        message = self.reason or MESSAGES.get(self.code) or Text(self.code, self.code)
        return message.get(locale, **self.params)

    def to_dict(self, locale: str = "zh") -> dict[str, Any]:
        """Return the shape of CONTRACT section 1, with the severity."""
        return {
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "message": self.text(locale),
            "severity": self.severity,
        }

    def to_record(self) -> dict[str, Any]:
        """Return what the database keeps: place and code; the words are made when shown."""
        return {
            "row": self.row,
            "column": self.column,
            "position": self.position,
            "code": self.code,
            "severity": self.severity,
            "params": self.params,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Finding:
        """Return the finding that `to_record` wrote."""
        return cls(**record)
