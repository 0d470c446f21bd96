"""The options of a map, and the plan they make."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from groqnb.batching.terms import terms_of
from groqnb.mapping.journal import Journal, folder
from groqnb.mapping.limits import check_limits
from groqnb.mapping.question import AUDIO_MODEL, Question
from groqnb.mapping.run import Plan
from groqnb.types.chat import ChatParams
from groqnb.types.errors import ParameterError
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.client import AsyncGroq, Groq
    from groqnb.mapping.judges import Judge
    from groqnb.mapping.template import Template

__all__ = ["MapOptions", "journal_of", "plan_of", "unknown"]

_MOST_AT_ONCE = 1000


class MapOptions(ChatParams, total=False):
    """What a map takes beside its prompt; every parameter of a chat completion is among it.

    Fields:
        model: which model, or several: a row goes to whichever has room the soonest. By default
            the session's (`%groq` shows it).
        system: the system prompt of every row; braces in it mean themselves.
        client: whose key and server are used, or several (keys of several organisations have
            limits of their own); the session's by default.
        audio_model: which model writes down what `{name:audio}` says.
        concurrency: requests under way at once, from 1 to 1000. By default it is found out, up
            to 64, and 4 with the local engine.
        limits: what may be sent, as in {"RPM": 300, "TPM": 100_000}: requests and tokens a
            minute. By default the headers, the refusals and the catalogue tell.
        max_wait: seconds that a rate limit is waited for; 300 by default. A limit that resets
            later ends the map, and what is done is returned.
        retries: how often a row is sent again after a failure that passes; 5 by default. Rate
            limits are waited for, and do not count.
        samples: how often each row is asked (self-consistency): most of its answers decide, and a
            column `<into>_agreement` tells the share of the samples that say so, 0 to 1. The
            temperature is 0.7 then unless it is given, and a `seed` counts up. Each sample is
            kept on disk by itself. By default a row is asked once.
        tier: "batch": the rows go through the Batch API, at half the price. They are done within
            `completion_window`; what it may cost is told before anything is sent. An interrupt
            ends the waiting and not the batches: the same call, in any kernel, goes on, and sends
            rows again that failed or expired.
        completion_window: the time that batches may take, from "24h" (the default) to "7d".
        wait: False: batches are started, results that are there taken in, and no others waited
            for; rows without one have the error "Pending". True by default.
        resume: True (the default): answers are kept on disk, and the same map goes on where it
            was. A name, or a path to a file: they are kept under it. False: all is asked anew,
            and nothing is kept. While a record is on (`groqnb.replay`), what was kept before it
            was switched on does not count: the record answers, and rows that it does not have are
            asked once more, at their price, so that it has all of them. Batches go on from what
            is kept.
        errors: "keep" (the default): a row that fails has its error beside it. "raise": the
            first one is raised.
        progress: whether a progress bar is shown; by default one that takes over two seconds.
    """

    model: str | Sequence[str] | None
    system: str | None
    client: Groq | AsyncGroq | Sequence[Groq | AsyncGroq] | None
    audio_model: str | None
    concurrency: int | None
    limits: Mapping[str, float] | None
    max_wait: float | None
    retries: int | None
    samples: int | None
    tier: Literal["batch"] | None
    completion_window: str | None
    wait: bool | None
    resume: bool | str | Path | None
    errors: Literal["keep", "raise"] | None
    progress: bool | None


_OWN = tuple(set(MapOptions.__annotations__) - set(ChatParams.__annotations__))


def plan_of(judge: Judge, options: Mapping[str, Any], template: Template) -> Plan:
    """The plan for these options. Raises ParameterError for what makes no sense."""
    unknown(options)
    given = {name: value for name, value in options.items() if value is not None}
    errors = given.get("errors", "keep")
    if errors not in ("keep", "raise"):
        raise ParameterError(f"errors is {errors!r}; it is 'keep' or 'raise'.")
    clients = _clients(given.get("client"))
    question = Question(
        _models(given.get("model")),
        judge,
        system=given.get("system"),
        params={name: value for name, value in given.items() if name not in _OWN},
        audio_model=given.get("audio_model", AUDIO_MODEL),
        servers=[_server(client) for client in clients],
        samples=_or(_whole(given, "samples", 1, 100), 1),
    )
    audio = any(field.kind == "audio" for field in template.fields) and not question.transcribes
    return Plan(
        question,
        clients,
        _name_of(question, template),
        concurrency=_whole(given, "concurrency", 1, _MOST_AT_ONCE),
        limits=check_limits(given.get("limits")),
        max_wait=_seconds(given, "max_wait", 300.0),
        retries=_or(_whole(given, "retries", 0, 100), 5),
        tier=given.get("service_tier"),
        audio=audio,
        batch=terms_of(given, question.models, clients, audio=audio),
    )


def _name_of(question: Question, template: Template) -> str:
    """What a map is called on disk: another prompt is another map, and may run beside it.

    Prompts with recordings share a file: what a recording says is kept in it for all of them.
    """
    if any(field.kind == "audio" for field in template.fields):
        return question.name
    told = f"{question.name} {template.form}"
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=12).hexdigest()


def unknown(options: Mapping[str, Any], more: Sequence[str] = ()) -> None:
    """Raise ParameterError for an option that there is not, with the nearest name."""
    from difflib import get_close_matches

    known = [*MapOptions.__annotations__, *more]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise ParameterError(
                f"There is no option {name!r}.",
                hint=f"Did you mean {near[0]!r}?"
                if near
                else "What is newer than groqnb goes into extra_body={...}.",
            )


def journal_of(plan: Plan, resume: bool | str | Path | None) -> Journal:
    """The file of a map's answers. Raises ParameterError."""
    path = _path(plan, True if resume is None else resume)
    try:
        return Journal(path, shared=plan.share is not None, since=_since(plan))
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise ParameterError(
            f"Answers cannot be kept in {path}: {why}.",
            hint="Pass resume='a path elsewhere', or resume=False to keep none.",
        ) from None


