"""What works here, what does not, and what to do about it.

``%groq doctor`` shows the checks in a notebook, ``groqnb doctor`` prints them.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groqnb.target import Target

__all__ = ["Check", "checks", "print_checks"]


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what it is.
        ok: True when it works, False when it does not, None when it is merely absent.
        detail: what was found.
        hint: what to do next, empty when there is nothing to do.
    """

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


def checks(target: Target | None = None) -> list[Check]:
    """Look at the installation, the key, the engine and, where calls go there, the cloud.

    ``target`` is where calls go now; without it, where a new ``Groq()`` would send them. With a
    key this makes one request (``GET /models``, at most 5 seconds), which costs nothing.

    Example::

        from groqnb.doctor import checks

        [check.name for check in checks() if check.ok is False]
    """
    return list(_checks(target))


def print_checks() -> int:
    """Print every check; 0 when calls can be made, 1 when something needed is broken."""
    found = checks()
    marks = {True: "ok ", False: "BAD", None: " - "}
    for check in found:
        print(f"{marks[check.ok]}  {check.name}: {check.detail}")
        if check.hint:
            print(f"     -> {check.hint}")
    return int(any(check.ok is False for check in found))


def _checks(target: Target | None) -> Iterator[Check]:
    from groqnb.target import resolve
    from groqnb.types.errors import GroqnbError

    python = f"{platform.python_version()} on {platform.system()} ({sys.executable})"
    yield Check("groqnb", True, f"{version('groqnb')}, Python {python}")
    try:
        target = target or resolve()
    except GroqnbError as error:
        yield Check("where calls go", False, str(error))
        return
    yield Check("where calls go", True, f"{target.label}, because {target.why}")
    yield _key()
    if target.kind == "local":
        yield from _engine(needed=True)
    else:
        yield _server(target)
        yield from _engine(needed=False)
    yield _recordings()
    yield _ledger()
    yield _prices()
    yield _jupyter()


def _key() -> Check:
    from groqnb.keys import PLACES, find_key
    from groqnb.types.errors import GroqnbError

    try:
        found = find_key()
    except GroqnbError as error:
        # What calls go to now may need none.
        return Check("API key", None, error.message, error.hint or "")
    if found is None:
        return Check("API key", None, f"none in {PLACES}", "Only needed for the cloud.")
    return Check("API key", True, f"{found.key} from {found.source}")


def _recordings() -> Check:
    name = "recordings"
    try:
        return Check(
            name, True, f"are read and cut by PyAV {version('av')}, numpy {version('numpy')}"
        )
    except PackageNotFoundError as error:
        detail = f"{error.name} is not installed: no groqnb.transcribe"
        return Check(name, None, detail, 'pip install "groqnb[audio]"')


def _ledger() -> Check:
    from groqnb.ledger.recorder import default_store, is_off, keeps_texts
    from groqnb.ledger.store import LedgerUnreadable

    name = "usage ledger"
    if is_off():
        return Check(name, None, "off, by GROQNB_LEDGER")
    store = default_store()
    try:
        rows = store.count()
    except LedgerUnreadable as error:
        return Check(name, None, str(error))  # calls are made all the same
    if store.broken:
        return Check(name, None, store.broken)
    kept = "with prompts and answers" if keeps_texts() else "without prompts and answers"
    return Check(name, True, f"{rows:,} calls in {store.path}, {kept}")


def _prices() -> Check:
    from groqnb.catalog.cost import PricesUnreadable, own_prices_path, price

    try:
        price("any")
    except PricesUnreadable as error:
        return Check("prices", None, str(error), "Until it can be read, no cost is known.")
    path = own_prices_path()
    own = f", and yours in {path}" if path.exists() else ""
    return Check("prices", True, f"the catalogue's{own}")


def _server(target: Target) -> Check:
    from groqnb.client import Groq
    from groqnb.types.errors import GroqnbError

    name = target.label
    key = None if target.key is None else target.key.key
    try:
        with Groq(base_url=target.base_url, api_key=key, timeout=5, max_retries=0) as client:
            count = len(client.models.list().data)
    except GroqnbError as error:
        return Check(name, False, str(error), "Offline: %groq use local")
    return Check(name, True, f"answers, and offers {count} models")


def _engine(*, needed: bool) -> Iterator[Check]:
    from groqnb.local import process, weights
    from groqnb.local.errors import EngineError

    bad = False if needed else None
    try:
        runtime = version("xllamacpp")
        version("starlette")
        version("uvicorn")
    except PackageNotFoundError as error:
        yield Check(
            "local engine",
            bad,
            f"{error.name} is not installed",
            'pip install "groqnb[local]"',
        )
        return
    yield Check("local engine", True, f"installed (xllamacpp {runtime})")
    try:
        yield Check("text in images", True, f"is read by rapidocr {version('rapidocr')}")
    except PackageNotFoundError:
        yield Check(
            "text in images", None, "rapidocr is not installed", 'pip install "groqnb[vision]"'
        )
    yield _part("hearing", "Whisper (faster-whisper {0})", {"faster-whisper": "speech"})
    yield _part(
        "speaking",
        "Kokoro (onnxruntime {0}, espeak-ng by espeakng-loader {1})",
        {"onnxruntime": "speech", "espeakng-loader": "voice"},
    )

    here = []
    for entry in weights.entries():
        try:
            if weights.present(entry):
                here.append(f"{entry.key} ({entry.name}, {entry.size / 1e6:.0f} MB)")
        except EngineError as error:
            yield Check(f"weights {entry.key}", bad, str(error), error.hint)
    folder = weights.cache_dir()
    if here:
        yield Check("weights", True, f"{', '.join(here)} in {folder}")
    else:
        yield Check(
            "weights",
            None,
            f"none yet in {folder}",
            "The first call fetches them; or now: groqnb setup",
        )
    engine = process.current()
    if engine is not None:
        yield Check("engine running", True, f"{engine.model}, {engine.base_url}, pid {engine.pid}")


def _part(name: str, detail: str, packages: dict[str, str]) -> Check:
    """What hears or speaks: `packages` with the extra that brings each, and the weights."""
    from groqnb.local import weights
    from groqnb.local.errors import EngineError

    try:
        versions = [version(package) for package in packages]
    except PackageNotFoundError as error:
        extra = packages.get(str(error.name), "speech")
        return Check(name, None, f"{error.name} is not installed", f'pip install "groqnb[{extra}]"')
    files = weights.group(name)
    size = sum(file.size for file in files) / 1e6
    try:
        here = all(weights.present(file) for file in files)
    except EngineError as error:
        return Check(name, None, str(error), error.hint)
    told = f"by {detail.format(*versions)}; its weights ({size:.0f} MB) are "
    if here:
        return Check(name, True, told + "here")
    return Check(
        name,
        None,
        told + "not fetched yet",
        f"The first request fetches them; or now: groqnb setup {name}",
    )


def _jupyter() -> Check:
    found = []
    for package in ("ipython", "ipykernel", "jupyterlab", "notebook"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return Check("Jupyter", True, ", ".join(found))
