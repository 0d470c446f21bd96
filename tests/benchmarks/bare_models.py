"""The reply as one would write it down with pydantic and nothing else, for comparison."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Completion"]


class _Base(BaseModel):
    model_config = ConfigDict(extra="allow")


class Message(_Base):
    role: str
    content: str | None = None


class Choice(_Base):
    index: int
    message: Message
    finish_reason: str | None = None


class Usage(_Base):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None


class Completion(_Base):
    id: str
    created: int
    model: str
    choices: list[Choice]
    system_fingerprint: str | None = None
    usage: Usage | None = None
