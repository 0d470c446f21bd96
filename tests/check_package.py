"""What is published, as a user gets it: ``python -m tests.check_package``.

Builds the sdist and, from it, the wheel; looks at what is in both; installs the wheel alone in a
new environment, and tries it there without any extra. Needs a package index; about a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_MEGABYTES = 8
CACHES = ("__pycache__", ".ipynb_checkpoints", ".pyc", ".DS_Store", ".part", ".db")

LOADS = """
import sys
import groqnb
assert "pandas" not in sys.modules and "httpx" not in sys.modules
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "groqnb")
shell.run_line_magic("groq", "help")
shell.run_line_magic("unload_ext", "groqnb")
for name in groqnb.__all__:
    getattr(groqnb, name)
from pathlib import Path
from groqnb.cookbook import copy_to
print(len(copy_to(Path("book")).new), "files of the cookbook")
"""
# What is tried without an extra, and the extra that its error must name.
WITHOUT = {
    "groqnb.transcribe('talk.mp3')": "audio",  # which lies there
    "groqnb.McpServer(['python', 'x.py'])": "mcp",
    "groqnb.Groq(where='local').models.list()": "local",
}
COMMANDS_WITHOUT = {"lab": "lab", "run x.ipynb": "lab", "serve": "local", "doctor": "local"}


def main() -> int:
    """Check everything; 0 when it is well."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        look_into(wheel)
        bin_ = install(wheel, folder / "venv")
        use(bin_, folder / "user")
    return 0


def run(*command: str | Path, **more: object) -> str:
    """Run a command and return what it wrote; its failure is ours."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **more,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
    return str(done.stdout)


def build(dist: Path) -> Path:
    """The sdist, the wheel that is made of it, and what twine says of both; the wheel."""
    run(sys.executable, "-m", "build", "--outdir", dist, ROOT)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir()))
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    for file in (sdist, wheel):
        size = file.stat().st_size / 1e6
        print(f"{file.name}: {size:.1f} MB")
        assert size < MOST_MEGABYTES, f"{file.name} has grown to {size:.1f} MB"
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    no_caches(names)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "docs/conf.py"):
        assert name in names, f"the sdist lacks {name}"
    assert not any(name.startswith(("docs/cookbook/", "build/", ".ci")) for name in names)
    return wheel


def look_into(wheel: Path) -> None:
    """Every module, notebook and static file of the tree is in the wheel, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    no_caches(names)
    ours = {name for name in names if ".dist-info/" not in name}
    tree = set(
        run(
            "git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-co", "--exclude-standard"
        ).splitlines()
    )
    wanted = {name for name in tree if name.startswith("groqnb/") and (ROOT / name).is_file()}
    wanted |= {
        f"groqnb/{name}"
        for name in tree
        if name.startswith("notebooks/") and (ROOT / name).is_file()
    }
    assert not wanted - ours, f"the wheel lacks {sorted(wanted - ours)[:9]}"
    assert not ours - wanted, f"the wheel has {sorted(ours - wanted)[:9]}"
    assert "groqnb/py.typed" in ours
    for kind in (".js", ".css", ".ipynb", ".json"):
        assert any(name.endswith(kind) for name in ours), kind
    assert any(name.endswith("licenses/LICENSE") for name in names)
    print(f"{len(ours)} files in the wheel, all of the tree's and no others")


def no_caches(names: set[str]) -> None:
    """None of the names is a leftover of running."""
    found = [name for name in names if any(cache in name for cache in CACHES)]
    assert not found, found[:9]


def install(wheel: Path, folder: Path) -> Path:
    """The wheel alone, in an environment of its own; where its commands are."""
    venv.create(folder, with_pip=True)
    bin_ = folder / ("Scripts" if os.name == "nt" else "bin")
    run(bin_ / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
    run(bin_ / "python", "-m", "pip", "check")
    return bin_


def use(bin_: Path, home: Path) -> None:
    """Commands, import and magics work; what needs an extra names it."""
    home.mkdir()
    (home / "talk.mp3").write_bytes(b"ID3" + bytes(2000))
    (home / "x.ipynb").write_text("{}", encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GROQ", "PYTHON", "XDG"))}
    env = {**clean, "HOME": str(home), "USERPROFILE": str(home)}
    print(run(bin_ / "groqnb", "--version", cwd=home, env=env).strip())
    print(run(bin_ / "python", "-c", LOADS, cwd=home, env=env).strip().splitlines()[-1])
    for code, extra in WITHOUT.items():
        names(extra, [bin_ / "python", "-c", f"import groqnb; {code}"], home, env)
    for words, extra in COMMANDS_WITHOUT.items():
        names(extra, [bin_ / "groqnb", *words.split()], home, env)
    print("what needs an extra says which")


def names(extra: str, command: list[str | Path], home: Path, env: dict[str, str]) -> None:
    """The command fails, and tells how the extra is installed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    asked = " ".join(map(str, command))
    assert done.returncode, f"{asked} should fail without the extra {extra}"
    assert f"groqnb[{extra}]" in done.stdout, f"{asked} does not name {extra}:\n{done.stdout}"


if __name__ == "__main__":
    sys.exit(main())
