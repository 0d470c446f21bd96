"""Speech: Kokoro-82M with 8-bit weights, run by onnxruntime.

It takes sounds, not letters (`phonemes`), at most 510 of them at a time, and a voice: a table with
one vector for each number of sounds. About 0.6 s of two cores go into a second of speech.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

__all__ = ["RATE", "VOICES", "Kokoro", "missing_package", "pieces"]

#: Samples a second of what it makes.
RATE = 24_000
#: The voices in the file of voices, in its order: a language, a sex, a name.
VOICES = (
    *("af_aoede", "af_bella", "af_heart", "af_kore", "af_nova", "af_sarah", "af_sky"),
    *("am_echo", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck"),
    *("bf_emma", "bm_daniel", "bm_fable", "bm_george", "bm_lewis", "ff_siwis"),
)

_MOST_SOUNDS = 510
_ROWS, _WIDTH = 510, 256
# The numbers of its sounds: those in a row count on from the first.
# fmt: off
_RUNS = {
    1: ";:,.!?", 9: '—…"()“” \u0303ʣʥʦʨᵝꭧAI', 31: "O", 33: "Q", 35: "ST", 39: "W",
    41: "Yᵊabcdef", 50: "hijklmnopqrstuvwxyzɑɐɒæ", 75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ", 90: "ɟ",
    92: "ɡ", 99: "ɥ", 101: "ɨɪʝ", 110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ",
    128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ", 142: "χʎ", 147: "ʒʔ", 156: "ˈˌː", 162: "ʰ", 164: "ʲ",
    169: "↓", 171: "→↗↘", 177: "ᵻ",
}
# fmt: on
_SYMBOLS = {
    sign: number for first, signs in _RUNS.items() for number, sign in enumerate(signs, first)
}


def missing_package() -> str | None:
    """The package of the extra "speech" that is not installed, None when all of them are."""
    return next((name for name in ("onnxruntime", "av", "numpy") if find_spec(name) is None), None)


class Kokoro:
    """The model, loaded. Not thread-safe."""

    def __init__(self, model: Path, voices: Path, threads: int) -> None:
        import numpy as np

        # Read by numpy and the runtime when they are imported first.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that spin between two steps starve the language model beside them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._voices: Any = np.memmap(voices, np.float32, "r").reshape(-1, _ROWS, _WIDTH)

    def say(self, sounds: str, voice: str, speed: float) -> Sound:
        """Mono samples between -1 and 1. `sounds` are at most 510, `voice` one of VOICES."""
        import numpy as np

        tokens = [_SYMBOLS[sign] for sign in sounds if sign in _SYMBOLS][:_MOST_SOUNDS]
        if not tokens:
            return np.zeros(0, np.float32)
        style = self._voices[VOICES.index(voice), len(tokens) - 1]
        found = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": np.array(style, np.float32).reshape(1, _WIDTH),
                "speed": np.array([speed], np.float32),
            },
        )
        sound: Sound = np.clip(found[0].ravel(), -1, 1).astype(np.float32)
        return sound


def pieces(sounds: str, most: int = _MOST_SOUNDS) -> list[str]:
    """`sounds` in pieces of at most `most`: after a sentence's end, a pause, or between words.

    >>> pieces("ə bˈi. ə sˈi, ə dˈi.", 15)
    ['ə bˈi.', 'ə sˈi, ə dˈi.']
    """
    found: list[str] = []
    rest = sounds.strip()
    while len(rest) > most:
        head = rest[: most + 1]
        for ends in (".!?…", ",;:—", " "):
            cut = max(head.rfind(f"{end} " if end != " " else " ") for end in ends)
            if cut > 0:
                break
        else:
            cut = most - 1
        found.append(rest[: cut + 1].strip())
        rest = rest[cut + 1 :].strip()
    return [*found, rest] if rest else found
