"""What identification refuses, each with a stable code."""

from __future__ import annotations

from backoffice.errors import BackofficeError, InvalidInput, NotFound
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
        "该学籍信息已被其他账号绑定。如非您本人操作，请提交申诉，由学校核实。",
        "Another account has claimed this entry. If that was not you, contest it; your school "
        "will decide.",
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


class IdentityRequired(BackofficeError):
    """An account opened by WeChat has no ID document yet, and this step compares it."""

    code = "identity_required"
    title = Text("请先填写证件信息", "Your ID document is needed")
    detail = Text(
        "该批次按证件号码核对身份，请先填写姓名和证件号码。",
        "This batch compares your ID number; enter your name and ID number first.",
    )


class NothingToContest(BackofficeError):
    """The entry is not in another account's hands."""

    code = "nothing_to_contest"
    title = Text("无需申诉", "There is nothing to contest")
    detail = Text(
        "该学籍信息没有被其他账号绑定，请直接核对身份。",
        "No other account holds this entry; please identify instead.",
    )


class RequestOpen(BackofficeError):
    """The same request is waiting for the school already."""

    code = "request_open"
    title = Text("申请正在处理", "The request is with your school")
    detail = Text(
        "您已提交过同样的申请，学校处理后会显示结果。",
        "You have sent this request already; the answer appears here once your school decides.",
    )


class NothingToCorrect(InvalidInput):
    """A correction that changes nothing."""

    code = "nothing_to_correct"
    title = Text("没有需要更正的内容", "Nothing to correct")

    def __init__(self) -> None:
        super().__init__(
            "changes",
            Text(
                "请填写与现有信息不同的内容，或写明说明。",
                "Enter a value that differs from the present one, or write a note.",
            ),
        )


class EnrolmentRequestNotFound(NotFound):
    """No such request."""

    code = "enrolment_request_not_found"
    title = Text("没有找到该申请", "Request not found")
    detail = Text("没有找到该申请。", "No such request.")


class RequestDecided(BackofficeError):
    """Somebody has decided the request meanwhile."""

    code = "request_decided"
    title = Text("申请已处理", "Decided already")
    detail = Text(
        "该申请已由其他人处理，请刷新页面查看结果。",
        "Somebody has decided this request already; reload the page.",
    )


class HolderHasOrder(BackofficeError):
    """The account that holds a contested entry has an order that is not settled."""

    code = "holder_has_order"
    title = Text("对方有未结束的订单", "The holder has an order")
    detail = Text(
        "目前绑定该学籍的账号有未关闭的订单，请先取消或退款，再受理申诉。",
        "The account that holds this entry has a live order; cancel or refund it first.",
    )


class StudentNumberTaken(InvalidInput):
    """Another entry of the batch has the corrected student number."""

    code = "student_no_taken"
    title = Text("学号已存在", "The student number is taken")

    def __init__(self) -> None:
        super().__init__(
            "student_no",
            Text(
                "该批次中已有此学号，请核对后再处理。",
                "Another entry of this batch has this student number; please check.",
            ),
        )
