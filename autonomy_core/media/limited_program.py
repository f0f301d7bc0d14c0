"""Limits a process, and then replaces it by a program.

Its arguments are CPU_SECONDS, MEMORY_BYTES, FILE_BYTES, the id of the parent process, the PROGRAM and its
arguments. It limits itself first, so that a malicious file can end this process and no other. It imports the
standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


def limit_process(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Limit processor time, memory and the size of files, and forbid dumping core.

    Args:
        cpu_s: processor time, in seconds.
        memory_bytes: the address space.
        file_bytes: the size of a file that the process writes; 0 allows pipes only.
    """
    for kind, most, beyond in (
        (resource.RLIMIT_AS, memory_bytes, 0),
        (resource.RLIMIT_CPU, cpu_s, 1),
        (resource.RLIMIT_FSIZE, file_bytes, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most + beyond if hard == resource.RLIM_INFINITY else min(most + beyond, hard)
        resource.setrlimit(kind, (min(most, bound), bound))


def isolate_process() -> None:
    """Leave the network and give up new privileges, as far as the system allows it.

    Without these calls, or where a container forbids them, the program's own options forbid the network.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # The program ends with the process that waits for it, also if that is killed.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    """Limit this process, and execute the program."""
    cpu_s, memory_bytes, file_bytes, parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        isolate_process()
        if os.getppid() != int(parent):  # it ended before the call above
            sys.exit(1)
    limit_process(int(cpu_s), int(memory_bytes), int(file_bytes))
    os.execv(program, [program, *arguments])  # noqa: S606 - a path that `find_ffmpeg` returned


if __name__ == "__main__":
    main()
