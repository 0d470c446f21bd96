"""`--dry-run` in `%%groq`: what would be sent, where to, and what it would cost."""

from __future__ import annotations

import json
from typing import Any

from groqnb.context import known_secrets
from groqnb.conversation import Question, estimate
from groqnb.magics import images as magic_images
from groqnb.magics.failing import current_target
from groqnb.record.scrub import Scrubber
from groqnb.render import tables
from groqnb.render.message import cost, dollars
from groqnb.render.stream import publish
from groqnb.showing import target_badge

__all__ = ["dry_run"]


def dry_run(shell: Any, question: Question, *, stream: bool) -> None:
    """Show what `question` comes to; nothing is sent."""
    target = current_target()
    params = dict(question.params)
    if question.kind is not None:
        from groqnb.types.answer_type import answer_type

        stream = False
        params["response_format"] = answer_type(question.kind).response_format
    if question.tools:
        params["tools"] = list(question.tools)
    tokens = estimate(list(question.sent))
    has_images = any(isinstance(message["content"], list) for message in question.sent)
    uncounted = "; images come on top" if has_images else ""
    if target.kind == "local":
        price = "nothing: the local engine answers"
    else:
        price = dollars(cost(question.model, tokens, 0)) if target.kind == "cloud" else "unknown"
        price = f"{price} for the prompt, the answer comes on top" if "$" in price else price
    scrub = Scrubber(known_secrets())
    pairs = [
        ("would go to", f"{target_badge(target)}, because {target.why}"),
        ("model", question.model),
        # What is for another service, a header or a key, is nobody's to read in a notebook.
        ("parameters", json.dumps(scrub.value({"stream": stream, **params}), default=str)),
        ("tokens", f"about {tokens} in (an estimate: four characters each{uncounted})"),
        ("cost", price),
        *([("context", question.context.removeprefix("sent "))] if question.context else []),
        ("sent", "nothing"),
    ]
    sent = [(m["role"], magic_images.said(m)) for m in question.sent]
    publish(shell, tables.messages(sent, pairs))
