"""What can go wrong with stored files."""

from __future__ import annotations

from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text


class StorageKeyInvalid(BackofficeError):
    """A key is empty, too long or tries to leave the store: a fault of the caller."""

    code = "storage_key_invalid"
    title = Text("文件地址无效", "Invalid file key")
    detail = Text("文件地址无效，请刷新页面后重试。", "The file key is invalid; reload and retry.")


class ObjectMissing(NotFound):
    """Nothing is stored under this key."""

    code = "stored_object_missing"
    title = Text("文件不存在", "File not found")
    detail = Text(
        "文件不存在，可能已按保存期限删除。",
        "The file does not exist; it may have been deleted at the end of its retention.",
    )


class ObjectDamaged(BackofficeError):
    """The stored bytes do not open: altered, swapped, or sealed under a key we do not have."""

    code = "stored_object_damaged"
    title = Text("文件无法打开", "The file cannot be opened")
    detail = Text(
        "文件已损坏或加密密钥不匹配，请联系管理员检查存储和密钥。",
        "The file is damaged or its key is missing; ask the administrator to check the storage "
        "and the keys.",
    )


class StorageUnavailable(BackofficeError):
    """The store cannot be reached or is full; a retry can help."""

    code = "storage_unavailable"
    title = Text("文件存储暂不可用", "The file storage is unavailable")
    detail = Text(
        "文件存储暂时不可用，请稍后重试。", "The file storage is unavailable; please try again."
    )