def _since(plan: Plan) -> float:
    """From when on answers count: one from before would be missing in the record that is on."""
    tape = tap.current
    return 0.0 if plan.batch is not None or tape is None else tape.since


def _path(plan: Plan, resume: bool | str | Path) -> Path | None:
    if resume is False:
        return None
    if resume is True:
        return folder() / f"{plan.name}.sqlite"
    if isinstance(resume, Path) or (
        isinstance(resume, str) and (re.search(r"[\\/]", resume) or resume.endswith(".sqlite"))
    ):
        return Path(resume).expanduser()
    if not isinstance(resume, str) or not re.fullmatch(r"[\w][\w .-]{0,99}", resume):
        raise ParameterError(
            f"resume is {resume!r}; it is True, False, a name of letters and digits, or a path."
        )
    return folder() / f"{resume}.sqlite"


def _models(model: Any) -> list[str]:
    if model is None:
        from groqnb.session import session

        return [session.default_model]
    models = [model] if isinstance(model, str) else list(model)
    if not models or not all(isinstance(one, str) and one.strip() for one in models):
        raise ParameterError("model is a model's id, or a list of them.")
    return list(dict.fromkeys(models))


def _clients(client: Any) -> list[Any]:
    from groqnb.client import AsyncGroq, Groq

    if client is None:
        from groqnb.session import session

        return [session.client()]
    clients = list(client) if isinstance(client, (list, tuple)) else [client]
    if not clients or not all(isinstance(one, (Groq, AsyncGroq)) for one in clients):
        raise ParameterError("client is a Groq(), an AsyncGroq(), or a list of them.")
    return clients


def _server(client: Any) -> str:
    """Who answers: one model of the engine on this machine is not another."""
    target = client.target
    if target.kind == "local":
        return f"local {os.environ.get('GROQNB_LOCAL_MODEL', '')}"
    return str(target.base_url or target.kind)


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterError(f"{name} is {value!r}; it is a whole number from {least} to {most}.")
    return value


def _seconds(given: Mapping[str, Any], name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ParameterError(f"{name} is {value!r}; it is a number of seconds and at least 0.")
    return float(value)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
