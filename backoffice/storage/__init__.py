"""Where pictures and files are kept: a folder or an S3 bucket behind one small protocol.

Pictures are personal data: both backends seal every object with the key ring (AES-256-GCM) before
it is written, bound to its key, so that a copied disk shows nothing and swapped files do not open.
"""

from backoffice.storage.choosing import check_storage, storage_for
from backoffice.storage.errors import (
    ObjectDamaged,
    ObjectMissing,
    StorageKeyInvalid,
    StorageUnavailable,
)
from backoffice.storage.folder import FolderStorage
from backoffice.storage.s3 import S3Storage
from backoffice.storage.signed_urls import (
    SignedUrlExpired,
    SignedUrlInvalid,
    expiry,
    sign_key,
    verify_signature,
)
from backoffice.storage.store import Storage

__all__ = [
    "FolderStorage",
    "ObjectDamaged",
    "ObjectMissing",
    "S3Storage",
    "SignedUrlExpired",
    "SignedUrlInvalid",
    "Storage",
    "StorageKeyInvalid",
    "StorageUnavailable",
    "check_storage",
    "expiry",
    "sign_key",
    "storage_for",
    "verify_signature",
]
