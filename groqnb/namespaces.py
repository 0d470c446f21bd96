"""The endpoints as a client has them; each family is imported at its first use.

They are cached properties, not properties: the latter IPython does not look into for completion.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic

from groqnb.api.resource import S

if TYPE_CHECKING:
    from groqnb.api.audio import Audio
    from groqnb.api.batches import Batches
    from groqnb.api.chat import Chat
    from groqnb.api.files import Files
    from groqnb.api.fine_tunings import FineTunings
    from groqnb.api.models import Models
    from groqnb.api.responses import Responses

__all__ = ["Namespaces"]


class Namespaces(Generic[S]):
    """What `Groq` and `AsyncGroq` have behind their dots.

    ```python
    client.chat.completions.create(...)
    client.models.list()
    ```
    """

    _sender: S

    @cached_property
    def chat(self) -> Chat[S]:
        """Chat completions. Docs: API Reference, Chat."""
        from groqnb.api.chat import Chat

        return Chat(self._sender)

    @cached_property
    def models(self) -> Models[S]:
        """The models that are served. Docs: API Reference, Models."""
        from groqnb.api.models import Models

        return Models(self._sender)

    @cached_property
    def responses(self) -> Responses[S]:
        """Responses. Docs: API Reference, Responses (beta)."""
        from groqnb.api.responses import Responses

        return Responses(self._sender)

    @cached_property
    def audio(self) -> Audio[S]:
        """Speech to text, text to speech. Docs: API Reference, Audio."""
        from groqnb.api.audio import Audio

        return Audio(self._sender)

    @cached_property
    def files(self) -> Files[S]:
        """Files for batches and fine tunings. Docs: API Reference, Files."""
        from groqnb.api.files import Files

        return Files(self._sender)

    @cached_property
    def batches(self) -> Batches[S]:
        """Many requests in one file. Docs: API Reference, Batches."""
        from groqnb.api.batches import Batches

        return Batches(self._sender)

    @cached_property
    def fine_tunings(self) -> FineTunings[S]:
        """LoRA adapters as models. Docs: API Reference, Fine Tuning (closed beta)."""
        from groqnb.api.fine_tunings import FineTunings

        return FineTunings(self._sender)
