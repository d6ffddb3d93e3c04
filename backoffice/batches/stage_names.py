"""What the stages of the progress board are called."""

from __future__ import annotations

from backoffice.batches.stages import Stage
from backoffice.i18n import Text

STAGE_NAMES: dict[Stage, Text] = {
    Stage.NOT_STARTED: Text("未开始", "Not started"),
    Stage.IDENTIFIED: Text("已登记", "Signed in"),
    Stage.ORDERED: Text("待支付", "Unpaid"),
    Stage.PAID: Text("待提交照片", "Photo missing"),
    Stage.SUBMITTED: Text("待审核", "In review"),
    Stage.REJECTED: Text("审核不通过", "Rejected"),
    Stage.FINISHED: Text("已通过", "Finished"),
    Stage.REFUNDED: Text("已退款", "Refunded"),
}
# Colour families of the pages (backoffice.css), so that a stage looks the same everywhere.
STAGE_TONES: dict[Stage, str] = {
    Stage.NOT_STARTED: "neutral",
    Stage.IDENTIFIED: "neutral",
    Stage.ORDERED: "waiting",
    Stage.PAID: "waiting",
    Stage.SUBMITTED: "working",
    Stage.REJECTED: "bad",
    Stage.FINISHED: "good",
    Stage.REFUNDED: "neutral",
}
