"""`client.files`. Docs: API Reference, Files."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, overload

from groqnb.api.plain import plain_call, quoted_id
from groqnb.api.resource import (
    AsyncSender,
    Resource,
    S,
    SyncSender,
    body_of,
    headers_of,
    shows_parameters,
)
from groqnb.api.uploads import MB, file_content
from groqnb.types.chat import RequestOptions
from groqnb.types.errors import ParameterError
from groqnb.types.files import (
    DeletedFile,
    FileInput,
    FileList,
    FileObject,
    Purpose,
    UploadOptions,
)
from groqnb.wire.call import Call
from groqnb.wire.download import AsyncDownload, Download
from groqnb.wire.multipart import Form

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Files"]

# Two pages of the documentation say 100 MB and 200 MB; what is above both is refused for sure.
MOST_BATCH_MB = 200

_KNOWN = frozenset(UploadOptions.__annotations__)


class Files(Resource[S]):
    """Files for batches and fine tunings, and the files that batches write."""

    @overload
    def create(
        self: Files[SyncSender],
        *,
        file: FileInput,
        purpose: Purpose,
        **options: Unpack[UploadOptions],
    ) -> FileObject: ...
    @overload
    def create(
        self: Files[AsyncSender],
        *,
        file: FileInput,
        purpose: Purpose,
        **options: Unpack[UploadOptions],
    ) -> Awaitable[FileObject]: ...
    @shows_parameters(UploadOptions)
    def create(self, *, file: FileInput, purpose: Purpose, **options: Any) -> Any:
        """Uploads a file: JSONL for a batch, a ZIP with an adapter for a fine tuning.

        `file` is a path, bytes, an open binary file, or a tuple of a name and one of these. It is
        read while it is sent; `progress(done, total)` is told of it, in bytes. A broken upload is
        sent again from its start.

        Raises ParameterError for an empty file and one above 200 MB for a batch, OSError for a
        path that cannot be read.

        ```python
        file = client.files.create(file="requests.jsonl", purpose="batch")
        client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        ```

        Docs: API Reference, Upload file.
        """
        if not isinstance(purpose, str) or not purpose:
            raise ParameterError("purpose is missing.", hint='It is "batch" or "fine_tuning".')
        body = body_of(_KNOWN, options, {"purpose": purpose})
        body.pop("progress", None)
        batch = purpose == "batch"
        content = file_content(
            file,
            most=MOST_BATCH_MB * MB if batch else None,
            fallback="upload.jsonl" if batch else "upload",
        )
        return self._sender.send(
            Call(
                "POST",
                "/files",
                FileObject,
                body=body,
                headers=headers_of(options),
                timeout=options.get("timeout"),
                form=Form(content, options.get("progress")),
            )
        )

    @overload
    def list(self: Files[SyncSender], **options: Unpack[RequestOptions]) -> FileList: ...
    @overload
    def list(
        self: Files[AsyncSender], **options: Unpack[RequestOptions]
    ) -> Awaitable[FileList]: ...
    @shows_parameters(RequestOptions)
    def list(self, **options: Any) -> Any:
        """Every file of the organisation, in `.data`.

        ```python
        [file.filename for file in client.files.list().data]
        ```

        Docs: API Reference, List files.
        """
        return self._sender.send(plain_call("GET", "/files", FileList, options))

    @overload
    def retrieve(
        self: Files[SyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> FileObject: ...
    @overload
    def retrieve(
        self: Files[AsyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[FileObject]: ...
    @shows_parameters(RequestOptions)
    def retrieve(self, file_id: str, **options: Any) -> Any:
        """What is known of a file: its name, size and purpose.

        Raises NotFoundError for an id that the server does not know.

        ```python
        client.files.retrieve("file_01").bytes
        ```

        Docs: API Reference, Retrieve file.
        """
        return self._sender.send(plain_call("GET", _path(file_id), FileObject, options))

    # The name it has in the official package.
    info = retrieve

    @overload
    def delete(
        self: Files[SyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> DeletedFile: ...
    @overload
    def delete(
        self: Files[AsyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[DeletedFile]: ...
    @shows_parameters(RequestOptions)
    def delete(self, file_id: str, **options: Any) -> Any:
        """Deletes a file.

        Raises NotFoundError for an id that the server does not know; also where a first attempt
        succeeded and its answer was lost.

        ```python
        client.files.delete("file_01").deleted
        ```

        Docs: API Reference, Delete file.
        """
        return self._sender.send(plain_call("DELETE", _path(file_id), DeletedFile, options))

    @overload
    def content(
        self: Files[SyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> Download: ...
    @overload
    def content(
        self: Files[AsyncSender], file_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[AsyncDownload]: ...
    @shows_parameters(RequestOptions)
    def content(self, file_id: str, **options: Any) -> Any:
        """A file's content, to be read, iterated over or saved; it comes while it is read.

        Raises NotFoundError for an id that the server does not know.

        ```python
        client.files.content(batch.output_file_id).save("results.jsonl")
        ```

        Docs: API Reference, Download file.
        """
        call = plain_call("GET", f"{_path(file_id)}/content", FileObject, options)
        return self._sender.fetch(call)


def _path(file_id: Any) -> str:
    return f"/files/{quoted_id('file', file_id)}"
