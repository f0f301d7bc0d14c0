"""The table of keys that are in use, and of the answers given under them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped


class IdempotencyKey(OrganisationScoped, Base):
    """A key: held by a request that is under way, or with the answer of one that was carried out.

    Attributes:
        key_hash: stands for the key, and for whose it is and what it was sent to.
        attempt: the request that holds it, or held it last.
        valid_until: the end of the lease, or of the time for which the answer is given; afterwards the row is as good
            as none.
        fingerprint: stands for the body; empty once nobody is told the answer any more, NULL while under way.
        most_bytes: how much of a repeated request's body is read.
        answer: sealed; NULL while under way, and where it could not be kept.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "organisation_id", "valid_until"),)

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[UUID]
    began_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    fingerprint: Mapped[str | None]
    most_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
