"""Signed URLs of S3 are those of the published example."""

from __future__ import annotations

from datetime import UTC, datetime

from autonomy_core.files.presigning import Signer

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, "Example: A GET Request"
SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
URL = "https://examplebucket.s3.amazonaws.com/test.txt"
NOW = datetime(2013, 5, 24, tzinfo=UTC)


def test_the_published_example_has_its_signature() -> None:
    assert SIGNER.presigned(URL, NOW, 86400, {}) == (
        f"{URL}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_parameters_of_the_answer_are_encoded_and_signed() -> None:
    named = {"response-content-disposition": "attachment; filename=\"a b.mp3\"; filename*=UTF-8''%C3%87"}
    url = SIGNER.presigned(URL, NOW, 60, named)

    assert "attachment%3B%20filename%3D%22a%20b.mp3%22%3B%20filename%2A%3DUTF-8%27%27%25C3%2587" in url
    assert url.rpartition("=")[2] != SIGNER.presigned(URL, NOW, 60, {}).rpartition("=")[2]
