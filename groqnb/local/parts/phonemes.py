"""Text as the sounds that Kokoro's voices were trained on, by way of espeak-ng.

espeak-ng is under the GPL-3. It comes with the optional package espeakng-loader, is found at the
first text, and is loaded into the engine's own process only. It reads numbers and abbreviations;
punctuation, which it would swallow, is kept for the voice, which pauses and asks by it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import tempfile
import threading
from importlib.util import find_spec
from typing import Any

__all__ = ["Phonemes", "missing_package"]

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: no sound card is opened
_NO_EXIT = 0x8000
_UTF8 = 1
# IPA, with a tie between the letters of one sound.
_TIED_IPA = 0x02 | 0x80 | (ord("^") << 8)
# It cuts longer paths off.
_LONGEST_PATH = 150

#: What ends a clause. A full stop does so before a capital letter or the like only ("e.g. this").
_CLAUSE_END = re.compile(r"([,;:!?…—]|\.+)[\"'”’)\]]*(?=\s|$)")
_INITIALS = re.compile(r"\b[A-Za-z](?:\.[A-Za-z])+$")
_TITLES = re.compile(r"\b(Dr|Jr|Mr|Mrs|Ms|Prof|Sr|St|vs)\.(?=\s)")
_MONEY = re.compile(
    r"([$£€])\s?(\d[\d,]*)(?:\.(\d\d))?(?!\d)(\s(?:hundred|thousand|[bmtr]+illion))?"
)
_CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}

# From espeak-ng's IPA to Kokoro's, the longest first (after misaki, Apache-2.0).
_SOUNDS = (
    ("e^ə", "ɛː"),
    ("ʔˌn\u0329", "tn"),
    ("ʔn\u0329", "tn"),
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
    ("ə^l", "ᵊl"),
    ("ʲo", "jo"),
    ("ʲə", "jə"),
)
_ENGLISH = (("e", "A"), ("ʲ", ""), ("ɚɹ", "əɹ"), ("ɚ", "əɹ"), ("r", "ɹ"), ("x", "k"), ("ç", "k"))
_ENGLISH_REST = (("ɐ", "ə"), ("ɬ", "l"), ("\u0303", ""), ("ʔ", "t"))
_AMERICAN = (
    ("o^ʊ", "O"),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɪə", "iə"),
    ("ː", ""),
    ("ɾ", "T"),
)
_BRITISH = (("iə", "ɪə"), ("ə^ʊ", "Q"), ("ɾ", "T"))
_ROMANCE = (("d^z", "ʣ"), ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("t^s", "ʦ"))


def missing_package() -> str | None:
    """The package of the extra "voice" that is not installed, None when it is."""
    return "espeakng_loader" if find_spec("espeakng_loader") is None else None


class Phonemes:
    """espeak-ng, loaded at the first text. Thread-safe."""

    def __init__(self) -> None:
        self._library: Any = None
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def of(self, text: str, voice: str) -> str:
        """The sounds of `text`, with its punctuation. `voice` is espeak-ng's: en-us, en, fr.

        Raises RuntimeError where espeak-ng cannot be loaded, or has no such voice.
        """
        if voice.startswith("en"):
            text = _MONEY.sub(_amount, _TITLES.sub(r"\1", text))
        with self._lock:
            if self._library is None:
                self._library = self._load()
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise RuntimeError(f"espeak-ng has no voice {voice!r}")
            said = [f"{self._clause(clause)}{sign}" for clause, sign in _clauses(text)]
        return _as_kokoro(" ".join(filter(None, said)), voice)

    def _load(self) -> Any:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        data = espeakng_loader.get_data_path()
        if len(data) > _LONGEST_PATH:
            # Voices are read from there later on: the folder stays as long as this.
            self._folder = tempfile.TemporaryDirectory(prefix="groqnb-espeak-")
            short = os.path.join(self._folder.name, "espeak-ng-data")
            with contextlib.suppress(OSError):
                os.symlink(data, short)
                data = short
        if library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data), _NO_EXIT) < 0:
            raise RuntimeError("espeak-ng cannot be initialised")
        return library

    def _clause(self, clause: str) -> str:
        raw = ctypes.create_string_buffer(clause.encode("utf-8", "ignore"))
        place = ctypes.c_void_p(ctypes.addressof(raw))
        found: list[str] = []
        # It may see several clauses where we see one; each call takes one of its own.
        while place.value:
            part = self._library.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _TIED_IPA)
            if part:
                found.append(part.decode("utf-8", "ignore").strip())
        return " ".join(filter(None, found))


def _clauses(text: str) -> list[tuple[str, str]]:
    """The clauses of a text, each with the sign that ends it."""
    found: list[tuple[str, str]] = []
    start = 0
    for end in _CLAUSE_END.finditer(text):
        sign = end[1]
        if sign == ".":
            follows = text[end.end() :].lstrip()[:1]
            if follows.islower() or (
                follows.isdigit() and _INITIALS.search(text, start, end.start())
            ):
                continue
        elif sign[0] == ".":
            sign = "…"
        clause = text[start : end.start()].strip()
        if clause:
            found.append((clause, sign))
        start = end.end()
    if rest := text[start:].strip():
        found.append((rest, ""))
    return found


def _amount(found: re.Match[str]) -> str:
    """An amount of money in the order in which it is read; espeak-ng reads the sign first."""
    sign, whole, part, scale = found.groups()
    coin, small = _CURRENCIES[sign]
    whole = whole.replace(",", "")
    if scale:
        return f"{whole}{'.' + part if part else ''}{scale} {coin}s"
    said = f"{whole} {coin}{'' if whole == '1' else 's'}"
    if part and part != "00":
        many = {"penny": "pence"}.get(small, f"{small}s")
        said += f" and {int(part)} {small if part == '01' else many}"
    return said


def _as_kokoro(ipa: str, voice: str) -> str:
    # A language is switched for a foreign word: "(fr)" and "(en)", tied, are no sounds.
    ipa = re.sub(r"\([a-z^-]+\)", "", ipa)
    english = voice.startswith("en")
    regional = _AMERICAN if voice == "en-us" else _BRITISH
    for old, new in (*_SOUNDS, *((*_ENGLISH, *_ENGLISH_REST, *regional) if english else _ROMANCE)):
        ipa = ipa.replace(old, new)
    if english:
        ipa = re.sub(r"(\S)\u0329", r"ᵊ\1", ipa).replace("\u0329", "")
    return re.sub(r"\s+", " ", ipa.replace("^", "").replace("-", "")).strip()
