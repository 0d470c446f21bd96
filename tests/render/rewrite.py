"""Write the golden renderings anew: `python -m tests.render.rewrite`. Look at the diff."""

from __future__ import annotations

from .kinds import KINDS
from .test_golden import GOLDEN, html_of, text_of

if __name__ == "__main__":
    for path in GOLDEN.iterdir():
        path.unlink()
    for kind, answer in KINDS.items():
        (GOLDEN / f"{kind}.html").write_text(html_of(answer), encoding="utf-8")
        (GOLDEN / f"{kind}.txt").write_text(text_of(answer), encoding="utf-8")
