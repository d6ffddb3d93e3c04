"""Why the desk refuses something. Nothing has changed then."""

from __future__ import annotations

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.workflows.errors import TransitionDenied, VersionConflict


class PhotoReplaced(VersionConflict):
    """The order now shows another picture than the one that was looked at."""

    code = "photo_replaced"
    title = Text("照片已更换", "The photo has changed")
    detail = Text(
        "学生已换了照片，刚才的决定没有执行，请审核新的照片。",
        "The student has changed the photo; nothing was decided. Please review the new one.",
    )


class AlreadyEscalated(TransitionDenied):
    """The photo lies with a senior already."""

    code = "already_escalated"
    title = Text("已转资深审核员", "Already with a senior reviewer")
    detail = Text("这张照片已转给资深审核员。", "This photo is with a senior reviewer already.")


class OpinionClosed(BackofficeError):
    """The disagreement was settled by somebody else, or there was none."""

    code = "opinion_closed"
    title = Text("该分歧已处理", "Settled already")
    detail = Text(
        "这条复核分歧已由他人处理，请刷新列表。",
        "Somebody else has settled this disagreement; please refresh the list.",
    )
