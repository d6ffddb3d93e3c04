"""What identification refuses, each with a stable code."""

from __future__ import annotations

from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text


class BatchNotOpen(BackofficeError):
    """The batch is a draft, not yet open, or over."""

    code = "batch_not_open"
    title = Text("批次未开放", "The batch is not open")
    detail = Text(
        "该批次目前不在采集时间内，请查看批次的开放时间或联系学校。",
        "This batch is not within its collection time; check its dates or ask your school.",
    )


class NotOnRoster(NotFound):
    """No entry of the batch agrees with what the student gave. Counts as a wrong try."""

    code = "not_on_roster"
    title = Text("名单中没有找到您", "You are not on the roster")
    detail = Text(
        "学校名单中没有与您填写的信息一致的记录，请核对证件后四位和图像采集码，或联系学校。",
        "No roster entry agrees with what you gave. Check the last four characters and your "
        "capture code, or ask your school.",
    )


class OtherSchool(NotOnRoster):
    """The capture code belongs to another school than the batch; the same code on the wire."""

    detail = Text(
        "您的图像采集码属于另一所学校，与该批次不符，请核对特征码或重新获取采集码。",
        "Your capture code belongs to another school than this batch; check the feature code.",
    )


class CaptureCodeRequired(BackofficeError):
    """The batch identifies students by their capture code."""

    code = "capture_code_required"
    title = Text("需要图像采集码", "A capture code is needed")
    detail = Text(
        "该批次需要学信网图像采集码，请先登录学信网获取后扫码或上传。",
        "This batch needs your CHSI capture code; fetch it from CHSI, then scan or upload it.",
    )


class EnrolmentTaken(BackofficeError):
    """Another account has claimed this entry."""

    code = "enrolment_taken"
    title = Text("该学籍已被其他账号绑定", "Claimed by another account")
    detail = Text(
        "该学籍信息已被其他账号绑定。如非您本人操作，请联系学校或客服处理。",
        "Another account has claimed this entry. If that was not you, contact your school.",
    )


class AlreadyEnrolled(BackofficeError):
    """The account already holds another entry of the batch."""

    code = "already_enrolled"
    title = Text("您已在该批次中", "You are already in this batch")
    detail = Text(
        "您的账号已绑定该批次的另一条学籍信息，一个账号在同一批次只能绑定一条。",
        "Your account already holds another entry of this batch; one per batch is allowed.",
    )


class UnlistedNotAllowed(BackofficeError):
    """The batch takes students of its roster only."""

    code = "unlisted_not_allowed"
    title = Text("该批次不接受名单外的学生", "Roster students only")
    detail = Text(
        "该批次只接受学校名单内的学生，请通过身份核对加入，或联系学校补录。",
        "This batch takes students of its roster only; identify yourself or ask your school.",
    )


class AlreadyOnRoster(BackofficeError):
    """Somebody who is on the roster must identify, not add themselves again."""

    code = "already_on_roster"
    title = Text("您已在学校名单中", "You are on the roster")
    detail = Text(
        "学校名单中已有该学号或证件号码，请返回通过身份核对加入。",
        "The roster has this student number or ID number already; please identify instead.",
    )


class EnrolmentNotFound(NotFound):
    """No such enrolment of this student."""

    code = "enrolment_not_found"
    title = Text("没有找到该学籍信息", "Enrolment not found")
    detail = Text("没有找到该学籍信息，请先完成身份核对。", "No such entry; identify first.")
