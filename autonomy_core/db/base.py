"""The declarative base that core and plugins share, and what every tenant table has."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of every model. Times are aware and in UTC."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text()}


class _Random(threading.local):
    """The operating system's randomness, some at a time: whoever asks for it gives up Python's lock."""

    _AHEAD = struct.Struct("64Q")

    def __init__(self) -> None:
        self._numbers: Iterator[int] = iter(())

    def number(self) -> int:
        """Of 64 bits."""
        for number in self._numbers:
            return int(number)
        self._numbers = iter(self._AHEAD.unpack(os.urandom(self._AHEAD.size)))
        return self.number()

    def forget(self) -> None:
        """Of two processes with the same numbers each would make the other's ids."""
        self._numbers = iter(())


_RANDOM = _Random()
os.register_at_fork(after_in_child=_RANDOM.forget)


def uuid7() -> UUID:
    """A UUID that sorts by the time it was made, to a quarter of a microsecond (RFC 9562, 5.7 and 6.2, method 3).

    PostgreSQL makes them itself only from version 18 on, and we support 14.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | _RANDOM.number() >> 2)


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class OrganisationScoped:
    """A table of tenants: the organisation is part of the key, so that no row can point across."""

    # First in every key, so that the key's index finds one organisation's rows together.
    organisation_id: Mapped[str] = mapped_column(Text, primary_key=True, sort_order=-2)


class Identified(OrganisationScoped):
    """A tenant table whose rows have an id of their own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-1)


def tenant_key(column: str, target: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key to a tenant table, within the organisation.

    Args:
        column: the referring column, for example ``customer_id``.
        target: the table that is referred to, whose key is ``(organisation_id, id)``.
        ondelete: what the database does when the row referred to is deleted.
    """
    return ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{target}.organisation_id", f"{target}.id"],
        ondelete=ondelete,
    )
