"""Why a request of the tus protocol is refused."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.errors import AutonomyError, Conflict, Malformed, NotAllowed


class UploadHeaderInvalid(Malformed):
    """A header of the protocol is missing or malformed."""

    code, title = "upload_header_invalid", "A header of the upload cannot be read"


class UploadVersionUnknown(AutonomyError):
    """The client speaks another version of the protocol. The header ``Tus-Version`` has ours."""

    status, code, title = 412, "upload_version_unknown", "The server speaks another version of the protocol"


class UploadOffsetWrong(Conflict):
    """The part does not begin where the upload ends. Another request may have added a part meanwhile."""

    code, title = "upload_offset_wrong", "The upload continues at another place"
    members: ClassVar = {
        "offset": {
            "type": "integer",
            "description": "with `upload_offset_wrong`: where the next part begins, in bytes",
        }
    }


class UploadInTooManyParts(Conflict):
    """The upload has as many parts as an upload may have."""

    code, title = "upload_in_too_many_parts", "The upload has too many parts"


class UploadIsFinal(NotAllowed):
    """An upload that was joined of others takes no parts."""

    code, title = "upload_is_final", "The upload was joined of others and takes no parts"


class UploadNotDirect(Conflict):
    """The upload does not go directly to the store, or the store has no signed URLs for that."""

    code, title = "upload_not_direct", "The file cannot go directly to the store"


class ChecksumWrong(AutonomyError):
    """The part is not the one that the client has sent. Nothing of it is kept.

    The status is the protocol's own.
    """

    status, code, title = 460, "upload_checksum_wrong", "The part was damaged on its way"
