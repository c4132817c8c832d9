"""Runs one command and prints the system's account of it, as JSON on the last line of standard error.

A process of its own, and a small one: the peak memory that the system reports of a child begins
with that of the process that started it.
"""

import json
import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
account = {
    "wall": time.perf_counter() - began,
    "cpu": usage.ru_utime + usage.ru_stime,
    "memory": usage.ru_maxrss / 1024,
    "exit": os.waitstatus_to_exitcode(status),
}
print(json.dumps(account), file=sys.stderr)
