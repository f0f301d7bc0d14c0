"""Whose mail a process hands over now: one connection for each organisation, and few at once."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


class TooManyTurns(Exception):
    """As many organisations as possible have their turn."""


@dataclass(slots=True, eq=False)
class Turn:
    """The turn of an organisation.

    Attributes:
        organisation_id: the organisation.
        is_wanted_again: whether more mail has arrived since the turn began.
    """

    organisation_id: str
    is_wanted_again: bool = False


class Turns:
    """The organisations whose mail the threads of this process hand over.

    A slow mail server keeps one thread for each organisation, and never more than ``most`` threads, so that
    the worker's other threads run other jobs.

    Args:
        most: how many organisations have their turn at the same time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._turns: dict[str, Turn] = {}

    def begin(self, organisation_id: str) -> Turn | None:
        """Begin an organisation's turn; None if another thread has it and looks again before its end.

        Raises:
            TooManyTurns: try again later.
        """
        with self._lock:
            current = self._turns.get(organisation_id)
            if current is not None:
                current.is_wanted_again = True
                return None
            if len(self._turns) >= self._most:
                raise TooManyTurns
            turn = self._turns[organisation_id] = Turn(organisation_id)
            return turn

    def end_unless_wanted(self, turn: Turn) -> bool:
        """End a turn; return False if more mail has arrived, so that the turn goes on."""
        with self._lock:
            if turn.is_wanted_again:
                turn.is_wanted_again = False
                return False
            self._remove(turn)
            return True

    def end(self, turn: Turn) -> None:
        """End a turn, if it has not ended. A later turn of the organisation goes on."""
        with self._lock:
            self._remove(turn)

    def _remove(self, turn: Turn) -> None:
        if self._turns.get(turn.organisation_id) is turn:
            del self._turns[turn.organisation_id]
