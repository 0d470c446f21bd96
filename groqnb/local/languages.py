"""The languages that Whisper knows, by their code."""

from __future__ import annotations

__all__ = ["LANGUAGES", "whisper_code"]

_NAMES = """
af Afrikaans|am Amharic|ar Arabic|as Assamese|az Azerbaijani|ba Bashkir|be Belarusian|bg Bulgarian|
bn Bengali|bo Tibetan|br Breton|bs Bosnian|ca Catalan|cs Czech|cy Welsh|da Danish|de German|
el Greek|en English|es Spanish|et Estonian|eu Basque|fa Persian|fi Finnish|fo Faroese|fr French|
gl Galician|gu Gujarati|ha Hausa|haw Hawaiian|he Hebrew|hi Hindi|hr Croatian|ht Haitian Creole|
hu Hungarian|hy Armenian|id Indonesian|is Icelandic|it Italian|ja Japanese|jw Javanese|ka Georgian|
kk Kazakh|km Khmer|kn Kannada|ko Korean|la Latin|lb Luxembourgish|ln Lingala|lo Lao|lt Lithuanian|
lv Latvian|mg Malagasy|mi Maori|mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi|ms Malay|
mt Maltese|my Myanmar|ne Nepali|nl Dutch|nn Nynorsk|no Norwegian|oc Occitan|pa Punjabi|pl Polish|
ps Pashto|pt Portuguese|ro Romanian|ru Russian|sa Sanskrit|sd Sindhi|si Sinhala|sk Slovak|
sl Slovenian|sn Shona|so Somali|sq Albanian|sr Serbian|su Sundanese|sv Swedish|sw Swahili|ta Tamil|
te Telugu|tg Tajik|th Thai|tk Turkmen|tl Tagalog|tr Turkish|tt Tatar|uk Ukrainian|ur Urdu|uz Uzbek|
vi Vietnamese|yi Yiddish|yo Yoruba|yue Cantonese|zh Chinese
"""

#: Each code's English name.
LANGUAGES: dict[str, str] = {
    code: name for code, _, name in (entry.strip().partition(" ") for entry in _NAMES.split("|"))
}
# What ISO-639-1 calls otherwise.
_OTHERWISE = {"jv": "jw", "nb": "no", "fil": "tl", "iw": "he"}


def whisper_code(language: str) -> str | None:
    """Whisper's code for an ISO-639-1 code; None for a language it does not know.

    >>> whisper_code("jv"), whisper_code("de"), whisper_code("xx")
    ('jw', 'de', None)
    """
    code = _OTHERWISE.get(language, language)
    return code if code in LANGUAGES else None
