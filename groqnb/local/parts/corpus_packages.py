"""The packages installed here as pages: what their metadata and their docstrings say.

Everything is read from files. A package is never imported: that could run anything.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from urllib.parse import urlsplit

from groqnb.local.parts.corpus_docstrings import (
    Documented,
    Module,
    built_in,
    read_module,
)
from groqnb.local.parts.corpus_names import Names
from groqnb.local.parts.corpus_pages import PACKAGES_HOST, Page, clean, split_name

__all__ = ["CORE", "Package", "described", "documented", "installed"]

#: What notebooks use most.
CORE = ("pandas", "numpy", "matplotlib", "python")

_MOST_TEXT = 6_000
_MOST_DESCRIPTION = 20_000
_LARGEST_FILE = 1_000_000
_MOST_PAGES = 8_000
_MOST_BYTES = 40_000_000
# Folders of what is no documentation for users.
_SKIPPED = re.compile(
    r"(^|/)(tests?|testing|_testing|conftest\.py|_?vendor(ed)?|third_party|extern|typeshed|"
    r"benchmarks?|examples?|__pycache__|test_[^/]*|idlelib|lib2to3|ensurepip|encodings|turtledemo|"
    r"pydoc_data|distutils|site-packages|dist-packages|lib-dynload|config-[^/]*)(/|$)"
)
# Where a project says that its documentation is, the best label first.
_LABELS = ("documentation", "docs", "homepage", "home", "website", "repository", "source", "code")
_PYTHON_HOST = "docs.python.org"


@dataclass(frozen=True)
class Package:
    """An installed package. `stamp` changes when it is installed anew; `info` is its metadata."""

    name: str
    version: str
    stamp: str
    info: Path | None

    @property
    def is_python(self) -> bool:
        """Whether this is the standard library."""
        return self.info is None


def installed(folders: Sequence[str] | None = None) -> list[Package]:
    """Every package in `folders` (by default `sys.path`), Python's own library first.

    Only names of folders are read: about 2 ms for 150 packages.
    """
    found: dict[str, Package] = {}
    if folders is None:
        version = ".".join(map(str, sys.version_info[:3]))
        found["python"] = Package("python", version, version, None)
        folders = sys.path
    for folder in folders:
        try:
            entries = list(os.scandir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            if suffix != ".dist-info":
                continue
            name, _, version = stem.partition("-")
            key = name.lower().replace("_", "-")
            if key not in found:
                stamp = f"{entry.path}:{entry.stat().st_mtime_ns}"
                found[key] = Package(key, version, stamp, Path(entry.path))
    return list(found.values())


def described(package: Package) -> tuple[str, list[Page]]:
    """The package's host, and the page of its description."""
    if package.info is None:
        return _PYTHON_HOST, []
    message = _metadata(package.info)
    host = _host(message)
    name = str(message.get("Name") or package.name)
    payload = message.get_payload()
    text = payload if isinstance(payload, str) else ""
    text = text or str(message.get("Description") or "")
    summary = str(message.get("Summary") or "")
    if not (text.strip() or summary):
        return host, []
    addresses = "\n".join(f"{label}: {url}" for label, url in _addresses(message))
    page = Page(
        host=host,
        path=name,
        title=f"{name} {package.version} (installed copy of its description)",
        words=f"{split_name(name)} {_plain(message.get('Keywords'))}",
        summary=summary,
        text=clean(f"{summary}\n\n{text}\n\n{addresses}", _MOST_DESCRIPTION),
    )
    return host, [page]


def documented(package: Package, host: str) -> Iterator[Page]:
    """The pages of the package's docstrings, at most 8,000 of them."""
    modules = list(_read(package))
    if package.is_python:
        modules += built_in()
    names = Names(modules)
    standing = _standing(package)
    seen: set[str] = set()
    for module, content in modules:
        for found in content.documented:
            full, others, weight = names.public(module, found.name)
            if full in seen:
                continue
            seen.add(full)
            yield _page(package, host, full, others, weight * standing, found)
            if len(seen) >= _MOST_PAGES:
                return


