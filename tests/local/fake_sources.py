"""A package index and a model hub in one small HTTP server, with faults on demand."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sources:
    """`files` are served by path, Range understood. `cut` breaks a path off after some bytes.

    `asked` is the list of (path, Range header) of the requests that came. With `login`
    ("user:password") nobody else is let in.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: dict[str, list[int]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.url = ""
        self.login: str | None = None

    def add_wheel(
        self,
        name: str,
        version: str,
        member: str,
        content: bytes,
        others: Mapping[str, bytes] | None = None,
    ) -> str:
        """Put a wheel that holds `member`, and `others`, into the index; its path."""
        module = name.replace("-", "_")
        data = io.BytesIO()
        info = f"{module}-{version}.dist-info"
        with zipfile.ZipFile(data, "w") as wheel:
            wheel.writestr(member, content)
            for other, data_there in (others or {}).items():
                wheel.writestr(other, data_there)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        file = f"{module}-{version}-py3-none-any.whl"
        digest = hashlib.sha256(data.getvalue()).hexdigest()
        path = f"/files/{file}"
        self.files[path] = data.getvalue()
        page = f'<a href="{path}#sha256={digest}">{file}</a>'
        self.files[f"/simple/{name}/"] = page.encode()
        return path


@contextmanager
def serving() -> Iterator[Sources]:
    """Run the server for the `with` block."""
    sources = Sources()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            sources.asked.append((self.path, wanted))
            if sources.login is not None:
                wants = "Basic " + base64.b64encode(sources.login.encode()).decode()
                if self.headers.get("Authorization") != wants:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", "Basic")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            body = sources.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = 0
            if wanted and (found := re.match(r"bytes=(\d+)-$", wanted)):
                start = int(found[1])
            if start >= len(body) > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            kind = "text/html" if self.path.startswith("/simple/") else "application/zip"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cuts = sources.cut.get(self.path)
            end = start + cuts.pop(0) if cuts else len(body)
            self.wfile.write(body[start:end])

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    sources.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield sources
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
