"""The ``autonomy`` command."""


def main() -> None:
    """Nothing yet."""
