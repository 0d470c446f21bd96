"""Code in the sandbox does no harm: each attack is stopped, and the next run works.

Where the host does not let code be shut in there is nothing to test but that it is refused.
"""

# ruff: noqa: E501 — code is easier to read unbroken

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from groqnb.local import built_in_tools
from groqnb.local.parts import code_interpreter
from groqnb.local.parts import sandbox as module
from groqnb.local.parts.built_in import Settings
from groqnb.local.parts.code_interpreter import CodeInterpreter
from groqnb.local.parts.sandbox import Limits, Ran, Sandbox, SandboxUnavailable
from groqnb.local.refusal import Refusal

SECRET = "gsk_sandbox_secret"
LIMITS = Limits(seconds=5, cpu=3)


def opened(limits: Limits) -> Sandbox:
    """A sandbox that is ready; without one the test is skipped."""
    os.environ["GROQ_API_KEY"] = SECRET
    made = Sandbox(limits)
    try:
        asyncio.run(made.ready())
    except SandboxUnavailable as missing:
        pytest.skip(f"this host cannot shut code in: {missing}")
    finally:
        os.environ.pop("GROQ_API_KEY")
    return made


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = opened(LIMITS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    """One whose other limits are far away."""
    made = opened(Limits(seconds=60, cpu=40))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the sandbox works as before."""
    yield
    if "sandbox" in request.fixturenames:
        box: Sandbox = request.getfixturevalue("sandbox")
        assert box.run_now("6 * 7").value == "42"


def error(ran: Ran) -> str:
    assert ran.error is not None, ran
    return ran.error["name"]


def test_it_runs_code_as_a_notebook_does(sandbox: Sandbox) -> None:
    """What is printed, and the value of the last expression."""
    ran = sandbox.run_now("import sys\nprint('out')\nprint('err', file=sys.stderr)\nx = 6\nx * 7")
    assert (ran.stdout, ran.stderr, ran.value, ran.error) == ("out\n", "err\n", "42", None)
    assert sandbox.run_now("x = 1").value is None


def test_runs_know_nothing_of_each_other(sandbox: Sandbox) -> None:
    """Neither names nor files stay, and chance is not the same in two of them."""
    sandbox.run_now("kept = 1; open('kept.txt', 'w').write('x')")
    assert error(sandbox.run_now("kept")) == "NameError"
    assert sandbox.run_now("import os; os.listdir()").value == "[]"
    code = "import random, numpy; print(random.random(), numpy.random.rand())"
    first, second = (sandbox.run_now(code).stdout.split() for _ in range(2))
    assert not set(first) & set(second)


def test_a_traceback_shows_the_code_s_own_lines(sandbox: Sandbox) -> None:
    """And no paths of the machine."""
    ran = sandbox.run_now("import json\ndef f():\n    json.loads('{')\nf()")
    assert ran.error is not None
    assert ran.error["name"] == "JSONDecodeError"
    assert "line 3, in f" in ran.error["traceback"]
    assert "json.loads('{')" in ran.error["traceback"]
    assert sys.prefix not in ran.error["traceback"]
    assert sys.base_prefix not in ran.error["traceback"]
    assert "line 1" in (sandbox.run_now("def f(:").error or {})["traceback"]


def test_what_takes_long_to_import_is_there_before_a_run_begins(sandbox: Sandbox) -> None:
    """pandas and matplotlib are imported once, ahead of all runs."""
    code = "import sys; {'pandas', 'matplotlib.pyplot'} <= set(sys.modules)"
    assert sandbox.run_now(code).value == "True"


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('{host}', {port}), 2)",
        "import urllib.request; urllib.request.urlopen('http://{host}:{port}/', timeout=2)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53))",
        "import socket; socket.getaddrinfo('example.com', 80)",
        "import socket; socket.socket(socket.AF_INET6)",
        "import socket; socket.socket(40, socket.SOCK_STREAM)",
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    ],
)
def test_there_is_no_network(sandbox: Sandbox, code: str) -> None:
    """Neither out, nor to this machine, nor to its host, nor names."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        host, port = server.getsockname()
        ran = sandbox.run_now(code.format(host=host, port=port))
        assert error(ran) in {"PermissionError", "gaierror", "URLError"}
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_socket_of_the_host_cannot_be_reached_by_a_name(sandbox: Sandbox) -> None:
    """Sockets of the kind that needs no file belong to the network that is not there."""
    name = f"groqnb-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0{name}')"
        assert error(sandbox.run_now(code)) == "ConnectionRefusedError"


def test_files_of_the_user_cannot_be_seen(sandbox: Sandbox, tmp_path: Path) -> None:
    """Not the home, not the engine's data, not the sources, not a file that the user named."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    for path in (secret, Path(__file__), Path(os.environ["GROQNB_DATA_DIR"]), Path("/etc/passwd")):
        assert path.exists()
        assert sandbox.run_now(f"import os; os.path.exists({str(path)!r})").value == "False"
    for folder in (Path.home(), Path(tempfile.gettempdir()), Path("/etc"), Path("/dev")):
        listing = sandbox.run_now(
            f"import os; sorted(os.listdir(d)) if os.path.isdir(d := {str(folder)!r}) else []"
        )
        seen = set(json.loads((listing.value or "").replace("'", '"')))
        # Of the way to Python's own libraries the folders' names are there, and nothing in them.
        assert seen <= _way_to_python(folder) | {"null", "zero", "full", "random", "urandom"}
    code = (
        "import os\nfor folder, _, names in os.walk('/'):\n"
        "    for name in names:\n        path = os.path.join(folder, name)\n"
        "        if not path.startswith(('/usr/', '/lib', '/dev/')) and '/lib/python' not in path:\n"
        "            print(path)"
    )
    told = set(sandbox.run_now(code).stdout.split())
    known = ("/cache/", "/etc/localtime", sys.base_prefix)
    assert not {path for path in told if not path.startswith(known)}


def _way_to_python(folder: Path) -> set[str]:
    shown = [sys.prefix, sys.base_prefix, *sys.path, "/etc/localtime"]
    inside = [Path(path) for path in shown if Path(path).is_relative_to(folder)]
    return {path.relative_to(folder).parts[0] for path in inside if path != folder}


@pytest.mark.parametrize(
    "where", ["~", "/tmp", "/", "/etc", "/cache", "/usr/lib", "/dev", "..", "{site}"]
)
def test_nothing_can_be_written_outside(sandbox: Sandbox, where: str) -> None:
    """Not even into Python's own packages; the run's own folder is the home."""
    site = str(Path(pytest.__file__).parents[1])
    folder = where.format(site=site)
    place = f"os.path.join(os.path.expanduser({folder!r}), 'evil.py')"
    ran = sandbox.run_now(f"import os\nopen({place}, 'w').write('x')")
    if where == "~":
        assert ran.error is None
    else:
        assert error(ran) in {"OSError", "PermissionError", "FileNotFoundError"}
    for place in (Path.home(), Path("/tmp"), Path("/"), Path("/etc"), Path("/usr/lib"), Path(site)):
        assert not (place / "evil.py").exists()


def test_packages_cannot_be_changed_by_any_way(sandbox: Sandbox) -> None:
    """Their files are not writable, and what is changed in memory is gone with the run."""
    code = "import numpy, os; os.chmod(numpy.__file__, 0o666)"
    assert error(sandbox.run_now(code)) in {"OSError", "PermissionError"}
    code = "import numpy, os; os.unlink(numpy.__file__)"
    assert error(sandbox.run_now(code)) in {"OSError", "PermissionError"}
    sandbox.run_now("import json; json.dumps = None; import builtins; builtins.print = None")
    assert sandbox.run_now("import json; print(json.dumps(1))").stdout == "1\n"


def test_links_lead_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither a symbolic link nor a hard one reaches what the code cannot see."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    code = f"import os; os.symlink({str(secret)!r}, 'link'); open('link').read()"
    assert error(sandbox.run_now(code)) == "FileNotFoundError"
    code = f"import os; os.link({str(secret)!r}, 'link'); open('link').read()"
    assert error(sandbox.run_now(code)) == "FileNotFoundError"
    assert error(sandbox.run_now("import os; os.chroot('..')")) == "PermissionError"


def test_no_key_is_in_its_environment(sandbox: Sandbox) -> None:
    """Only what it needs is there."""
    found = sandbox.run_now("import os; print(dict(os.environ))").stdout
    assert SECRET not in found
    assert "GROQ" not in found
    assert len(found) < 400


def test_no_other_process_can_be_seen_or_touched(sandbox: Sandbox) -> None:
    """Neither in /proc, nor by signals, nor by a debugger's calls; nor can limits be lifted."""
    assert sandbox.run_now("import os; os.listdir('/proc')").value == "[]"
    mine = os.getpid()
    for code in (f"import os; os.kill({mine}, 9)", "import os; os.kill(-1, 9)"):
        assert error(sandbox.run_now(code)) == "ProcessLookupError"
    assert error(sandbox.run_now("import os; os.kill(1, 9)")) == "PermissionError"
    attach = "import ctypes; ctypes.CDLL(None).ptrace(16, {}, 0, 0)"
    assert sandbox.run_now(attach.format(1)).value == "-1"
    assert sandbox.run_now(attach.format(mine)).value == "-1"
    code = "import resource as r; r.prlimit({}, r.RLIMIT_CPU, (0, 0))"
    assert error(sandbox.run_now(code.format(mine))) == "ProcessLookupError"
    code = "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))"
    assert error(sandbox.run_now(code)) in {"ValueError", "PermissionError"}


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",  # a namespace of users, in which it would be root
        "mount(b'proc', b'/sandbox', b'proc', 0, None)",
        "umount2(b'/sandbox', 2)",
        "setuid(0)",
        "keyctl(0, -3, 0)",
        "syscall(425, 8, 0)",  # io_uring_setup
        "syscall(321, 0, 0, 0)",  # bpf
    ],
)
def test_the_kernel_refuses_what_code_has_no_use_for(sandbox: Sandbox, call: str) -> None:
    """Calls that have let code out of sandboxes."""
    code = f"import ctypes; libc = ctypes.CDLL(None)\ntry:\n    print(libc.{call})\n"
    code += "except AttributeError:\n    print(-1)"
    assert sandbox.run_now(code).stdout.strip() == "-1"


