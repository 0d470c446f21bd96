"""What was said in a recording: text, times, quality, subtitles."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.hearing.quality import Thresholds, reasons
from groqnb.hearing.stitching import HeardSegment, HeardWord, join_text
from groqnb.types.errors import ParameterError
from groqnb.types.new_file import NewFile

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.hearing.recipe import Recipe
    from groqnb.hearing.sources import Source
    from groqnb.hearing.splitting import Envelope

__all__ = ["Transcript"]

_SEGMENT_COLUMNS = (
    "start",
    "end",
    "text",
    "avg_logprob",
    "no_speech_prob",
    "compression_ratio",
    "temperature",
    "part",
)
_ENDINGS = (".txt", ".srt", ".vtt", ".json", ".csv")


@dataclass(eq=False, repr=False)
class Transcript:
    """What was said in a recording, as `groqnb.transcribe` gives it.

    Attributes:
        name: what was transcribed, for people: "talk.mp3".
        model: the model that was asked; `answered` is the one that did, as the local engine says.
        task: "transcribe" or "translate".
        language: the language that was spoken, as the model names it, or None.
        duration: seconds of the recording.
        cost: US dollars, with the ten seconds billed at least for each request; 0 for the local
            engine, None where the price is not known.
        thresholds: from where on segments are flagged; they can be changed.
        parts: in how many requests it was sent; `resumed` of them were known from an earlier run.

    ```python
    talk = groqnb.transcribe("talk.mp3")
    print(talk.text)
    talk.segments[["start", "end", "text"]]
    Path("talk.srt").write_text(talk.to_srt())
    ```
    """

    name: str
    model: str
    task: str
    language: str | None
    duration: float
    cost: float | None
    thresholds: Thresholds
    parts: int = 1
    resumed: int = 0
    answered: str = ""
    where: str = "cloud"
    _segments: Sequence[HeardSegment] = field(default=())
    _words: Sequence[HeardWord] = field(default=())
    _envelope: Envelope = field(default=None)  # type: ignore[assignment]
    _source: Source | None = None
    _recipe: Recipe | None = None

    @property
    def text(self) -> str:
        """All that was said."""
        return join_text(segment.text for segment in self._segments)

    @property
    def segments(self) -> pd.DataFrame:
        """The segments: `start` and `end` in seconds of the whole recording, `text`,
        `avg_logprob`, `no_speech_prob`, `compression_ratio`, `temperature` (missing where the
        model did not say), and `part`, the request it came with.
        """
        return self._frame(self._segments)

    @property
    def words(self) -> pd.DataFrame:
        """The words: `word`, `start` and `end` in seconds; empty where they were not asked for."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(
            {
                "word": pd.Series([word.word for word in self._words], dtype="string"),
                "start": pd.Series([word.start for word in self._words], dtype="float64"),
                "end": pd.Series([word.end for word in self._words], dtype="float64"),
            }
        )
        return frame

    @property
    def flags(self) -> pd.DataFrame:
        """The segments that may be wrong by the `thresholds`, with the `reasons`; their index is
        that of `segments`.

        ```python
        talk.thresholds.avg_logprob = -0.3
        talk.flags[["start", "text", "reasons"]]
        ```
        """
        import pandas as pd

        frame = self.segments
        why = [", ".join(reasons(segment, self.thresholds)) for segment in self._segments]
        frame.insert(3, "reasons", pd.Series(why, dtype="string"))
        flagged: pd.DataFrame = frame[[*map(bool, why)] if why else slice(None)]
        return flagged

    def retry(
        self,
        *,
        prompt: str | None = None,
        model: str | None = None,
        language: str | None = None,
        temperature: float | None = None,
        keep: str = "better",
    ) -> Transcript:
        """Hear the flagged segments again, with another prompt, model, language or temperature.

        Segments side by side are sent as one. With `keep="better"` what comes back takes their
        place only where it is surer of its words (a higher `avg_logprob`) or is no longer flagged;
        `keep="always"` takes it in any case. The result is a new transcript; this one stays.

        Raises ParameterError where the recording is no longer there, and what a call raises.

        ```python
        better = talk.retry(prompt="Groq, LPU, Kubernetes", model="whisper-large-v3")
        len(talk.flags), len(better.flags)
        ```
        """
        from groqnb.hearing.retrying import retried

        return retried(self, keep, prompt, model, language, temperature)

    def to_srt(self) -> str:
        """Subtitles as a SubRip file: two lines of at most 42 characters a cue, at most 7 s.

        ```python
        Path("talk.srt").write_text(talk.to_srt(), encoding="utf-8")
        ```
        """
        from groqnb.hearing.subtitles import srt

        return srt(self._segments, self._words)

    def to_vtt(self) -> str:
        """Subtitles as a WebVTT file, for browsers: as `to_srt`, escaped.

        ```python
        Path("talk.vtt").write_text(talk.to_vtt(), encoding="utf-8")
        ```
        """
        from groqnb.hearing.subtitles import vtt

        return vtt(self._segments, self._words)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, in the form of the API's `verbose_json`."""
        return {
            "task": self.task,
            "language": self.language,
            "duration": self.duration,
            "text": self.text,
            "segments": [
                {"id": number, **{name: getattr(segment, name) for name in _SEGMENT_COLUMNS[:7]}}
                for number, segment in enumerate(self._segments)
            ],
            "words": [{"word": w.word, "start": w.start, "end": w.end} for w in self._words],
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, whole or not at all; its ending says how: .txt, .srt, .vtt, .json
        or .csv (the segments). Returns the path.

        Raises ParameterError for another ending, OSError where the file cannot be written.

        ```python
        talk.save("talk.vtt")
        ```
        """
        ending = Path(path).suffix.lower()
        if ending not in _ENDINGS:
            raise ParameterError(
                f"A transcript is not saved as {ending or 'a file without an ending'}.",
                hint=f"Name it {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}.",
            )
        if ending == ".json":
            content = json.dumps(self.to_dict(), ensure_ascii=False, indent=1)
        elif ending == ".csv":
            content = self.segments.to_csv(index=False, lineterminator="\n")
        else:
            content = {".srt": self.to_srt, ".vtt": self.to_vtt}.get(ending, self._plain)()
        new = NewFile(path)
        try:
            new.file.write(content.encode())
            return new.finish()
        except BaseException:
            new.give_up()
            raise

    def plot(self, ax: Any = None) -> Any:
        """The waveform, each segment in the colour of how sure the model was of it.

        `ax` is a matplotlib axes to draw into, a new figure's by default; it is returned. Raises
        GroqnbError without matplotlib.

        ```python
        talk.plot()
        ```
        """
        from groqnb.hearing.drawing import draw

        return draw(self, ax)

    def _plain(self) -> str:
        return self.text + "\n"

    def _frame(self, segments: Sequence[HeardSegment]) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {}
        for name in _SEGMENT_COLUMNS:
            kind = {"text": "string", "part": "int64"}.get(name, "float64")
            columns[name] = pd.Series([getattr(each, name) for each in segments], dtype=kind)
        frame: pd.DataFrame = pd.DataFrame(columns)
        return frame

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from groqnb.render.transcripts import transcript_bundle

        return transcript_bundle(self)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        count = len(self._segments)
        return (
            f"Transcript({self.name!r}, {self.duration:.1f} s, {count} "
            f"segment{'' if count == 1 else 's'}, {self.model})"
        )
