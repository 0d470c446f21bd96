"""How the runtime's threads wait for each other: spinning on one engine, asleep on the others.

At some hundred places in each token the threads wait for the slowest. Spinning, a token takes a
third of the time that it takes with threads that sleep there; but two engines that spin on the
same cores starve each other, to seconds for a token. So the first engine of a user spins, and
those that come while it runs sleep. A sleeping one beside it takes nothing from either.
"""

from __future__ import annotations

import os
from pathlib import Path

from groqnb.local import weights
from groqnb.local.errors import WeightsUnavailable
from groqnb.local.lockfile import try_lock

__all__ = ["choose", "thread_count"]

# Read by the threads' library when it is loaded; what the user sets is left alone.
_SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def choose(lock: Path | None = None) -> int | None:
    """Set the environment for the runtime, before it is imported.

    The descriptor returned holds `lock` (one in the folder of the weights, which all engines of a
    user share) for as long as this process lives; None: another has it, or the user chose.
    """
    if any(name in os.environ for name in _SETTINGS):
        return None
    try:
        held = try_lock(lock or weights.cache_dir() / "spinning.lock")
    except (OSError, WeightsUnavailable):
        # A folder that cannot be written: nobody knows of the others, so all sleep.
        held = None
    if held is None:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    # Else they spin as the library does by itself, for long: with short spins, threads that lose
    # their core to other programs lose far more.
    return held


def thread_count() -> int:
    """How many threads compute one answer: the first number of `OMP_NUM_THREADS`, if it is set."""
    chosen = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    # Above a few cores half of them are hyper-threads, which slow the arithmetic down.
    return cores if cores <= 4 else max(4, cores // 2)
