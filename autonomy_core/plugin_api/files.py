"""Files outside the database: received, inspected, stored, served, removed, and part of a backup.

====================  ================================================================================
name                  what it does
====================  ================================================================================
`FileArea`            the files of a plugin; its base `StoredFiles` only says what is in a backup
`receive_upload`      receives a form with a file, an `Upload`; `fields_of` loads the rest
`UPLOAD_ID`           describes the field of a form that names a finished upload instead of a file
`run_limited`         calls a function with a file in a child process with `Limits`
`FairTurns`           shares a number of concurrent inspections among organisations
`store_upload`        stores a received file; `keep_upload` confirms it in the row's transaction
`answer_with_file`    answers with a file or a range; `file_details` describes the call
`AssembledFile`       a file made of stored ones, such as an archive; `answer_with_assembled` sends it
`Download`            whose download it is, for the hook ``on_download``
`attachment`          the header that names the file that the browser saves
`SignedLinks`         links that open without a header; `LinkQuery` describes them
`stored_keys`         and `delete_unreferenced` remove files that no row refers to
`Storage`             what keeps the files; `storage_of` returns it
====================  ================================================================================
"""

from __future__ import annotations

from autonomy_core.files.area import FileArea
from autonomy_core.files.assembly import AssembledFile, Part, StoredPart, size_of
from autonomy_core.files.authenticator import LinkQuery, SignedLinks
from autonomy_core.files.collecting import delete_unreferenced, stored_keys
from autonomy_core.files.disposition import attachment
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.files.limited import ChildFailed, LimitReached, Limits, run_limited
from autonomy_core.files.marks import UnreferencedFileMark
from autonomy_core.files.receiving import RECEIVING_ERRORS, fields_of, receive_upload
from autonomy_core.files.responses import Download, answer_with_assembled, answer_with_file, file_details
from autonomy_core.files.services import ServedFile, keep_upload, key_of, storage_of, store_upload
from autonomy_core.files.storage import Storage
from autonomy_core.files.upload import UPLOAD_ID, Upload
from autonomy_core.kernel.files import StoredFiles
from autonomy_core.turns import FairTurns, TurnsBusy

__all__ = [
    "RECEIVING_ERRORS",
    "UPLOAD_ID",
    "AssembledFile",
    "ChildFailed",
    "Download",
    "FairTurns",
    "FileArea",
    "LimitReached",
    "Limits",
    "LinkQuery",
    "Part",
    "ServedFile",
    "SignedLinks",
    "Storage",
    "StorageUnavailable",
    "StoredFiles",
    "StoredPart",
    "TurnsBusy",
    "UnreferencedFileMark",
    "Upload",
    "answer_with_assembled",
    "answer_with_file",
    "attachment",
    "delete_unreferenced",
    "fields_of",
    "file_details",
    "keep_upload",
    "key_of",
    "receive_upload",
    "run_limited",
    "size_of",
    "storage_of",
    "store_upload",
    "stored_keys",
]
