"""Logs: structlog and the standard library's loggers, in one format, on the standard error.

A line says what happened in ``event`` (``payment.settled``), and the rest in named values. Whoever logs passes
identifiers, never what a customer or Stripe sent: no query strings (they hold signatures), no headers, no bodies.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

MOST_WAITING = 10_000
"""So many lines may wait for the console to take them; then whoever logs waits too."""

LEVELS = ("debug", "info", "warning", "error")
TALKATIVE = ("alembic", "procrastinate", "urllib3", "stripe")
"""Libraries that tell every step at the level info."""


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders what structlog has gathered without the copies of the record that a chain for any logger needs."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several with a traceback."""
        return self.render(record.msg) if isinstance(record.msg, dict) else super().format(record)

    def render(self, gathered: Mapping[str, Any]) -> str:
        """The same, of what structlog has gathered."""
        line: Any = dict(gathered)
        for process in self.processors[1:]:
            line = process(None, line["level"], line)
        return str(line)


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at that moment.

    What structlog has gathered waits for nobody's line to be written: who is writing writes that of everybody who comes
    meanwhile. Lines that cannot be written, because the disk is full or the pipe closed, are lost, as with every handler.
    """

    def __init__(self, formatter: LineFormatter) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(formatter)
        self._render = formatter.render
        self.begin()

    def begin(self) -> None:
        """Forget what waits, and who is writing: in a forked process neither will ever end."""
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()
        self._writer: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of the standard library's."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)

    def write(self, gathered: Mapping[str, Any]) -> None:
        """Write what structlog has gathered, without a record of the standard library's.

        Raises:
            OSError, ValueError: it cannot be written.
        """
        self._write(self._render(gathered))

    def flush(self) -> None:
        """Write what waits, and wait until it is written."""
        self._write_waiting(wait=True)

    def _write(self, line: str) -> None:
        self._lines.append(line + self.terminator)
        self._write_waiting(wait=len(self._lines) > MOST_WAITING)

    def _write_waiting(self, *, wait: bool) -> None:
        """Write what waits, unless somebody else does that.

        Args:
            wait: until nobody else does, so that all that waits now is written in the end.
        """
        while self._may_write(wait=wait):
            try:
                self.stream.write("".join(self._lines.popleft() for _ in range(len(self._lines))))
                self.stream.flush()
            finally:
                self._writer = None
                self._writing.release()
            # What has come since was left to us.
            if not self._lines:
                return

    def _may_write(self, *, wait: bool) -> bool:
        """Whether it is for this thread to write. One that logs while it writes, in a signal handler, does not wait for itself."""
        here = threading.get_ident()
        if self._writer == here or not self._writing.acquire(blocking=wait):
            return False
        self._writer = here
        return True

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The stream."""
        return sys.stderr


def _begin_in_forked_process() -> None:
    for handler in logging.root.handlers:
        if isinstance(handler, StandardError):
            handler.begin()


os.register_at_fork(after_in_child=_begin_in_forked_process)


def _written_at_once(
    logger: logging.Logger, _: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Write a line at once where nobody but the console listens: to make a record of it takes twice as long."""
    console = _only_listener(logger)
    if console is None or "exc_info" in line:
        return line
    try:
        console.write(line)
    except Exception:  # noqa: BLE001 - the disk is full, the pipe closed: the standard library lets nobody know, and goes on
        return line
    raise structlog.DropEvent


def _only_listener(logger: logging.Logger | None) -> StandardError | None:
    """The console's handler, unless an ini file, a collector or pytest has others listen, or filter."""
    handlers = logging.root.handlers
    console = handlers[0] if len(handlers) == 1 else None
    if type(console) is not StandardError or console.filters or console.level:
        return None
    while logger is not None and logger is not logging.root:
        if logger.handlers or logger.filters or not logger.propagate:
            return None
        logger = logger.parent
    return console


_PROCESSORS: list[Processor] = [
    structlog.stdlib.filter_by_level,
    *_COMMON,
    _written_at_once,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def configure_logging(log_format: str = "console", level: str = "info") -> None:
    """Route all logging to the standard error in one format. Calling it again changes the format.

    Levels that ``[loggers]`` in an ini file gave to loggers below the root are kept.

    Args:
        log_format: ``json``, an object a line; or ``console``, for people.
        level: the least that is logged; of `LEVELS`.
    """
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = LineFormatter(foreign_pre_chain=_COMMON, processors=_rendering(log_format))
    _install(StandardError(formatter), level)


def configure_from(raw_settings: Mapping[str, Any]) -> None:
    """`configure_logging` by the keys of ``[app:main]``, which nobody has checked yet."""
    log_format = raw_settings.get("autonomy.log_format", "console")
    level = raw_settings.get("autonomy.log_level", "info")
    configure_logging(log_format, level if level in LEVELS else "info")


_ENCODER = json.JSONEncoder(default=str)
"""Made once; `json.dumps` makes one for each line."""


def _as_json(line: Mapping[str, Any], **_: Any) -> str:
    return _ENCODER.encode(line)


def _rendering(log_format: str) -> list[Processor]:
    """What makes a line; the first of them removes what only the standard library's records have."""
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "json":
        as_text = structlog.processors.JSONRenderer(_as_json)
        return [without_meta, structlog.processors.format_exc_info, as_text]
    # The default would show the frames' local variables, and with them secrets.
    traceback = structlog.dev.plain_traceback
    colors = sys.stderr.isatty()
    return [without_meta, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=traceback)]


def _install(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    # Those for the console, ours of an earlier call included; a file's or a collector's stay.
    root.handlers = [other for other in root.handlers if not _writes_to_console(other)] + [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)


def _writes_to_console(handler: Any) -> bool:
    return type(handler) in (logging.StreamHandler, StandardError)
