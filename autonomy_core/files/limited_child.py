"""The child process of `limited.run_limited`.

``python -I -B -m autonomy_core.files.limited_child FUNCTION PATH CPU_SECONDS MEMORY_BYTES`` limits itself
before it imports the function or opens the file, so that a malicious file can end this process and no other.
It imports the standard library only.
"""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import sys
from pathlib import Path


def limit_process(cpu_s: int, memory_bytes: int) -> None:
    """Limit processor time and memory, and forbid writing files and dumping core.

    Args:
        cpu_s: processor time, in seconds.
        memory_bytes: the address space.
    """
    for kind, most, beyond in (
        (resource.RLIMIT_AS, memory_bytes, 0),
        # The system sends SIGXCPU at the soft limit, and SIGKILL at the hard one, as when memory is short.
        (resource.RLIMIT_CPU, cpu_s, 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most + beyond if hard == resource.RLIM_INFINITY else min(most + beyond, hard)
        resource.setrlimit(kind, (min(most, bound), bound))


def main() -> None:
    """Call the function with the path, and write what it returns to the standard output, as JSON."""
    function, path, cpu_s, memory_bytes = sys.argv[1:]
    limit_process(int(cpu_s), int(memory_bytes))
    # What the function itself prints goes to the standard error, and does not damage the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    try:
        document = json.dumps({"answer": pkgutil.resolve_name(function)(Path(path))})
    except MemoryError:
        document = json.dumps({"limit": "memory"})
    with answer:
        answer.write(document)


if __name__ == "__main__":
    main()