def test_an_endless_loop_is_ended(sandbox: Sandbox) -> None:
    """By its limit of CPU; one that only waits, by the clock. What it printed is kept."""
    began = time.monotonic()
    assert error(sandbox.run_now("while True: pass")) == "TimeoutError"
    ran = sandbox.run_now(
        "import time, signal\nsignal.signal(15, signal.SIG_IGN)\nprint(1, flush=True)\ntime.sleep(60)"
    )
    assert error(ran) == "TimeoutError"
    assert ran.stdout == "1\n"
    assert time.monotonic() - began < 2 * LIMITS.seconds + 40


@pytest.mark.parametrize(
    "code",
    [
        "x = [0] * 10**9",
        "x = []\nwhile True: x.append(bytearray(30_000_000))",
        "import numpy; numpy.ones(2 * 10**9)",
        "import os\nfor _ in range(9):\n    os.fork()\nx = b'x' * 300_000_000\nimport time; time.sleep(9)",
    ],
)
def test_a_hog_of_memory_is_ended(patient: Sandbox, code: str) -> None:
    """One process, or many together; by its memory, however slow the machine is."""
    assert re.search("Memory|BlockingIO", error(patient.run_now(code)))


def test_a_fork_bomb_is_ended(sandbox: Sandbox) -> None:
    """It stays below a small number of processes, and none is left."""
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    assert error(sandbox.run_now(code)) == "TimeoutError"
    code = "import os\nn = 0\nwhile True:\n    try:\n        if not os.fork():\n            import time; time.sleep(60)\n        n += 1\n    except OSError:\n        break\nn"
    count = sandbox.run_now(code).value
    assert count is not None
    assert int(count) <= LIMITS.processes


