"""What the API itself refuses, before any domain rule is asked."""

from __future__ import annotations

from typing import Any, ClassVar

from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text


class RequestInvalid(BackofficeError):
    """Fields are missing, unknown or of the wrong kind; `errors` lists them."""

    code = "invalid_input"
    title = Text("填写有误", "Invalid input")
    detail = Text(
        "请检查标出的字段后重试。", "Please check the fields that are named, then try again."
    )

    def __init__(self, errors: list[tuple[str, Text, dict[str, Any]]]) -> None:
        self.errors = errors
        super().__init__()


class MalformedBody(BackofficeError):
    """The body is not the JSON (or form) it says it is."""

    code = "malformed_body"
    title = Text("请求格式错误", "Malformed request")
    detail = Text("请求内容不是有效的 JSON。", "The body is not valid JSON.")


class UnsupportedMediaType(BackofficeError):
    """Another content type than the call takes."""

    code = "unsupported_media_type"
    title = Text("不支持的内容类型", "Unsupported content type")
    detail = Text("该接口只接受 {wanted}。", "This call takes {wanted} only.")


class RequestTooLarge(BackofficeError):
    """More bytes than the call takes."""

    code = "request_too_large"
    title = Text("请求内容过大", "The request is too large")
    detail = Text("请求内容超过上限。", "The request is larger than this call takes.")


class RouteNotFound(NotFound):
    """No call has this path."""

    code = "not_found"
    title = Text("接口不存在", "No such call")
    detail = Text("没有这个接口，请查看接口文档。", "No such call; see the documentation.")


class MethodNotAllowed(BackofficeError):
    """The path exists with other methods."""

    code = "method_not_allowed"
    title = Text("不支持该请求方法", "Method not allowed")
    detail = Text("该接口支持的方法：{allowed}。", "This path takes: {allowed}.")

    def __init__(self, allowed: list[str]) -> None:
        self.allowed = allowed
        super().__init__(allowed=", ".join(allowed))


class TooManyRequests(BackofficeError):
    """A rate limit is reached. `retry_after`: seconds."""

    code = "too_many_requests"
    title = Text("操作过于频繁", "Too many requests")
    detail = Text(
        "操作次数过多，请在 {minutes} 分钟后重试。",
        "Too many attempts; please try again in {minutes} minutes.",
    )

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(minutes=max(1, -(-retry_after // 60)))


class IdempotencyKeyInvalid(BackofficeError):
    """The header is no usable key."""

    code = "idempotency_key_invalid"
    title = Text("幂等键无效", "Invalid Idempotency-Key")
    detail = Text(
        "Idempotency-Key 应为 1 至 128 个可见 ASCII 字符，建议使用 UUID。",
        "Idempotency-Key must be 1 to 128 visible ASCII characters; a UUID is best.",
    )


class RequestInProgress(BackofficeError):
    """Another request with the same key is running."""

    code = "request_in_progress"
    title = Text("请求正在处理", "The request is being processed")
    detail = Text("相同的请求正在处理，请稍后重试。", "The same request is running; retry soon.")


class InternalError(BackofficeError):
    """Something unexpected; the log knows more, the answer does not."""

    code = "internal_error"
    title = Text("服务器内部错误", "Internal error")
    detail = Text(
        "服务器出现意外错误，请稍后重试；持续出现请联系客服。",
        "An unexpected error occurred; please try again later, or contact support.",
    )


class ServiceUnavailable(BackofficeError):
    """The database cannot be reached."""

    retry_seconds: ClassVar[int] = 5
    code = "service_unavailable"
    title = Text("服务暂不可用", "Service unavailable")
    detail = Text("服务暂时不可用，请稍后重试。", "The service is unavailable; try again soon.")
