"""`%%groq --audio`, `%groq transcribe`, `%groq speak` in a real shell, with a loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import ChatServer
from hearing_world import TALK, wav
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error

from groqnb.completion import candidates
from groqnb.hearing.transcript import Transcript
from groqnb.magics import audio as magic_audio
from groqnb.speaking.spoken import Spoken

SOUND = wav(TALK.samples[:32_000])


@pytest.fixture(autouse=True)
def names(shell: InteractiveShell) -> Iterator[None]:
    """What a test puts into the notebook goes with it."""
    before = set(shell.user_ns)
    yield
    for name in set(shell.user_ns) - before:
        del shell.user_ns[name]


@pytest.fixture
def folder(server: ChatServer) -> Path:
    """The shell's folder, with recordings in it."""
    Path("talk.wav").write_bytes(SOUND)
    Path("my talk.wav").write_bytes(SOUND)
    Path("notes.txt").write_text("no sound")
    return Path.cwd()


class Recorder:
    """As AudioRecorder is to the magics."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value

    def to_wav(self) -> None: ...


def shown(ip: InteractiveShell) -> list[str]:
    """The plain texts on the page, each display as it is last."""
    return [str(output["data"].get("text/plain", "")) for output in outputs(ip)]


@pytest.mark.parametrize(
    "option",
    ["talk.wav", "'my talk.wav'", "rec", "data", "{{Path('talk.wav')}}", "box.value", "name"],
)
def test_a_recording_is_transcribed_and_asked_about(
    ip: InteractiveShell, server: ChatServer, folder: Path, option: str
) -> None:
    """Recorder, bytes, file, expression, attribute: the transcript is in the prompt, and shown."""
    ip.user_ns |= {"rec": Recorder(SOUND), "data": SOUND, "Path": Path, "name": "talk.wav"}
    ip.user_ns["box"] = Recorder(SOUND)
    run(ip, f"%%groq --audio {option}\nWhen does it leave?")
    assert server.paths == [
        "/openai/v1/audio/transcriptions",
        "/openai/v1/chat/completions",
    ]
    content = server.requests[1]["messages"][-1]["content"]
    assert "<transcript>\nThe train leaves at nine.\n</transcript>" in content
    assert content.endswith("\n\nWhen does it leave?")
    texts = shown(ip)
    assert any(text.startswith("[0:00] The train leaves at nine.") for text in texts)
    assert "You said" in texts[-1]


def test_several_recordings_keep_their_order(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """Each is named in the prompt."""
    run(ip, "%%groq --audio talk.wav --audio 'my talk.wav'\nCompare.")
    content = server.requests[-1]["messages"][-1]["content"]
    assert content.index("recording talk.wav") < content.index("recording my talk.wav")


def test_a_dry_run_sends_no_sound(ip: InteractiveShell, server: ChatServer, folder: Path) -> None:
    """It says where the transcript would stand."""
    run(ip, "%%groq --dry-run --audio talk.wav\nWhen?")
    assert server.paths == []
    assert "(the transcript of talk.wav)" in last(ip)


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ("tolk.wav", "no variable and no file 'tolk.wav'. Did you mean talk.wav"),
        ("notes.txt", "no audio or video|cannot be decoded|no audio track"),
        ("empty", "holds no sound yet"),
        ("number", "type int is no recording"),
    ],
)
def test_what_is_no_recording_is_a_short_error(
    ip: InteractiveShell, server: ChatServer, folder: Path, option: str, match: str
) -> None:
    """UsageError, and nothing is asked."""
    import re

    ip.user_ns |= {"empty": Recorder(None), "number": 3}
    for cell in (f"%%groq --audio {option}\nWhat?", f"%groq transcribe {option}"):
        assert re.search(match, usage_error(ip, cell))
    assert server.paths == []


def test_a_failing_call_fails_the_cell_shortly(
    ip: InteractiveShell, server: ChatServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the API refuses ends the cell before the question is asked."""
    monkeypatch.setattr(
        "chat_server._Handler._hear",
        lambda self, form: self._json(401, {"error": {"message": "Invalid API Key"}}),
    )
    error = failed(ip, "%%groq --audio talk.wav\nWhen?")
    assert "gsk_" not in str(error)
    assert server.paths == ["/openai/v1/audio/transcriptions"]


@pytest.mark.parametrize(
    "options",
    [
        "--as json --tools len",
        "--prefill So --as json",
        "-p temprature=0",
        "-p temperature=9",
        "--doc nowhere.txt",
        "--df nothing",
    ],
)
def test_what_is_wrong_besides_is_told_before_anything_is_transcribed(
    ip: InteractiveShell, server: ChatServer, folder: Path, options: str
) -> None:
    """A recording is paid for."""
    usage_error(ip, f"%%groq --audio talk.wav {options}\nWhen?")
    assert server.paths == []


