"""All benchmarks, as one table: ``python -m tests.benchmarks [NAME ...] [--check]``.

Each row is a ratio against a peer, measured in the same run on the same machine. ``--check`` ends
with code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.benchmarks.table import Row, as_text, misses


def main() -> int:
    """Run the benchmarks named, or all, and print the table."""
    known = sorted(p.stem.removeprefix("bench_") for p in Path(__file__).parent.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*known, []], help=", ".join(known))
    parser.add_argument("--check", action="store_true", help="fail when a goal is missed")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.names or known:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"tests.benchmarks.bench_{name}").rows()
    print(as_text(rows))
    missed = misses(rows)
    return int(options.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
