"""`ddf.groq`: maps over the rows of Dask's frames, a partition at a time, on one or many machines.

`frames` is what the user sees: it checks a call and puts it into Dask's graph. `partition` is what
a worker does with a partition: the very map of a pandas frame. `budget` has all workers keep to
one budget of requests and tokens, which lives on Dask's scheduler.
"""

from __future__ import annotations

__all__: list[str] = []
