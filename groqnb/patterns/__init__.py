"""Prompt patterns as small functions: messages that ask well, and loops that ask again.

| what for | pattern |
|---|---|
| simple questions | `zero_shot` |
| a voice and its rules | `primed` |
| labels and forms | `one_shot`, `few_shot` |
| several steps | `chain_of_thought`, `guided` |
| no mistakes | `self_consistency`, `chain_of_verification` |
| facts and tools | `react` |
| short summaries | `chain_of_density` |

The first six give messages to send; the last four ask by themselves.

```python
from groqnb import patterns

messages = patterns.few_shot(
    "Sort the mail.", [("Where is my order?", "order")], "The tyre is flat."
)
patterns.self_consistency("What is 17 * 23?", samples=5).answer
```

Docs: Prompt Patterns.
"""

from __future__ import annotations

from groqnb.patterns.density import Density, chain_of_density
from groqnb.patterns.messages import (
    chain_of_thought,
    few_shot,
    final_answer,
    guided,
    one_shot,
    primed,
    zero_shot,
)
from groqnb.patterns.reacting import react
from groqnb.patterns.verification import Verified, chain_of_verification
from groqnb.patterns.votes import Vote, self_consistency

__all__ = [
    "Density",
    "Verified",
    "Vote",
    "chain_of_density",
    "chain_of_thought",
    "chain_of_verification",
    "few_shot",
    "final_answer",
    "guided",
    "one_shot",
    "primed",
    "react",
    "self_consistency",
    "zero_shot",
]