def test_commands_see_the_names_of_the_function_that_they_stand_in(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """As questions do."""
    run(ip, "def say(inner):\n    %groq speak about {{inner}}\nsay('that')")
    assert server.requests[-1]["input"] == "about that"
    ip.user_ns["data"] = SOUND
    run(ip, "def hear(inner):\n    %groq transcribe {{inner}}\nhear(data)")
    assert ip.user_ns["_groq"].text == "The train leaves at nine."


def test_transcribe_shows_and_keeps_the_transcript(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """It is `_groq`, with its frames and subtitles."""
    run(ip, "%groq transcribe my talk.wav")
    made = ip.user_ns["_groq"]
    assert isinstance(made, Transcript)
    assert made.text == "The train leaves at nine."
    assert last(ip).startswith("[0:00] The train leaves at nine.")


def test_transcribe_takes_an_array_in_an_expression(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """{{ }} holds any Python: bytes that are made on the spot."""
    ip.user_ns |= {"wav": wav, "samples": np.asarray(TALK.samples[:32_000])}
    run(ip, "%groq transcribe {{wav(samples)}}")
    assert ip.user_ns["_groq"].duration == 2.0


@pytest.mark.parametrize(
    "cell",
    [
        "%groq transcribe ~talk.wav",
        "%%groq --audio ~talk.wav\nWhat?",
        "%%groq --dry-run --image ~pixel.png\nWhat?",
        "%%groq --doc ~notes.txt\nWhat?",
        "%groq replay on ~demo.replay.json",
        "%groq export ~calls.py",
    ],
)
def test_a_tilde_that_is_nobodys_home_is_part_of_the_name(
    ip: InteractiveShell, server: ChatServer, folder: Path, cell: str
) -> None:
    """As editors name their copies."""
    from PIL import Image

    from groqnb.record.replaying import switch_off

    Path("~talk.wav").write_bytes(SOUND)
    Path("~notes.txt").write_text("Closed on Sunday.")
    Image.new("RGB", (8, 8)).save("~pixel.png")
    ip.run_cell("%%groq\nHello", store_history=True)
    try:
        assert run(ip, cell).success
    finally:
        switch_off()


def test_speak_plays_and_keeps_the_speech(ip: InteractiveShell, server: ChatServer) -> None:
    """With {{ }} filled in, and a question mark at its end."""
    ip.user_ns["city"] = "Bern"
    run(ip, "%groq speak Is this {{city}}?")
    assert server.requests[-1]["input"] == "Is this Bern?"
    said = ip.user_ns["_groq"]
    assert isinstance(said, Spoken)
    assert said.duration == pytest.approx(0.13)
    assert any("spoke as Fritz-PlayAI" in text for text in shown(ip))


def test_a_speech_that_fails_does_not_go_on_speaking_on_the_page(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was being done makes way for what came of it."""
    monkeypatch.setattr(
        "chat_server._Handler._speak",
        lambda self, body: self._json(400, {"error": {"message": "no such voice"}}),
    )
    failed(ip, "%groq speak Hello")
    assert shown(ip)[-1] == "Nothing was spoken."
    usage_error(ip, "%groq speak {{''}}")
    assert "speaking…" not in shown(ip)[-1]


def test_stopping_keeps_the_cell_quiet(
    ip: InteractiveShell, server: ChatServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt while it listens: no question is asked, and the page says how to go on."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("groqnb.long_audio._run", interrupted)
    result = run(ip, "%%groq --audio talk.wav\nWhen?")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert any("run the cell to go on" in text for text in shown(ip))
    assert server.paths == []


# --- completion -----------------------------------------------------------------------------------


def test_recordings_are_offered(folder: Path) -> None:
    """Variables that hold sound, then audio files of the folder."""
    names = {"rec": Recorder(b""), "table": {}, "said": Spoken(b"", "wav", "", "", "")}
    for text in ("%%groq --audio ", "%groq transcribe "):
        _, found = candidates(text, 0, len(text), names)
        assert [item for item, _ in found] == ["rec", "said", "my talk.wav", "talk.wav"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('speak("Hi", voice="Ce', ["Celeste-PlayAI"]),
        ("groqnb.speak(str(1), voice='fr", ["Fritz-PlayAI"]),
        ('speak("Hi", model="playai-tts-arabic", voice="K', ["Khalid-PlayAI"]),
        ('client.audio.speech.create(input="x", voice="Th', ["Thunder-PlayAI"]),
        ('speak("Hi", voice="x"); voice="Ce', []),
        ('choose(voice="Ce', []),
    ],
)
def test_voices_are_offered_in_python(text: str, expected: list[str]) -> None:
    """Those of the model that is named, only inside a call that speaks."""
    _, found = candidates(text, 0, len(text), {})
    assert [item for item, _ in found] == expected


def test_ipython_offers_the_voices(ip: InteractiveShell) -> None:
    """As a user meets it, with Tab."""
    text = 'speak("Hi", voice="Cel'
    with provisionalcompleter():
        found = [each.text for each in ip.Completer.completions(text, len(text))]
    assert any("Celeste-PlayAI" in each for each in found)


def test_the_prompt_without_recordings_is_the_text() -> None:
    """Nothing is added where nothing was heard."""
    assert magic_audio.prompt("Hello", []) == "Hello"
