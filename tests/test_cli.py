"""The command line: what each command does, prints and returns."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from groqnb.cli import main

GROQNB = [sys.executable, "-m", "groqnb"]


def write_notebook(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells]
    )
    nbformat.write(notebook, path)
    return path


def test_no_command_prints_the_help_and_returns_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "lab" in capsys.readouterr().out


def test_an_option_of_jupyterlab_in_the_wrong_place_is_told_where_it_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["lab", "book", "--port=8899"])
    assert stop.value.code == 2
    assert "groqnb lab -- --port=8899" in capsys.readouterr().err


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("groqnb 0.")


def test_run_of_a_missing_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "none.ipynb")]) == 1
    assert "There is no notebook" in capsys.readouterr().err


def test_run_of_a_file_that_is_no_notebook_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text("not json", encoding="utf-8")
    assert main(["run", str(path)]) == 1
    assert "is not a notebook" in capsys.readouterr().err


@pytest.mark.kernel
def test_run_prints_outputs_and_leaves_the_file_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(tmp_path / "ok.ipynb", "print('one')", "1 + 1")
    before = path.read_bytes()
    assert main(["run", str(path), "--output", str(tmp_path / "done.ipynb")]) == 0
    assert capsys.readouterr().out.split() == ["one", "2"]
    assert path.read_bytes() == before
    done = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    assert done.cells[1].outputs[0].data["text/plain"] == "2"


@pytest.mark.kernel
def test_run_returns_1_and_names_the_error_when_a_cell_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(tmp_path / "bad.ipynb", "print('one')", "1 / 0", "print('never')")
    assert main(["run", str(path)]) == 1
    seen = capsys.readouterr()
    assert "one" in seen.out
    assert "never" not in seen.out
    assert "Cell [2] of" in seen.err
    assert "ZeroDivisionError" in seen.err


@pytest.mark.kernel
def test_a_cell_that_takes_too_long_is_named_and_nothing_else_is_said(tmp_path: Path) -> None:
    """The kernel that is ended in the middle of it does not tell of its sockets."""
    path = write_notebook(tmp_path / "slow.ipynb", "1", "import time; time.sleep(60)")
    command = [sys.executable, "-m", "groqnb", "run", str(path), "--timeout", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"Cell [2] of {path} took longer than 1 s; see --timeout.\n"


def test_run_refuses_a_place_for_the_outputs_before_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is missing would be noticed only when all is done."""
    path = write_notebook(tmp_path / "ok.ipynb", "print('one')")
    for place in (tmp_path / "missing" / "done.ipynb", tmp_path):
        assert main(["run", str(path), "-o", str(place)]) == 1
        seen = capsys.readouterr()
        assert "cannot be written" in seen.err
        assert seen.out == ""


def test_run_of_a_notebook_for_another_kernel_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And leaves Ctrl-C as it was."""
    path = write_notebook(tmp_path / "other.ipynb", "1")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"] = {"name": "no-such-kernel", "display_name": "None"}
    nbformat.write(notebook, path)
    before = signal.getsignal(signal.SIGINT)
    assert main(["run", str(path)]) == 1
    assert "'no-such-kernel', which is not installed" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.kernel
def test_lab_copies_the_cookbook_and_serves_it(tmp_path: Path) -> None:
    port = free_port()
    env = dict(os.environ, **{f"JUPYTER_{n}_DIR": str(tmp_path / n) for n in ("CONFIG", "DATA")})
    env["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "runtime")
    options = ["--allow-root", "--IdentityProvider.token=test", "--ServerApp.port_retries=0"]
    lab = subprocess.Popen(
        [*GROQNB, "lab", "book", "--no-browser", "--", f"--port={port}", *options],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        page = f"http://127.0.0.1:{port}/api/contents/00_start.ipynb?content=0&token=test"
        for _ in range(300):
            try:
                with urllib.request.urlopen(page, timeout=5) as reply:
                    assert reply.status == 200
                break
            except (urllib.error.URLError, ConnectionError):
                assert lab.poll() is None, "JupyterLab ended early"
                time.sleep(0.1)
        else:
            pytest.fail("JupyterLab did not answer in 30 s")
        assert (tmp_path / "book" / "00_start.ipynb").is_file()
    finally:
        if hasattr(os, "killpg"):
            os.killpg(lab.pid, signal.SIGTERM)
        else:
            lab.terminate()
        lab.wait(20)
