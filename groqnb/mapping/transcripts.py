"""What recordings in rows say: each is transcribed once, and its text kept as an answer is."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from groqnb.api.audio import transcription_call
from groqnb.mapping.journal import TEXT, Answer
from groqnb.mapping.sources import sound_of
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.mapping.lanes import Lane
    from groqnb.mapping.question import Question
    from groqnb.mapping.template import Sound

__all__ = ["Transcripts", "transcribe"]

_RECENT = 1000  # texts that may not be on disk yet


class Transcripts:
    """The transcripts of a map, in its event loop.

    However many rows have a recording, and however often it is asked about, it is sent once: a
    second row waits for the first one's, a later run finds it on disk.

    Args:
        question: names recordings, and the model for them.
        find: looks a key up on the disk.
        keep: has an answer written down.
    """

    def __init__(
        self,
        question: Question,
        find: Callable[[bytes], Answer | None],
        keep: Callable[[Answer], None],
    ) -> None:
        self._question = question
        self._find = find
        self._keep = keep
        self._under_way: dict[bytes, asyncio.Task[str]] = {}
        self._recent: OrderedDict[bytes, str] = OrderedDict()

    async def text(self, lane: Lane, sound: Sound) -> str:
        """What the recording says. Raises what its call raises, for every row that waits for it."""
        key = self._question.sound_key(sound)
        if key in self._recent:
            return self._recent[key]
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._hear(lane, sound, key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        # A row that is given up does not give up what others wait for, and what is paid for.
        return await asyncio.shield(task)

    async def _hear(self, lane: Lane, sound: Sound, key: bytes) -> str:
        known = await asyncio.to_thread(self._find, key)
        if known is not None:
            return known.text
        began = lane.clock()
        text = await transcribe(lane, sound)
        seconds = lane.clock() - began
        self._keep(
            Answer(key, TEXT, text, lane.model, 0, 0, None, seconds, "stop", None, time.time())
        )
        return text

    def _done(self, key: bytes, task: asyncio.Task[str]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled() and task.exception() is None:
            self._recent[key] = task.result()
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)

    def abort(self) -> None:
        """Give up what is under way."""
        for task in self._under_way.values():
            task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))


async def transcribe(lane: Lane, sound: Sound) -> str:
    """What a recording says, by the model of the lane; sent again as the lane's policy says."""
    taped = tap.current is not None
    if not taped:  # the sound is not in memory while it waits
        await lane.turn(0)
    call = transcription_call(lane.model, None, sound_of(sound))
    if taped and not tap.answers(call, lane.where, lane.client.target.secret):
        await lane.turn(0)
    reply = await lane.client._sender.send(replace(call, retry=lane.policy))
    lane.answered(0, 0.0, None, reply.headers)
    return str(reply.text).strip()