def _read(package: Package) -> Iterator[tuple[str, Module]]:
    left = _MOST_BYTES
    for name, path in _sources(package):
        try:
            size = path.stat().st_size
            if size > _LARGEST_FILE or size > left:
                continue
            module = read_module(path.read_bytes())
        except OSError:
            continue
        left -= size
        if path.name != "__init__.py" and not name.endswith(".api"):
            # Other modules import for their own use.
            module.exports.clear()
            module.stars.clear()
        yield name.removesuffix(".api"), module


def _standing(package: Package) -> float:
    """How likely it is that a question means this package, if it names none."""
    if package.name in CORE:
        return 1.0
    asked_for = package.info is not None and (package.info / "REQUESTED").exists()
    return 0.95 if asked_for else 0.88


def _page(
    package: Package, host: str, full: str, others: str, weight: float, found: Documented
) -> Page:
    shown = "Python" if package.is_python else package.name
    text = clean(found.text, _MOST_TEXT)
    head = f"{full}{found.signature}\n\n" if found.signature else f"{full}\n\n"
    return Page(
        host=host,
        path=full if package.is_python else f"{package.name}/{full}",
        title=f"{full} — {shown} {package.version} (installed copy)",
        words=split_name(full) + others,
        summary=text.partition("\n\n")[0][:300],
        text=head + text,
        weight=weight,
    )


def _sources(package: Package) -> Iterator[tuple[str, Path]]:
    """The modules of a package: name and file, `__init__.py` before what stands beside it."""
    if package.info is None:
        root = Path(sysconfig.get_path("stdlib"))
        files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    else:
        root = package.info.parent
        # A package that only holds types for another has nothing to say of its own.
        if package.name.endswith("-stubs") or package.name.startswith("types-"):
            return
        files = sorted(_recorded(PathDistribution(package.info)))
    for file in files:
        if not file.endswith(".py") or file.startswith(("..", "/")) or _SKIPPED.search(file):
            continue
        parts = file[:-3].split("/")
        if package.is_python and parts[0].startswith("_"):
            continue
        if parts[-1] == "__init__":
            parts.pop()
        if parts and all(part.isidentifier() for part in parts):
            yield ".".join(parts), root / file


def _recorded(distribution: Distribution) -> Iterator[str]:
    record = distribution.read_text("RECORD")
    if record is not None:
        for line in record.splitlines():
            yield line.partition(",")[0].strip('"')
        return
    # Some installers write no record; then the names of its modules have to do.
    names = (distribution.read_text("top_level.txt") or distribution.metadata["Name"]).split()
    root = Path(str(distribution.locate_file("")))
    for name in names:
        for path in (root / name).rglob("*.py"):
            yield path.relative_to(root).as_posix()


def _metadata(info: Path) -> Message:
    try:
        return BytesParser().parsebytes((info / "METADATA").read_bytes())
    except OSError:
        return Message()


def _addresses(message: Message) -> Iterator[tuple[str, str]]:
    for line in message.get_all("Project-URL") or []:
        label, _, url = str(line).partition(",")
        yield label.strip(), url.strip()
    if message.get("Home-page"):
        yield "Homepage", str(message["Home-page"]).strip()


def _host(message: Message) -> str:
    """The site of a package's documentation; else its home page's; else that of its source."""
    known: dict[str, str] = {}
    for label, url in _addresses(message):
        try:
            host = urlsplit(url).hostname if url.startswith(("http://", "https://")) else None
        except ValueError:
            continue
        if host:
            known.setdefault(re.sub(r"\W", "", label.lower()), host)
    for wanted in _LABELS:
        for label, host in known.items():
            if label.startswith(wanted):
                return host
    return next(iter(known.values()), PACKAGES_HOST)


def _plain(value: object) -> str:
    return re.sub(r"[,;\s]+", " ", str(value or ""))
