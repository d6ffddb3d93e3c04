"""The fields of a roster and the headings schools give them (DOMAIN section 3, PEERS section 3)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from backoffice.i18n import Text
from backoffice.imports.cells import visible


@dataclass(frozen=True)
class Field:
    """One field: its wire name, its title (the heading of our template) and its synonyms.

    Synonyms are in order of trust: where a file has two of them, the earlier one wins.
    """

    name: str
    title: Text
    synonyms: tuple[str, ...]
    key: bool = False  # two candidate columns are an error, never a guess


FIELDS: tuple[Field, ...] = (
    Field(
        "student_no",
        Text("学号", "Student number"),
        ("学生学号", "学号号码", "学籍号", "学生编号", "XH", "student no", "student number",
         "student id", "学工号"),
        key=True,
    ),
    Field(
        "exam_no",
        Text("考生号", "Examinee number"),
        ("高考考生号", "录取考生号", "KSH", "examinee number"),
        key=True,
    ),
    Field(
        "name",
        Text("姓名", "Name"),
        ("学生姓名", "考生姓名", "姓名全称", "中文姓名", "学员姓名", "XM", "name", "full name",
         "student name"),
        key=True,
    ),
    Field(
        "name_masked",
        Text("脱敏姓名", "Masked name"),
        ("姓名脱敏", "掩码姓名", "姓名掩码", "masked name", "name masked"),
        key=True,
    ),
    Field(
        "id_type",
        Text("证件类型", "ID type"),
        ("身份证件类型", "证件类别", "证件种类", "证件名称", "SFZJLX", "ZJLX", "id type",
         "document type"),
    ),
    Field(
        "id_number",
        Text("证件号码", "ID number"),
        ("身份证件号码", "身份证件号", "身份证号码", "身份证号", "证件号", "公民身份号码", "身份证",
         "居民身份证号", "居民身份证号码", "有效证件号码", "SFZH", "SFZJH", "ZJHM", "id number",
         "id no", "document number"),
        key=True,
    ),
    Field(
        "id_last4",
        Text("证件号后四位", "Last four of ID"),
        ("证件号码后四位", "身份证后四位", "身份证号后四位", "身份证号码后四位", "身份证件号后四位",
         "证件后四位", "证件号后4位", "证件号码后4位", "身份证后4位", "身份证号后4位",
         "身份证号码后4位", "证件后4位", "后四位", "id last4", "id last 4", "last four"),
        key=True,
    ),
    Field("gender", Text("性别", "Gender"), ("性别名称", "XB", "gender", "sex")),
    Field(
        "birth_date",
        Text("出生日期", "Birth date"),
        ("出生年月日", "出生年月", "生日", "CSRQ", "CSNY", "birth date", "date of birth",
         "birthday"),
    ),
    Field(
        "school_code",
        Text("院校代码", "School code"),
        ("学校代码", "院校编码", "学校编码", "院校代号", "学校标识码", "YXDM", "XXDM",
         "school code"),
    ),
    Field("level", Text("层次", "Level"), ("培养层次", "学历层次", "办学层次", "CC", "level")),
    Field(
        "study_kind",
        Text("学历类别", "Kind of study"),
        ("办学类型", "学历类型", "教育类别", "学生类别", "XLLB", "study kind"),
    ),
    Field(
        "study_form",
        Text("学习形式", "Form of study"),
        ("学习方式", "培养方式", "XXXS", "study form", "study mode"),
    ),
    Field(
        "college",
        Text("院系", "College"),
        ("学院", "学院名称", "院系名称", "院系所", "系所", "系所名称", "分院", "所在学院", "系部",
         "所在院系", "所属学院", "所属院系", "二级学院",
         "院(系)", "院(系、所)", "函授站", "教学点", "XSH", "FY", "YX", "college", "faculty",
         "department"),
    ),
    Field(
        "major",
        Text("专业", "Major"),
        ("专业名称", "所学专业", "毕业专业", "ZYMC", "ZY", "major", "programme", "program"),
    ),
    Field(
        "class_name",
        Text("班级", "Class"),
        ("班级名称", "班", "行政班", "行政班级", "所在班级", "所属班级", "班号", "班级代码", "BJ", "BJMC", "BH",
         "class", "class name"),
    ),
    Field(
        "enrolled_on",
        Text("入学日期", "Enrolled on"),
        ("入学时间", "入学年月", "RXRQ", "RXNY", "enrolled on", "enrolment date"),
    ),
    Field(
        "graduates_on",
        Text("预计毕业日期", "Graduates on"),
        ("预计毕业时间", "毕业日期", "毕业时间", "预毕业日期", "毕业年月", "YJBYRQ", "BYRQ",
         "graduates on", "graduation date"),
    ),
    Field(
        "phone",
        Text("手机号", "Mobile"),
        ("手机号码", "手机", "学生手机号", "本人手机号", "联系电话", "联系方式", "移动电话",
         "联系手机", "电话号码", "电话", "SJH", "SJHM", "LXDH", "phone", "mobile", "telephone"),
    ),
)  # fmt: skip
BY_NAME = {field.name: field for field in FIELDS}

# Somebody else's name, phone or number: never a field of the student.
OTHER_PERSON = re.compile(
    "父亲|母亲|父母|家长|监护|紧急|亲属|辅导员|班主任|导师|教师|老师|推荐人|填表|曾用名|英文"
)


def heading_key(text: str) -> str:
    """Return a heading comparable: half width, lower case, no spaces, marks or brackets.

    The words inside brackets stay: 身份证号(后四位) is not 身份证号.
    """
    plain = unicodedata.normalize("NFKC", visible(text)).lower()
    return re.sub(r"[\s_\-.,、:*()\[\]【】<>《》“”\"'/#]", "", plain)


def without_brackets(text: str) -> str:
    """Return a heading without bracketed remarks: 姓名（必填） is 姓名."""
    plain = unicodedata.normalize("NFKC", text)
    return re.sub(r"[(\[【<][^)\]】>]*[)\]】>]", "", plain)


def _lookup() -> dict[str, tuple[Field, int]]:
    found: dict[str, tuple[Field, int]] = {}
    for field in FIELDS:
        for rank, word in enumerate((field.title.zh, field.title.en, field.name, *field.synonyms)):
            found.setdefault(heading_key(word), (field, rank))
    return found


LOOKUP = _lookup()


def recognise(heading: str) -> tuple[Field, int] | None:
    """Return the field a heading names and the rank of the synonym (0 and 1 are the titles), or None."""
    if not heading or OTHER_PERSON.search(heading):
        return None
    exact = LOOKUP.get(heading_key(heading))
    return exact or LOOKUP.get(heading_key(without_brackets(heading)))
