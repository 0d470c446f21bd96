"""A fake microphone and a fake camera: files that Chromium captures in place of devices.

Both are made here, so that what was recorded can be compared with what was played.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from playwright.sync_api import Page

__all__ = ["AS_WEBKIT", "SIZE", "flags", "likeness", "quadrants", "recorded", "sweeps", "write_wav"]

RATE = 48_000
SECONDS = 8
SIZE = (320, 240)
"""Width and height of the fake camera's picture, in pixels."""

AS_WEBKIT = """() => {
  const answer = () => Promise.reject(new DOMException("", "OverconstrainedError"));
  navigator.mediaDevices.getUserMedia = answer;
}"""
"""WebKit without a device: what it says there, Chromium says of a device that is gone."""

COLOURS = ((200, 30, 30), (30, 160, 40), (40, 60, 200), (230, 200, 40))
"""Its quadrants in red, green and blue: above left and right, below left and right."""


def flags(folder: Path) -> list[str]:
    """What Chromium is started with; pages still need the permission of their context."""
    import numpy as np

    sound, picture = folder / "microphone.wav", folder / "camera.y4m"
    # At its end Chromium repeats the last moment: that must be silent.
    write_wav(sound, np.concatenate([sweeps(), np.zeros(2 * RATE, "f4")]))
    picture.write_bytes(quadrants())
    return [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}%noloop",
        f"--use-file-for-fake-video-capture={picture}",
        "--autoplay-policy=no-user-gesture-required",
    ]


def sweeps() -> np.ndarray[Any, Any]:
    """What the fake microphone hears: tones that rise and fall, none like another."""
    import numpy as np

    time = np.arange(RATE) / RATE
    parts = []
    for second in range(SECONDS):
        low, high = 250 + 90 * second, 900 + 170 * second
        if second % 2:
            low, high = high, low
        phase = 2 * np.pi * (low * time + (high - low) / 2 * time**2)
        parts.append(0.5 * np.sin(phase) * np.sin(np.pi * time) ** 0.5)
    return np.concatenate(parts).astype("f4")


def write_wav(path: Path, samples: Any, rate: int = RATE) -> Path:
    """Write samples between -1 and 1 as 16 bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def recorded(page: Page, seconds: float, number: int = 0) -> None:
    """Wait until recorder `number` of a page has recorded so much, by its own clock."""
    page.wait_for_function(
        """([seconds, number]) => {
            const timer = document.querySelectorAll(".gw [role=timer]")[number];
            const [minutes, rest] = timer.textContent.split(/[: ]/).map(Number);
            return timer.textContent && minutes * 60 + rest >= seconds;
        }""",
        arg=[seconds, number],
    )


def likeness(heard: Any, played: Any) -> float:
    """How much `heard` is like a part of `played` wherever that begins: 0 to 1; one rate."""
    import numpy as np

    size = 1 << (len(heard) + len(played)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    found = np.fft.irfft(spectrum, size)
    shift = int(np.argmax(np.abs(found)))
    shift -= size if shift >= size // 2 else 0
    heard, played = heard[max(0, shift) :], played[max(0, -shift) :]
    length = min(len(heard), len(played))
    heard, played = heard[:length], played[:length]
    together = np.linalg.norm(heard) * np.linalg.norm(played)
    return float(np.dot(heard, played) / (together + 1e-12))


def quadrants() -> bytes:
    """The fake camera's film: one frame of four colours, as YUV4MPEG2."""
    import numpy as np

    width, height = SIZE
    planes = np.zeros((3, height, width))
    for index, (red, green, blue) in enumerate(COLOURS):
        top, left = divmod(index, 2)
        rows = slice(top * height // 2, (top + 1) * height // 2)
        columns = slice(left * width // 2, (left + 1) * width // 2)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        planes[:, rows, columns] = np.array(
            [luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)]
        )[:, None, None]
    luma, *chroma = planes.round().clip(0, 255).astype("u1")
    frame = luma.tobytes() + b"".join(plane[::2, ::2].tobytes() for plane in chroma)
    return b"YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\nFRAME\n" % SIZE + frame
