"""Which segments of a transcript may be wrong, by what the model says of them.

Docs: Speech to Text, Understanding Metadata Fields; Quality Thresholds and Regular Monitoring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from groqnb.hearing.stitching import HeardSegment
from groqnb.types.errors import ParameterError

__all__ = ["Thresholds", "confidence", "reasons"]


@dataclass(slots=True)
class Thresholds:
    """From where on a segment is flagged; None looks at no such thing.

    Attributes:
        avg_logprob: below it, the model was unsure of its words (0 is certain; the documentation
            calls -0.5 a sign of trouble).
        no_speech_prob: above it, there may be no speech at all, 0 to 1.
        compression_ratio: above it, the text repeats itself.
        compression_ratio_low: below it, the text is odd; short texts are low by nature.

    ```python
    transcript.thresholds.avg_logprob = -0.3
    transcript.flags
    ```
    """

    avg_logprob: float | None = -0.5
    no_speech_prob: float | None = 0.6
    compression_ratio: float | None = 2.4
    compression_ratio_low: float | None = None

    @classmethod
    def of(cls, given: Thresholds | Mapping[str, Any] | None) -> Thresholds:
        """Thresholds by name, the others as documented. Raises ParameterError."""
        if given is None:
            return cls()
        if isinstance(given, Thresholds):
            return given
        known = [field.name for field in fields(cls)]
        for name, value in given.items():
            if name not in known:
                from difflib import get_close_matches

                near = get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}."
                raise ParameterError(f"There is no threshold {name!r}.", hint=hint)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and (not number or math.isnan(value)):
                raise ParameterError(f"The threshold {name} is {value!r}; it is a number or None.")
        return cls(**given)


def reasons(segment: HeardSegment, limits: Thresholds) -> list[str]:
    """Why a segment is flagged, nothing where it is not.

    ```python
    >>> reasons(HeardSegment(0, 1, "Hm", avg_logprob=-1.2), Thresholds())
    ['unsure of its words']

    ```
    """
    found = []
    logprob, silent = segment.avg_logprob, segment.no_speech_prob
    ratio = segment.compression_ratio
    if logprob is not None and limits.avg_logprob is not None and logprob < limits.avg_logprob:
        found.append("unsure of its words")
    if silent is not None and limits.no_speech_prob is not None and silent > limits.no_speech_prob:
        found.append("perhaps no speech")
    if ratio is not None:
        if limits.compression_ratio is not None and ratio > limits.compression_ratio:
            found.append("repeats itself")
        if limits.compression_ratio_low is not None and ratio < limits.compression_ratio_low:
            found.append("odd text")
    return found


def confidence(segment: HeardSegment) -> float | None:
    """How sure the model was of an average token, 0 to 1; None where it did not say."""
    if segment.avg_logprob is None:
        return None
    return min(1.0, math.exp(segment.avg_logprob))
