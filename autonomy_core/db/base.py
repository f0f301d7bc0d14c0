"""The declarative base that the core and the plugins share, and the columns of every tenant table."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Text,
    Uuid,
    any_,
    literal,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base class of every model. Datetime columns are in UTC and timezone-aware; a `Literal` is text."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text(), Literal: Text()}


class _Random(threading.local):
    """Random numbers of the operating system, read in blocks: each system call releases the GIL."""

    _AHEAD = struct.Struct("64Q")

    def __init__(self) -> None:
        self._numbers: Iterator[int] = iter(())

    def number(self) -> int:
        """The next 64-bit random number of this thread."""
        for number in self._numbers:
            return int(number)
        self._numbers = iter(self._AHEAD.unpack(os.urandom(self._AHEAD.size)))
        return self.number()

    def forget(self) -> None:
        """Discard the block. After a fork, parent and child would otherwise generate the same ids."""
        self._numbers = iter(())


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_RANDOM = _Random()
os.register_at_fork(after_in_child=_RANDOM.forget)


def uuid7(at: datetime | None = None) -> UUID:
    """Generate a version 7 UUID: it sorts by a time, with a resolution of 0.25 µs.

    PostgreSQL generates version 7 UUIDs only from release 18 on; the server supports release 14.

    Args:
        at: the time, aware, from 1970 on; by default now.

    Source: RFC 9562, sections 5.7 and 6.2 (method 3).
    """
    now_ns = time.time_ns() if at is None else (at - _EPOCH) // _MICROSECOND * 1000
    milliseconds, nanoseconds = divmod(now_ns, 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | _RANDOM.number() >> 2)


def utcnow() -> datetime:
    """The current time: timezone-aware, in UTC."""
    return datetime.now(UTC)


class OrganisationScoped:
    """A tenant table. Its primary key contains the organisation, so foreign keys stay within one."""

    # The first column of every key, so that an index stores the rows of an organisation together.
    organisation_id: Mapped[str] = mapped_column(Text, primary_key=True, sort_order=-2)


class Identified(OrganisationScoped):
    """A tenant table whose rows have an id."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-1)


def tenant_key(column: str, target: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key to a tenant table, within the same organisation.

    Args:
        column: the referring column, for example ``customer_id``.
        target: the referenced table. Its primary key is ``(organisation_id, id)``.
        ondelete: the SQL action when the referenced row is deleted, for example ``CASCADE``.
    """
    return ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{target}.organisation_id", f"{target}.id"],
        ondelete=ondelete,
    )


def among(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:
    """The SQL condition that a column has one of many ids.

    ``IN`` has a parameter for each of them, and PostgreSQL takes 65,535 at most. This is one array.
    """
    found: ColumnElement[bool] = column == any_(literal(list(ids), ARRAY(Uuid())))
    return found