def test_huge_output_is_cut(sandbox: Sandbox) -> None:
    """Whatever way it is written, it does not fill the engine's memory."""
    ran = sandbox.run_now("print('a' * 50_000_000)")
    assert (len(ran.stdout), ran.cut, ran.error) == (LIMITS.stdout, True, None)
    assert len(sandbox.run_now("'a' * 50_000_000").value or "") < 30_000
    code = "import os\nwhile True:\n    os.write(1, b'x' * 65536)"
    assert error(sandbox.run_now(code)) == "TimeoutError"
    ran = sandbox.run_now("raise ValueError('a' * 50_000_000)")
    assert len((ran.error or {})["traceback"]) < 30_000


def test_the_disk_is_not_filled(sandbox: Sandbox) -> None:
    """Files go to memory, and to so much of it."""
    one = "f = open('x', 'wb')\nwhile True: f.write(b'x' * 1_000_000)"
    many = "n = 0\nwhile True:\n    open(str(n := n + 1), 'wb').write(b'x' * 1_000_000)"
    empty = "n = 0\nwhile True: open(str(n := n + 1), 'wb').close()"
    for code in (one, many, empty):
        assert error(sandbox.run_now(code)) == "OSError"


def test_what_is_left_running_ends_with_the_run(sandbox: Sandbox) -> None:
    """Also a process that hid in a session of its own, and a thread."""
    before = _children(sandbox)
    code = "import os, time\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n        time.sleep(60)\n    os._exit(0)\nprint('done')"
    began = time.monotonic()
    assert sandbox.run_now(code).stdout == "done\n"
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n1"
    assert sandbox.run_now(code).value == "1"
    assert time.monotonic() - began < 50
    assert _children(sandbox) == before


