"""The table of keys and of the answers that were given for them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped


class IdempotencyKey(OrganisationScoped, Base):
    """A key that a request in progress holds, or the stored answer of a finished request.

    Attributes:
        key_hash: the hash of the claim: caller, method, path and key.
        attempt: the request that holds the key, or held it last.
        began_at: when that request began.
        valid_until: the end of the lease, or of the answer's lifetime. An expired row counts as absent.
        fingerprint: the hash of the body; NULL while in progress, empty if the answer must not be replayed.
        most_bytes: how many bytes of a repeated request's body are read.
        answer: the encrypted answer; NULL while in progress, and if it could not be stored.
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
