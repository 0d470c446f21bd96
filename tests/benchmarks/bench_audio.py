"""Preparing one hour of audio for transcription, against pydub: CPU and memory.

Ours is what `groqnb.transcribe` does before it sends: read, resample, cut at silences, FLAC. The
peer does the same with pydub, which splits where `detect_silence` finds one. pydub and ffmpeg are
not among this project's dependencies: install them by hand (`pip install pydub`; on Python 3.13
`audioop-lts` too).

$ python -m tests.benchmarks audio
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from tests.benchmarks.table import Row

__all__ = ["rows"]

SPEECH = Path(__file__).parent.parent.parent / "notebooks" / "data" / "speech_en.flac"
ROUNDS = 2
PART = 55  # s, which makes 66 parts of an hour or a few more

OURS = """
from groqnb.hearing.sources import source_of
from groqnb.hearing.decoding import decoded
from groqnb.hearing.splitting import Envelope, pieces
from groqnb.hearing.flac import flac
import av, numpy
def run(path):
    sound, count = decoded(source_of(path)), 0
    for piece in pieces(sound.blocks, seconds=PART, overlap=4, envelope=Envelope()):
        assert flac(piece.samples)[:4] == b"fLaC"
        count += 1
    return count
"""

# As cookbooks do it, with the cut in a silence of the last 40 % of each part.
PEER = """
import io
from pydub import AudioSegment
from pydub.silence import detect_silence
def run(path):
    sound = AudioSegment.from_file(path).set_frame_rate(16000).set_channels(1).set_sample_width(2)
    start = count = 0
    while start < len(sound):
        end = start + PART * 1000
        if end < len(sound):
            window = sound[start + PART * 600 : end]
            limit = window.dBFS - 16
            found = detect_silence(window, min_silence_len=400, silence_thresh=limit, seek_step=20)
            if found:
                end = start + PART * 600 + sum(found[-1]) // 2
        part = sound[max(0, start - 2000) : end + 2000]
        assert part.export(io.BytesIO(), format="flac").read(4) == b"fLaC"
        start, count = end, count + 1
    return count
"""

# CPU with that of child processes, for pydub runs ffmpeg; memory of this process alone.
MEASURE = """
import os, sys
from pathlib import Path
PART = {part}
def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024
{code}
before = peak()
best = float("inf")
for _ in range({rounds}):
    began = sum(os.times()[:4])
    count = run(sys.argv[1])
    best = min(best, sum(os.times()[:4]) - began)
assert count > 60, count
print(best, peak() - before)
"""


def make_hour(folder: Path) -> tuple[Path, Path]:
    """An hour of speech as 16 kHz WAV, and the same as an MP3 of 44.1 kHz stereo."""
    import av
    import numpy as np

    resampler = av.AudioResampler("s16", "mono", 16_000)
    with av.open(str(SPEECH)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    clip = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    hour = np.resize(clip, 3600 * 16_000)
    noise = np.random.default_rng(1).normal(0, 20, len(hour))
    plain, coded = folder / "hour.wav", folder / "hour.mp3"
    with wave.open(str(plain), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((hour + noise).clip(-32768, 32767).astype("<i2").tobytes())
    command = ["ffmpeg", "-loglevel", "error", "-i", str(plain)]
    subprocess.run([*command, "-ar", "44100", "-ac", "2", "-b:a", "128k", str(coded)], check=True)
    return plain, coded


def measure(code: str, path: Path) -> tuple[float, float]:
    """Seconds of CPU and megabytes of growth."""
    script = MEASURE.format(code=code, rounds=ROUNDS, part=PART)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def rows() -> list[Row]:
    """16 kHz WAV, which needs no decoder, and MP3; and the memory that each takes."""
    if importlib.util.find_spec("pydub") is None or shutil.which("ffmpeg") is None:
        print("audio: pydub and ffmpeg are not installed; nothing to compare with", file=sys.stderr)
        return []
    found = []
    with tempfile.TemporaryDirectory() as folder:
        plain, coded = make_hour(Path(folder))
        for name, path, goal in (("16 kHz wav", plain, 0.15), ("44.1 kHz mp3", coded, 0.25)):
            ours, memory = measure(OURS, path)
            peer, peer_memory = measure(PEER, path)
            found.append(Row(f"an hour of {name}, prepared", ours, peer, "s CPU", goal))
            found.append(Row(f"an hour of {name}, memory", memory, peer_memory, "MB", None))
            found.append(Row(f"an hour of {name}, of 64 MB", memory, 64.0, "MB", 1.0))
    return found
