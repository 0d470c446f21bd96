"""Uploaded files and the files of batches' results. Docs: API Reference, Files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Literal

from groqnb.types.base import Model, Reply
from groqnb.types.chat import RequestOptions

__all__ = [
    "DeletedFile",
    "FileCard",
    "FileInput",
    "FileList",
    "FileObject",
    "Progress",
    "Purpose",
    "UploadOptions",
]

_Content = str | os.PathLike[str] | bytes | IO[bytes]

FileInput = _Content | tuple[str | None, _Content] | tuple[str | None, _Content, str | None]
"""What a parameter `file` takes: a path, bytes, an open binary file, or a tuple of a name, one of
these, and a media type where it matters."""

Purpose = Literal["batch", "fine_tuning"]
"""What a file is uploaded for."""

Progress = Callable[[int, int], object]
"""Is told how many bytes went out so far, and how many there are."""


class UploadOptions(RequestOptions, total=False):
    """What a call with a file takes beside the API's own parameters.

    `progress(done, total)` is called while the file goes out, in bytes; it begins again at 0 when
    the call is sent again.
    """

    progress: Progress | None


class FileCard(Model):
    """A file as the server has it.

    `bytes` is its size, `created_at` in seconds since 1970; `purpose` is batch, batch_output or
    fine_tuning.
    """

    id: str
    bytes: int | None = None
    created_at: int | None = None
    filename: str | None = None
    object: str = "file"
    purpose: str | None = None


class FileObject(FileCard, Reply):
    """One file, uploaded or asked for.

    ```python
    file = client.files.create(file="requests.jsonl", purpose="batch")
    file.id, file.bytes
    ```
    """


class FileList(Reply):
    """Every file of the organisation; in `data`."""

    data: list[FileCard]
    object: str = "list"


class DeletedFile(Reply):
    """What is said of a file that is gone."""

    id: str
    deleted: bool
    object: str = "file"
