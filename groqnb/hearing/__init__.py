"""Recordings of any length and kind, from sound to a transcript; `groqnb.transcribe` is the door.

`sources` opens what a user has at hand, `decoding` makes 16 kHz mono of it, `splitting` cuts that
at silences, `flac` packs the pieces, `sending` has them transcribed within the limits (`pace`,
`kept`), `stitching` joins what came back, `transcript` is the result, `quality`, `subtitles` and
`drawing` are what can be done with it.
"""
