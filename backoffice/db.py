"""The database session, the declarative base, and the column types every table uses."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, LargeBinary, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from backoffice import crypto
from backoffice.uuids import uuid7 as uuid7

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class EncryptedText(TypeDecorator[str]):
    """Text sealed with AES-GCM before it reaches PostgreSQL (bytea)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else crypto.keyring().encrypt(value.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Open on the way out; raises crypto.DecryptionFailed."""
        return None if value is None else crypto.keyring().decrypt(bytes(value)).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """A JSON value sealed with AES-GCM (address snapshots, decoded capture codes)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        if value is None:
            return None
        return crypto.keyring().encrypt(json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Open on the way out; raises crypto.DecryptionFailed."""
        return None if value is None else json.loads(crypto.keyring().decrypt(bytes(value)))


# The vocabulary of columns: `Mapped[fen]` reads as what it is.
uuid_pk = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid7)]
utc_time = Annotated[datetime, mapped_column(DateTime(timezone=True))]
utc_now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
fen = Annotated[int, mapped_column(BigInteger)]  # money: whole fen (1/100 yuan), CNY
sealed_text = Annotated[str, mapped_column(EncryptedText)]
blind_index = Annotated[bytes, mapped_column(LargeBinary(32))]
json_object = Annotated[dict[str, Any], mapped_column(JSONB)]
json_list = Annotated[list[Any], mapped_column(JSONB)]


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), int: BigInteger}  # noqa: RUF012


class Created:
    """Mixin: when the row was written, UTC."""

    created_at: Mapped[utc_now]


db = SQLAlchemy(metadata=Base.metadata)
