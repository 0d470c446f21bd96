"""The engine's own endpoints, called from inside: how the lines of a batch are answered.

Batches have no part in the rate limits ("Batch Processing": "no impact on your standard API
rate limits") and cost half.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from groqnb.local import audio
from groqnb.local.chat import Chat
from groqnb.local.chat_request import ChatRequest, read_request
from groqnb.local.ears import Ears
from groqnb.local.fine_tunings import FineTunings
from groqnb.local.parts.llm import Llm
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal, bad_request
from groqnb.local.store import new_id

__all__ = ["Dispatch"]


class Dispatch:
    """Answers requests as the HTTP endpoints do, without HTTP.

    `quota` is the one of batches: it limits nothing, and knows their price.
    """

    def __init__(self, llm: Llm, quota: Quota, tunings: FineTunings, ears: Ears) -> None:
        self._llm = llm
        self._ears = ears
        self._quota = quota
        self._tunings = tunings

    async def ready(self) -> None:
        """Wait for the model. Raises a 503 when there is none to wait for."""
        await self._llm.ready()

    async def answer(
        self, endpoint: str, body: dict[str, Any], request_id: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the body of the reply. Errors are replies too."""
        try:
            request_id = request_id or new_id("req")
            if endpoint == "/v1/chat/completions":
                return 200, await self._chat(body, request_id)
            self._quota.check_spending()
            return 200, await audio.answer(endpoint, body, self._ears, self._quota, request_id)
        except Refusal as refusal:
            return refusal.status, refusal.body()
        except Exception as error:  # noqa: BLE001 — one line's bug must not end the batch
            traceback.print_exception(error, file=sys.stderr)
            message = f"The local engine failed: {type(error).__name__}. Its log has the details."
            return 500, Refusal(500, message, type="internal_server_error").body()

    async def _chat(self, body: dict[str, Any], request_id: str) -> dict[str, Any]:
        await self._tunings.require_model(body)
        wanted = read_request(body, self._llm.name)
        _check_batchable(wanted)
        chat = await Chat.admit(wanted, self._llm, self._quota, request_id)
        return await chat.whole()


def _check_batchable(wanted: ChatRequest) -> None:
    if wanted.stream:
        raise bad_request("`stream` is not supported in batches.", "stream")
    if wanted.info is not None and not wanted.info.capabilities.get("batch_chat"):
        raise bad_request(
            f"The model `{wanted.info.id}` is not available in batches.",
            "model",
            "model_not_available_in_batch",
        )