def _children(sandbox: Sandbox) -> int:
    assert sandbox._child is not None
    return len(psutil.Process(sandbox._child.pid).children(recursive=True))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import os; os._exit(3)", "ProcessError"),
        ("import os; os.abort()", "ProcessError"),
        ("import ctypes; ctypes.string_at(0)", "ProcessError"),
        ("import sys; sys.exit(2)", "SystemExit"),
        ("input()", "EOFError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", None),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E"),
        ("import subprocess; subprocess.run(['ls'])", "FileNotFoundError"),
        (
            "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'{\"value\": 3}')\n    except OSError: pass\nos._exit(0)",
            None,
        ),
        (
            "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'[' * 100000)\n    except OSError: pass\nos._exit(0)",
            "ProcessError",
        ),
        ("import sys; sys.stdout = None; 1 / 0", "ZeroDivisionError"),
        (
            "import sys\nclass S:\n    def flush(self): raise OSError\nsys.stdout = S(); 1 / 0",
            "ZeroDivisionError",
        ),
    ],
)
def test_a_strange_end_is_told(sandbox: Sandbox, code: str, name: str | None) -> None:
    """No way to end takes the sandbox along, and no false result does harm."""
    ran = sandbox.run_now(code)
    if name is not None:
        assert error(ran) == name


def test_figures_come_as_pictures_and_as_data(sandbox: Sandbox) -> None:
    """One for each `plt.show()`, and what is open at the end; a superchart brings its parts."""
    pytest.importorskip("e2b_charts")
    code = (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2], [3, 4], label='y')\nplt.title('T')\n"
        "plt.show()\nplt.bar(['a', 'b'], [1, 2])\nplt.show()\n"
        "f, a = plt.subplots(1, 2); a[0].plot([1]); a[1].bar(['a'], [2]); f.suptitle('S')"
    )
    line, bar, both = sandbox.run_now(code).figures
    assert (line["chart"]["type"], line["chart"]["title"]) == ("line", "T")
    assert [each["value"] for each in bar["chart"]["elements"]] == [1.0, 2.0]
    assert both["chart"]["type"] == "superchart"
    assert [part["type"] for part in both["charts"]] == ["line", "bar"]
    assert all(each["png"].startswith("iVBOR") for each in (line, bar, both))


def test_a_figure_that_cannot_be_read_keeps_its_picture(sandbox: Sandbox) -> None:
    """Boxes without whiskers make the reader fail; boxes by default are boxes, not lines."""
    pytest.importorskip("e2b_charts")
    flat = "import matplotlib.pyplot as plt; plt.boxplot([[1, 1, 1, 1]])"
    (figure,) = sandbox.run_now(flat).figures
    assert set(figure) == {"text", "png"}
    box = "import matplotlib.pyplot as plt; plt.boxplot([[1, 2, 3, 4, 9]])"
    (figure,) = sandbox.run_now(box).figures
    assert figure["chart"]["type"] == "box_and_whisker"
    json.dumps(figure, allow_nan=False)


@pytest.mark.parametrize(
    "written",
    [
        *("", "null", "[]", "{", '{"error": {}}', '{"error": {"name": 1, "traceback": []}}'),
        *('{"value": "\\ud800"}', '{"figures": [1, {"png": 2}, {"text": "\\udfff"}]}'),
        '{"error": {"name": "E", "message": "", "traceback": "half a \\uDC00"}}',
        '{"figures": [{"text": "", "chart": {"title": "half a \\ud83d"}}]}',
    ],
)
def test_whatever_code_writes_where_its_result_is_read_makes_an_answer(written: str) -> None:
    """Nothing of it ends the request, and all of it can be sent."""
    reply = {"result": written, "stdout": "", "stderr": "", "cut": False, "seconds": 0, "end": ""}
    outcome = code_interpreter._outcome(module._read(reply, LIMITS))
    json.dumps([outcome.output, outcome.code_results], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("question", "code", "drawing"),
    [
        ("Draw a chart of my sales.", None, True),
        ("plot x against y", None, True),
        ("Show me the numbers. The chart is for later.", None, False),
        ("What is `a`, and what does `x = [1]; x[0]` give?", "x = [1]; x[0]\n", False),
        ("`an unpaired one, `print(6 * 7)`", "print(6 * 7)\n", False),
        ("`x = (" + "-" * 100_000 + "1)`", None, False),
        ("`x = (" + "a." * 50_000 + "b)`", None, False),
    ],
)
def test_what_a_question_wants_of_code_is_read_off_it(
    question: str, code: str | None, drawing: bool
) -> None:
    tool = CodeInterpreter()
    assert tool.arguments_from(question) == (None if code is None else {"code": code})
    assert tool.is_asked_for(question) is (code is not None or drawing)


