"""A Jupyter toolkit for the Groq API.

In a notebook::

    %load_ext groqnb

    %%groq
    Why do fast answers matter?

In Python::

    import groqnb

    client = groqnb.Groq()
    reply = client.chat.completions.create(
        model="llama-3.1-8b-instant",
        messages=[{"role": "user", "content": "Say hello."}],
    )

With ``GROQ_API_KEY`` set, calls go to Groq's cloud. Without a key they go to the local engine, a
server on this machine that speaks the same HTTP API, and every answer says so.

Importing this module imports nothing heavy: each public name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from groqnb import caching as caching
    from groqnb import catalog as catalog
    from groqnb import migration as migration
    from groqnb import patterns as patterns
    from groqnb import presets as presets
    from groqnb.client import AsyncGroq, Groq
    from groqnb.evaluating import Evaluation, evaluate
    from groqnb.exporting import export
    from groqnb.grounding import documents
    from groqnb.guarding import Guard
    from groqnb.hearing.transcript import Transcript
    from groqnb.ledger.budgeting import budget
    from groqnb.ledger.report import report
    from groqnb.ledger.usage import usage
    from groqnb.long_audio import transcribe
    from groqnb.mapping.mapped import amap, map
    from groqnb.mapping.results import RowError, RowResult, RowsFailed
    from groqnb.presets import preset
    from groqnb.record.replaying import replay
    from groqnb.showing import show
    from groqnb.speaking.speak import speak
    from groqnb.speaking.spoken import Spoken
    from groqnb.tools.loop import arun_tools, run_tools
    from groqnb.tools.mcp import McpServer
    from groqnb.tools.tool import tool
    from groqnb.types.answer import Answer
    from groqnb.types.charts import Chart
    from groqnb.types.errors import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        BudgetError,
        FlexCapacityError,
        GroqnbError,
        GuardError,
        InternalServerError,
        LocalEngineError,
        NotFoundError,
        ParameterError,
        PermissionDeniedError,
        RateLimitError,
        ReplayError,
        RequestTooLargeError,
        ResponseError,
        SpendLimitError,
        StreamError,
        UnprocessableEntityError,
    )
    from groqnb.watching.listing import batches
    from groqnb.widgets.batch_monitor import BatchMonitor
    from groqnb.widgets.chat_panel import ChatPanel, chat
    from groqnb.widgets.image_picker import ImagePicker
    from groqnb.widgets.playground import Playground
    from groqnb.widgets.recorder import AudioRecorder
    from groqnb.widgets.speech_player import SpeechPlayer
    from groqnb.widgets.usage_meter import UsageMeter
    from groqnb.wolfram import wolfram_settings

__version__ = "0.1.0"

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "Answer",
    "AsyncGroq",
    "AudioRecorder",
    "AuthenticationError",
    "BadRequestError",
    "BatchMonitor",
    "BudgetError",
    "Chart",
    "ChatPanel",
    "Evaluation",
    "FlexCapacityError",
    "Groq",
    "GroqnbError",
    "Guard",
    "GuardError",
    "ImagePicker",
    "InternalServerError",
    "LocalEngineError",
    "McpServer",
    "NotFoundError",
    "ParameterError",
    "PermissionDeniedError",
    "Playground",
    "RateLimitError",
    "ReplayError",
    "RequestTooLargeError",
    "ResponseError",
    "RowError",
    "RowResult",
    "RowsFailed",
    "SpeechPlayer",
    "SpendLimitError",
    "Spoken",
    "StreamError",
    "Transcript",
    "UnprocessableEntityError",
    "UsageMeter",
    "__version__",
    "amap",
    "arun_tools",
    "batches",
    "budget",
    "chat",
    "documents",
    "evaluate",
    "export",
    "load_ipython_extension",
    "map",
    "preset",
    "replay",
    "report",
    "run_tools",
    "show",
    "speak",
    "tool",
    "transcribe",
    "unload_ipython_extension",
    "usage",
    "wolfram_settings",
]

_HOME = {
    "amap": "groqnb.mapping.mapped",
    "map": "groqnb.mapping.mapped",
    "RowError": "groqnb.mapping.results",
    "RowResult": "groqnb.mapping.results",
    "RowsFailed": "groqnb.mapping.results",
    "Groq": "groqnb.client",
    "AsyncGroq": "groqnb.client",
    "AudioRecorder": "groqnb.widgets.recorder",
    "Answer": "groqnb.types.answer",
    "Chart": "groqnb.types.charts",
    "Guard": "groqnb.guarding",
    "ChatPanel": "groqnb.widgets.chat_panel",
    "Playground": "groqnb.widgets.playground",
    "chat": "groqnb.widgets.chat_panel",
    "ImagePicker": "groqnb.widgets.image_picker",
    "SpeechPlayer": "groqnb.widgets.speech_player",
    "UsageMeter": "groqnb.widgets.usage_meter",
    "BatchMonitor": "groqnb.widgets.batch_monitor",
    "batches": "groqnb.watching.listing",
    "McpServer": "groqnb.tools.mcp",
    "budget": "groqnb.ledger.budgeting",
    "Evaluation": "groqnb.evaluating",
    "evaluate": "groqnb.evaluating",
    "export": "groqnb.exporting",
    "report": "groqnb.ledger.report",
    "replay": "groqnb.record.replaying",
    "preset": "groqnb.presets",
    "arun_tools": "groqnb.tools.loop",
    "run_tools": "groqnb.tools.loop",
    "show": "groqnb.showing",
    "tool": "groqnb.tools.tool",
    "usage": "groqnb.ledger.usage",
    "documents": "groqnb.grounding",
    "wolfram_settings": "groqnb.wolfram",
    "transcribe": "groqnb.long_audio",
    "Transcript": "groqnb.hearing.transcript",
    "speak": "groqnb.speaking.speak",
    "Spoken": "groqnb.speaking.spoken",
}


# What the documentation calls by its module, as in `groqnb.patterns.few_shot`.
_PARTS = ("caching", "catalog", "migration", "patterns", "presets")


def __getattr__(name: str) -> object:
    if name not in __all__ and name not in _PARTS:
        raise AttributeError(f"module 'groqnb' has no attribute {name!r}")
    from importlib import import_module

    if name in _PARTS:
        return import_module(f"groqnb.{name}")
    value: object = getattr(import_module(_HOME.get(name, "groqnb.types.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register ``%groq`` and ``%%groq``; called by ``%load_ext groqnb``.

    Loading twice is the same as loading once.
    """
    from groqnb.magics import load

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take the magics, completions and display formatters away again (``%unload_ext groqnb``)."""
    from groqnb.magics import unload

    unload(ipython)


def _arrange() -> None:
    from groqnb.after_pandas import arrange

    arrange()


# `df.groq` is there once groqnb and pandas are imported, in whichever order.
_arrange()
