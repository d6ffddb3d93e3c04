"""Why the engine refuses a move. Each is a coded, two-language error; nothing has changed."""

from __future__ import annotations

from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text


class OrderNotFound(NotFound):
    """No such order, or not this actor's."""

    code = "order_not_found"
    title = Text("没有找到该订单", "Order not found")
    detail = Text("没有找到该订单，请核对后重试。", "No such order; please check and retry.")


class TransitionNotAllowed(BackofficeError):
    """The transition does not lead out of the present state (or does not exist)."""

    code = "transition_not_allowed"
    title = Text("当前状态不允许此操作", "Not allowed in this state")
    detail = Text(
        "订单目前为“{state_zh}”，不能执行“{transition_zh}”。请刷新后再看。",
        "The order is “{state_en}”: “{transition_en}” is not possible now. Please refresh.",
    )


class TransitionForbidden(BackofficeError):
    """The actor's roles may never fire this transition."""

    code = "transition_forbidden"
    title = Text("没有权限", "Not permitted")
    detail = Text("您的账号没有执行此操作的权限。", "Your account may not do this.")


class TransitionDenied(BackofficeError):
    """A guard does not hold. Guards raise subclasses that say what is missing."""

    code = "transition_denied"
    title = Text("条件不满足", "A condition is not met")
    detail = Text("目前还不能执行此操作。", "This is not possible yet.")


class VersionConflict(BackofficeError):
    """The caller saw an older version of the order."""

    code = "version_conflict"
    title = Text("订单已被更新", "The order has changed")
    detail = Text(
        "订单已发生变化（版本 {actual}，您看到的是 {expected}），请刷新后重试。",
        "The order has changed (version {actual}, you saw {expected}); refresh and retry.",
    )


class OrderBusy(BackofficeError):
    """Another transition holds the order's lock for too long."""

    code = "order_busy"
    title = Text("订单正在处理", "The order is busy")
    detail = Text("订单正在被其他操作处理，请几秒后重试。", "Please retry in a few seconds.")


class TransitionDataMissing(BackofficeError):
    """A required field is absent, empty or malformed. `fields` lists their names."""

    code = "transition_data_missing"
    title = Text("缺少必填内容", "Required data is missing")
    detail = Text("请填写：{labels_zh}。", "Please give: {labels_en}.")

    def __init__(self, fields: dict[str, Text]) -> None:
        self.fields = fields
        super().__init__(
            labels_zh="、".join(t.zh for t in fields.values()),
            labels_en=", ".join(t.en for t in fields.values()),
        )


class IdempotencyKeyReused(BackofficeError):
    """The key was used on this order for another transition, or by somebody else."""

    code = "idempotency_key_reused"
    title = Text("幂等键已被使用", "Idempotency key reused")
    detail = Text(
        "该 Idempotency-Key 已用于另一个请求，请换一个新的键。",
        "This Idempotency-Key belongs to another request; use a new one.",
    )


class ChainBroken(TransitionDenied):
    """The database refused the next event: it does not follow the order's newest one.

    The history was altered behind the engine. `flask audit verify` names the first broken event.
    """

    code = "event_chain_broken"
    title = Text("订单历史记录异常", "The order's history is damaged")
    detail = Text(
        "该订单的历史记录与当前状态不符，操作未执行，没有任何改动；请联系管理员处理。",
        "The order's history does not fit its state; nothing has changed. Please tell an administrator.",
    )


class NoPlaceInVersion(BackofficeError):
    """The order's state has no counterpart in the version it should adopt."""

    code = "no_place_in_version"
    title = Text("无法迁移到该版本", "Cannot adopt this version")
    detail = Text(
        "订单状态 {state} 在流程 {workflow} 第 {version} 版中没有对应的状态。",
        "State {state} has no counterpart in version {version} of {workflow}.",
    )


class UndoNotPossible(TransitionDenied):
    """Nothing of this actor's to take back, or somebody else has moved the order since."""

    code = "undo_not_possible"
    title = Text("无法撤回", "Cannot be undone")
    detail = Text(
        "只能撤回您自己刚做出的、尚未被后续操作覆盖的决定。",
        "Only your own latest decision can be taken back.",
    )


class UndoTooLate(TransitionDenied):
    """The undo window is over: the effects have left or are leaving."""

    code = "undo_too_late"
    title = Text("已超过撤回时间", "Too late to undo")
    detail = Text(
        "撤回时间已过，通知已经发出；如需更改请使用“撤销通过”。",
        "The undo window is over and the messages have left; use “revoke” where it is offered.",
    )
