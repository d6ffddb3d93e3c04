"""The words of values that stand in lists and in the workbooks made of them."""

from __future__ import annotations

from backoffice.i18n import Text

LIST_WORDS: dict[str, dict[str, Text]] = {
    "kind": {
        "graduate": Text("毕业生", "Graduates"),
        "freshman": Text("新生", "Freshmen"),
        "capture": Text("图像采集", "Portrait"),
        "reprint": Text("加洗", "Reprint"),
    },
    "delivery": {
        "digital": Text("电子版", "Digital"),
        "school": Text("学校统一发放", "Through the school"),
        "courier": Text("快递到家", "Courier"),
    },
    "payment": {
        "pending": Text("待支付", "Pending"),
        "succeeded": Text("已支付", "Paid"),
        "failed": Text("失败", "Failed"),
        "closed": Text("已关闭", "Closed"),
    },
    "refund": {
        "pending": Text("处理中", "Pending"),
        "succeeded": Text("已退款", "Refunded"),
        "failed": Text("失败", "Failed"),
        "cancelled": Text("已撤回", "Taken back"),
    },
    "photo": {
        "queued": Text("排队中", "Queued"),
        "processing": Text("处理中", "Processing"),
        "passed": Text("检测通过", "Passed"),
        "failed": Text("检测未通过", "Failed"),
    },
    "source": {
        "camera": Text("现场拍摄", "Camera"),
        "album": Text("相册上传", "Album"),
        "roster": Text("名单", "Roster"),
        "capture_code": Text("采集码", "Capture code"),
        "student": Text("学生填写", "Student"),
    },
    "actor": {
        "student": Text("学生", "Student"),
        "staff": Text("员工", "Staff"),
        "timer": Text("定时", "Timer"),
        "provider": Text("支付平台", "Payment provider"),
        "system": Text("系统", "System"),
    },
    "flag": {"refund_failed": Text("退款失败", "Refund failed")},
}


def word(family: str, value: str | None, locale: str) -> str:
    """Return the reader's word for a stored value; the value itself when it has none."""
    if not value:
        return ""
    text = LIST_WORDS[family].get(value)
    return text.get(locale) if text else value
