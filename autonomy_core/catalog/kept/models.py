"""The table of the catalogues' versions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Mapped

from autonomy_core.db.base import Base, OrganisationScoped


class CatalogueVersion(OrganisationScoped, Base):
    """The version of an organisation's catalogue, a random number. Only the triggers write it.

    A number that counts would be used again after a restoration, for another content.
    """

    __tablename__ = "catalogue_versions"

    version: Mapped[UUID]
