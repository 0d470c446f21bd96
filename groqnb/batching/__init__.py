"""Maps through the Batch API: the same rows and answers, within a day or a week, at half the price.

How rows go: `lines` makes a line of JSON of each, `making` puts the new ones into files (shards),
`sending` uploads these and starts their batches, `watching` looks how they do, `collecting` takes
the answers in and `billing` notes what they cost. What was done is on disk (`shards`, in the file
of the map's answers) before the next step is taken, so a process that is killed at any moment sends
nothing twice, and another one goes on where it was.

Docs: Batch Processing.
"""

from __future__ import annotations

from groqnb.batching.known import batch_ids

__all__ = ["batch_ids"]
