"""Every engine is made in engines.py, where connections get their network timeouts."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ENGINES = ROOT / "autonomy_core" / "db" / "engines.py"
TESTING = ROOT / "autonomy_core" / "testing"


def test_engines_are_made_where_they_get_their_limits():
    others = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "autonomy_core").rglob("*.py")
        if path != ENGINES and TESTING not in path.parents and "create_engine(" in path.read_text()
    ]
    assert others == []