def test_a_long_question_is_looked_at_in_no_time() -> None:
    """The engine answers nobody else meanwhile. A regular expression can take hours for these."""
    code = (
        "from groqnb.local.parts.code_interpreter import CodeInterpreter\n"
        "for text in ('show ' * 100_000, 'plot ' * 100_000, '`' + '=' * 400_000):\n"
        "    CodeInterpreter().is_asked_for(text)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=240, check=True)


def test_whole_characters_in_a_result_stay_as_they_are() -> None:
    """Also those that JSON writes in two halves."""
    reply = {"result": '{"value": "\\ud83d\\ude00 \\\\ud800"}', "stdout": "", "stderr": ""}
    ran = module._read({**reply, "cut": False, "seconds": 0, "end": ""}, LIMITS)
    assert ran.value == "\U0001f600 \\ud800"


def test_the_worker_that_was_killed_is_started_anew(sandbox: Sandbox) -> None:
    """The run in which that is found out works already."""
    child = sandbox._child
    assert child is not None
    child.kill()
    child.wait()
    assert sandbox.run_now("1 + 1").value == "2"


def test_nothing_is_left_when_the_engine_is_killed() -> None:
    """The sandbox ends with it, also in the middle of a run, and leaves no folder."""
    code = (
        "import threading, sys\nfrom groqnb.local.parts.sandbox import Sandbox\nbox = Sandbox()\n"
        "threading.Thread(target=box.run_now, args=('import time; time.sleep(60)',)).start()\n"
        "import time\nwhile box._child is None or box._folder is not None: time.sleep(0.05)\n"
        "time.sleep(0.5); print(box._child.pid, flush=True)"
    )
    before = set(Path(tempfile.gettempdir()).glob("groqnb-sandbox-*"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        line = engine.stdout.readline()
        if not line.strip():
            pytest.skip("this host cannot shut code in")
        processes = [psutil.Process(int(line)), *psutil.Process(int(line)).children(recursive=True)]
        engine.kill()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive
    assert set(Path(tempfile.gettempdir()).glob("groqnb-sandbox-*")) <= before


def test_where_code_cannot_be_shut_in_it_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what is missing and how to run it all the same; an answer can go without."""
    monkeypatch.setattr(module.sys, "platform", "darwin")
    tool = built_in_tools.BuiltInTools().get("code_interpreter")
    with pytest.raises(Refusal) as caught:
        asyncio.run(tool.check())
    assert (caught.value.status, caught.value.code) == (501, "code_execution_unavailable")
    assert "only Linux" in caught.value.message
    assert "--allow-unisolated-code" in caught.value.message
    outcome = asyncio.run(tool.run({"code": "print(1)"}, Settings()))
    assert outcome.failed
    assert "only Linux" in outcome.output


def test_a_step_that_the_system_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers often refuse the first."""
    box = Sandbox()
    made = box._settings

    def wrong(folder: str) -> dict[str, Any]:
        return {**made(folder + "/is/not/there")}

    monkeypatch.setattr(box, "_settings", wrong)
    with pytest.raises(SandboxUnavailable, match="refuses a step"):
        box.run_now("1")


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_the_switch_runs_code_under_limits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder that is removed; endless code and what it leaves behind are ended."""
    monkeypatch.setattr(module.sys, "platform", "darwin")
    tool = CodeInterpreter(isolated=False)
    tool._sandbox.limits = Limits(seconds=2)
    try:
        outcome = asyncio.run(
            tool.run({"code": "import os; print(os.getcwd(), os.listdir())"}, Settings())
        )
        folder, listed = outcome.output.split()
        assert listed == "[]"
        assert not Path(folder).exists()
        assert error(tool._sandbox.run_now("while True: pass")) == "TimeoutError"
        code = "import os, time\nif (p := os.fork()) == 0:\n    time.sleep(60)\nprint(p)"
        left = int(tool._sandbox.run_now(code).stdout)
        deadline = time.monotonic() + 60
        while psutil.pid_exists(left) and psutil.Process(left).status() != "zombie":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        tool.close()
