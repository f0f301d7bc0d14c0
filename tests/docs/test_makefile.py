"""Messages of ``make``."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_test_with_a_name_that_no_test_has_says_so():
    # Treat the environment of these tests as the Makefile's installed one.
    here = [f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.installed"]
    chosen = ["T=nosuch", "ARGS=-p no:cacheprovider tests/unit/autonomy_core/test_texts.py"]
    done = subprocess.run(["make", "test", *here, *chosen], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'No test was run: no test\'s name contains "nosuch"' in done.stderr
