"""Sound in the magics: `%%groq --audio`, `%groq transcribe`, `%groq speak`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.interpolation import interpolate, value_of
from groqnb.magics.replay import is_on
from groqnb.magics.sources import files, find
from groqnb.magics.stopping import stop
from groqnb.magics.words import GrammarError
from groqnb.render import tables
from groqnb.render.message import badge, dollars
from groqnb.render.stream import publish, shows_updates
from groqnb.session import session
from groqnb.showing import target_badge
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.hearing.transcript import Transcript
    from groqnb.magics.parser import Ask, Command
    from groqnb.speaking.spoken import Spoken

__all__ = ["candidates", "hear", "prompt", "speak", "transcribe"]

_ENDINGS = (
    *(".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".webm", ".mp4", ".mpeg", ".mpga"),
    *(".mov", ".mkv", ".aac", ".wma"),
)


@dataclass(frozen=True)
class Heard:
    """A recording that goes with a question: its name, and what was said in it."""

    name: str
    text: str


def hear(
    shell: Any, asked: Ask, names: Mapping[str, Any], value_of: Callable[[str], Any]
) -> list[Heard]:
    """The recordings that `asked` names, transcribed and shown; a dry run only names them.

    Raises GrammarError for what is no recording, and what a call raises.
    """
    found = []
    for number, text in enumerate(asked.audio, start=1):
        source = _source(value_of(text), names, "--audio")
        if asked.dry_run:
            found.append(Heard(f"recording {number}", f"(the transcript of {text})"))
            continue
        made = _transcribe(shell, source, "--audio")
        found.append(Heard(made.name, made.text))
    return found


def prompt(text: str, heard: Sequence[Heard]) -> str:
    """The question with what was said in the recordings, marked as such."""
    parts = [
        f"Transcript of {_named(each.name)}:\n<transcript>\n{each.text}\n</transcript>"
        for each in heard
    ]
    return "\n\n".join([*parts, text])


def _named(name: str) -> str:
    """Only files have names of their own."""
    return name if name.startswith("the ") else f"the recording {name}"


def transcribe(shell: Any, command: Command) -> None:
    """`%groq transcribe AUDIO`: the transcript is shown, and is `_groq`."""
    names = command.names
    text = command.argument
    given = value_of(text, names) if text.startswith("{{") else text
    source = _source(given, names, "%groq transcribe")
    shell.user_ns["_groq"] = _transcribe(shell, source, "%groq transcribe")


def speak(shell: Any, command: Command) -> None:
    """`%groq speak TEXT`: the speech is shown, and is `_groq`."""
    from groqnb.speaking.speak import speak as spoken

    text = interpolate(command.argument, command.names)
    place = _Place(shell)
    place.say("speaking")
    try:
        said = spoken(text, client=session.client())
    except KeyboardInterrupt:
        place.put(tables.notice("Stopped."))
        stop(shell)
    except BaseException as error:
        place.put(tables.notice("Nothing was spoken."))
        if isinstance(error, ParameterError):
            raise GrammarError(f"%groq speak: {error}") from None
        raise
    place.put(tables.notice(f"{_spoke(said)} as {said.voice}; it is in _groq"))
    shell.user_ns["_groq"] = said
    said._ipython_display_()


def _spoke(said: Spoken) -> str:
    """Who spoke; with a record on the same, whether it is asked or replayed."""
    if is_on():
        return "Spoken"
    target = session.target
    who = badge("local", said.answered) if target.kind == "local" else target_badge(target)
    return f"{who} spoke" + (f" for {dollars(said.cost)}" if target.kind == "cloud" else "")


def _source(given: Any, names: Mapping[str, Any], option: str) -> Any:
    try:
        return find(given, names, lambda: candidates(names))
    except ParameterError as error:
        raise GrammarError(f"{option}: {error.message}. {error.hint or ''}".strip()) from None


def _transcribe(shell: Any, source: Any, option: str) -> Transcript:
    """Transcribe and show. Raises GrammarError for what is no recording."""
    from groqnb.long_audio import transcribe

    place = _Place(shell)
    place.say("listening")

    def listen(progress: Any) -> None:
        place.say(f"fetching {progress.what}: {progress.done / 1e6:.0f} MB")

    def count(done: float, total: float | None) -> None:
        if total is not None and done < total:
            place.say(f"listening, {done:.0f} of {total:.0f} s")

    try:
        with session.progress_to(listen):
            made = transcribe(source, client=session.client(), progress=count)
    except KeyboardInterrupt:
        place.put(tables.notice("Stopped. The finished parts are kept: run the cell to go on."))
        stop(shell)
    except ParameterError as error:
        place.put(tables.notice("Nothing was transcribed."))
        raise GrammarError(f"{option}: {error}") from None
    except BaseException:
        place.put(tables.notice("Nothing was transcribed."))
        raise
    place.put(made._repr_mimebundle_())
    return made


class _Place:
    """One display: first what is being done, then what came of it."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._id = os.urandom(16).hex() if shows_updates(shell) else ""
        self._shown = False

    def say(self, what: str) -> None:
        """What is being done now; a terminal is told nothing that would stay there."""
        if self._id:
            self.put(tables.notice(f"{target_badge(session.target)} · {what}…"))

    def put(self, bundle: Any) -> None:
        """What it is to show."""
        if not self._id:
            publish(self._shell, bundle)
            return
        self._shell.display_pub.publish(
            data=bundle, metadata={}, transient={"display_id": self._id}, update=self._shown
        )
        self._shown = True


# --- completion -----------------------------------------------------------------------------------


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--audio`: variables that hold recordings, and audio files of this folder.

    Variables are told by their types alone: nothing is imported or run for it.
    """
    found = []
    for name, value in names.items():
        kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(value).__mro__}
        holder = any(
            inspect.getattr_static(type(value), attribute, None) is not None
            for attribute in ("to_wav", "audio")
        )
        known = kinds & {
            "IPython.lib.display.Audio",
            "groqnb.speaking.spoken.Spoken",
            "groqnb.types.audio.Speech",
        }
        if not name.startswith("_") and (known or holder):
            found.append(name)
    return [*sorted(found), *files(_ENDINGS)]
