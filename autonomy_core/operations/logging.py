"""Logs: structlog and the standard library's loggers, in one format, on standard error.

Each entry names what happened in ``event`` (``payment.settled``), with details in named values. Code must log
identifiers only, never input from a customer or Stripe: no query strings (they contain signatures), no
headers, no bodies.
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
"""How many lines may be queued before logging threads wait for the console."""

LEVELS = ("debug", "info", "warning", "error")
TALKATIVE = ("alembic", "procrastinate", "urllib3", "stripe")
"""Libraries that log every step at the level info."""


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders structlog's event dictionaries without copying the record as the base class does."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, or several lines with a traceback."""
        return self.render(record.msg) if isinstance(record.msg, dict) else super().format(record)

    def render(self, gathered: Mapping[str, Any]) -> str:
        """Return the line of an event dictionary."""
        line: Any = dict(gathered)
        for process in self.processors[1:]:
            line = process(None, line["level"], line)
        return str(line)


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to the current ``sys.stderr``.

    One thread at a time writes. Other threads append their lines to a queue without waiting, and the writing
    thread writes the queue. Lines that cannot be written, because the disk is full or the pipe is closed, are
    lost, as with every handler.
    """

    def __init__(self, formatter: LineFormatter, most_waiting: int = MOST_WAITING) -> None:
        logging.Handler.__init__(self)
        self.most_waiting = most_waiting
        self.setFormatter(formatter)
        self._render = formatter.render
        self.begin()

    def begin(self) -> None:
        """Clear the queue and the lock: in a forked process the writing thread does not exist."""
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()
        self._writer: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of the standard library."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)

    def write(self, gathered: Mapping[str, Any]) -> None:
        """Write an event dictionary without creating a record of the standard library.

        Raises:
            OSError, ValueError: it cannot be written.
        """
        self._write(self._render(gathered))

    def flush(self) -> None:
        """Write the queue, and wait until it is written."""
        self._write_waiting(wait=True)

    def _write(self, line: str) -> None:
        self._lines.append(line + self.terminator)
        self._write_waiting(wait=len(self._lines) > self.most_waiting)

    def _write_waiting(self, *, wait: bool) -> None:
        """Write the queue, unless another thread is writing.

        Args:
            wait: wait for the other thread, so that the current queue is written on return.
        """
        while self._may_write(wait=wait):
            try:
                self.stream.write("".join(self._lines.popleft() for _ in range(len(self._lines))))
                self.stream.flush()
            finally:
                self._writer = None
                self._writing.release()
            # Other threads may have added lines in the meantime, and rely on this thread to write them.
            if not self._lines:
                return

    def _may_write(self, *, wait: bool) -> bool:
        """Try to become the writing thread.

        A signal handler that interrupts a write does not wait for its own thread.
        """
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
    """Write an event directly if the console is the only handler: creating a record takes twice as long."""
    console = _only_listener(logger)
    if console is None or "exc_info" in line:
        return line
    try:
        console.write(line)
    except Exception:  # noqa: BLE001 - logging must not fail its caller
        return line
    raise structlog.DropEvent


def _only_listener(logger: logging.Logger | None) -> StandardError | None:
    """Return the console's handler if it alone gets the records of a logger.

    Return None if another handler or a filter is configured, for example by an ini file or pytest.
    """
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
    """Send all logging to standard error in one format. Calling it again changes the format.

    Levels that ``[loggers]`` in an ini file sets for loggers below the root stay.

    Args:
        log_format: ``json``, one object per line; or ``console``, for people.
        level: the lowest level that is logged, one of `LEVELS`.
    """
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = LineFormatter(foreign_pre_chain=_COMMON, processors=_rendering(log_format))
    _install(StandardError(formatter), level)


def configure_from(raw_settings: Mapping[str, Any]) -> None:
    """`configure_logging` with the keys of ``[app:main]``, which have not been validated yet."""
    log_format = raw_settings.get("autonomy.log_format", "console")
    level = raw_settings.get("autonomy.log_level", "info")
    configure_logging(log_format, level if level in LEVELS else "info")


_ENCODER = json.JSONEncoder(default=str)
"""Created once; `json.dumps` would create an encoder for each line."""


def _as_json(line: Mapping[str, Any], **_: Any) -> str:
    return _ENCODER.encode(line)


def _rendering(log_format: str) -> list[Processor]:
    """Return the processors that render a line.

    The first removes members that only the standard library's records have.
    """
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "json":
        as_text = structlog.processors.JSONRenderer(_as_json)
        return [without_meta, structlog.processors.format_exc_info, as_text]
    # The default formatter would print local variables, which may contain secrets.
    traceback = structlog.dev.plain_traceback
    colors = sys.stderr.isatty()
    return [without_meta, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=traceback)]


def _install(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    # Replace console handlers, including ours of an earlier call; keep handlers for files and collectors.
    root.handlers = [other for other in root.handlers if not _writes_to_console(other)] + [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)


def _writes_to_console(handler: Any) -> bool:
    return type(handler) in (logging.StreamHandler, StandardError)
