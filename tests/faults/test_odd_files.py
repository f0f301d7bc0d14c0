"""The short version of `make odd-files`: what no inspection may do, with files of each kind."""

from tests.faults.odd_files import examine


def test_odd_and_damaged_files_get_an_explained_verdict():
    seen = examine(files=32, seed="1", others=False)
    assert seen.problems == []
    assert min(seen.verdicts["accepted"], seen.verdicts["refused"]) > 8
