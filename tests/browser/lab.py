"""A real JupyterLab on loopback, in folders of its own, and its certain end."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

START_SECONDS = 60
END_SECONDS = 15
# Every process under the server inherits this variable, so none can be missed at the end, not
# even one whose parent is gone already.
MARK = "GROQNB_TEST_LAB"


class Lab:
    """A JupyterLab server for tests: ``with Lab() as lab: lab.url("a.ipynb")``.

    It has a random token, a free port, and config, data, runtime, settings, workspace and
    IPython folders that are thrown away; its kernels find no key and use the small local model.
    `model` is another value for ``GROQNB_LOCAL_MODEL``.
    """

    def __init__(self, model: str = "small") -> None:
        self.home = Path(tempfile.mkdtemp(prefix="groqnb-lab-"))
        self.notebooks = self.home / "notebooks"
        self.program = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser"),
            f"--ServerApp.root_dir={self.notebooks}",
        ]
        self.token = secrets.token_hex(16)
        self.port = 0
        self._model = model
        self._mark = secrets.token_hex(8)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lab:
        self.notebooks.mkdir()
        self._write_settings()
        try:
            for attempts_left in (2, 1, 0):
                if self._start(last=attempts_left == 0):
                    return self
        except BaseException:
            self.stop()
            raise
        raise AssertionError("unreachable: the last start raises")

    def __exit__(self, *_: object) -> None:
        left = self.stop()
        assert not left, f"still running after JupyterLab had ended: {left}"

    def add(self, notebook: Path, name: str | None = None) -> str:
        """Copy a notebook into the server's folder; the name under which to open it."""
        target = self.notebooks / (name or notebook.name)
        shutil.copyfile(notebook, target)
        return target.name

    def url(self, name: str, front: str = "lab") -> str:
        """The address of a notebook, with the token: in a fresh workspace of Lab, or Notebook 7."""
        if front == "notebook":
            return f"http://127.0.0.1:{self.port}/notebooks/{name}?token={self.token}"
        return f"http://127.0.0.1:{self.port}/lab/tree/{name}?token={self.token}&reset"

    def log(self) -> str:
        """What the server wrote so far."""
        path = self.home / "lab.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def end_kernel(self, name: str) -> None:
        """Shut down the kernel of a notebook, if it has one, as Lab's own command does."""
        for session in json.loads(self._ask("GET", "/api/sessions")):
            if session["path"] == name:
                self._ask("DELETE", f"/api/sessions/{session['id']}")

    def processes(self) -> list[psutil.Process]:
        """Every living process of this server: itself, kernels, and what those started."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def stop(self) -> list[str]:
        """End everything; the command lines of what had to be killed after the server's end."""
        if self._server is not None and self._server.poll() is None:
            try:
                self._ask("POST", "/api/shutdown")
            except OSError:
                self._server.terminate()
        _, alive = psutil.wait_procs(self.processes(), timeout=END_SECONDS)
        alive = [process for process in {*alive, *self.processes()} if process.is_running()]
        left = []
        for process in alive:
            try:
                left.append(" ".join(process.cmdline()))
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(alive, timeout=END_SECONDS)
        if self._server is not None:
            self._server.wait(END_SECONDS)
        shutil.rmtree(self.home, ignore_errors=True)
        return left

    def _environment(self) -> dict[str, str]:
        # JUPYTER_* and GROQ* of the developer's shell would make the tests depend on it.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "IPYTHON", "GROQ_"))
        }
        return kept | {
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTER_TOKEN": self.token,
            "JUPYTERLAB_SETTINGS_DIR": str(self.home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
            "IPYTHONDIR": str(self.home / "ipython"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "GROQNB_LOCAL_MODEL": self._model,
            MARK: self._mark,
        }

    def _write_settings(self) -> None:
        # The question whether to fetch Jupyter's news covers the page, and only this hides it.
        folder = self.home / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True)
        news = {"fetchNews": "false", "checkForUpdates": False}
        (folder / "notification.jupyterlab-settings").write_text(json.dumps(news))

    def _start(self, *, last: bool) -> bool:
        self.port = _free_port()
        command = [
            *self.program,
            "--allow-root",
            *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
            "--ServerApp.terminals_enabled=False",
            "--LabApp.expose_app_in_browser=True",
            # The same server has Notebook 7, at other addresses.
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class="
            "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        ]
        with (self.home / "lab.log").open("ab") as log:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.notebooks,
                env=self._environment(),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                if not last:  # most likely another process took the port
                    return False
                raise RuntimeError(f"JupyterLab ended at its start:\n{self.log()[-3000:]}")
            try:
                self._ask("GET", "/api/status")
            except OSError:
                time.sleep(0.1)
            else:
                return True
        raise RuntimeError(f"JupyterLab was not ready in {START_SECONDS} s:\n{self.log()[-3000:]}")

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as reply:
            body: bytes = reply.read()
        return body

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark and (
                process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.Error, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
