"""Where weights come from: a file the user names, the model hub, the package registry.

Each source is a function that puts the file in place or raises FetchFailed with a short reason;
the next one is tried, and only when none is left does the user hear all the reasons.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from groqnb.local import registry
from groqnb.local.checksum import sha256_of
from groqnb.local.download import FetchFailed, NetworkSettings, fetch, size_in_words
from groqnb.local.errors import DiskFull, WeightsCorrupt, WeightsUnavailable
from groqnb.local.lockfile import locked
from groqnb.local.process import Progress
from groqnb.local.weights import Entry, helpers, mark_checked, present

__all__ = ["fetch_weights"]

# Room to leave on the disk beside the file itself.
_MARGIN = 64_000_000


def fetch_weights(
    wanted: Entry, progress: Callable[[Progress], None] | None, source: Path | None
) -> None:
    """Bring the file of `wanted` into the cache, from `source` alone where one is named.

    Waits while another process fetches the same. Raises WeightsUnavailable, WeightsCorrupt,
    DiskFull.
    """

    furthest = 0

    def report(done: int) -> None:
        # A wheel is a little larger or smaller than what it holds; people should see no steps
        # back.
        nonlocal furthest
        furthest = max(furthest, min(done, wanted.size))
        if progress is not None:
            progress(Progress(wanted.name, furthest, wanted.size))

    part = wanted.path.with_name(wanted.path.name + ".part")

    def waiting() -> None:
        # Another process is at it; its partial file tells how far.
        report(part.stat().st_size if part.exists() else 0)

    with locked(wanted.path.with_name(wanted.path.name + ".lock"), waiting):
        if source is None and present(wanted):
            return
        if source is not None and source.is_dir():
            source = _in_folder(source, wanted) or source
        named = source or _named_by_environment(wanted)
        _check_room(wanted, part)
        report(0)
        reasons: list[str] = []
        for label, deliver in (
            ("the file you named", _from_file(wanted, named)),
            ("the model hub", _from_hub(wanted)),
            ("the package registry", _from_registry(wanted)),
        ):
            if deliver is None or (source is not None and label != "the file you named"):
                continue
            try:
                deliver(report)
                mark_checked(wanted)
                return
            except registry.NoPip as error:
                reasons.append(f"{label}: {error} (`python -m ensurepip` brings it)")
            except FetchFailed as error:
                reasons.append(f"{label}: {error}")
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise _no_room(wanted, wanted.path.parent, 0) from error
        _give_up(wanted, source, reasons)


def _give_up(wanted: Entry, source: Path | None, reasons: list[str]) -> None:
    if source is not None:
        raise WeightsCorrupt(
            f"{source} was refused: {reasons[0].partition(': ')[2]}.",
            f"groqnb setup {wanted.key} fetches the right one.",
        )
    raise WeightsUnavailable(
        f"The weights {wanted.name} ({size_in_words(wanted.size)}) could not be fetched. "
        + "; ".join(reasons)
        + ".",
        f"Connect to a network and run `groqnb setup {wanted.key}`; or copy the file from a "
        f"machine that has it and run `groqnb setup {wanted.key} --from FILE`.",
    )


def _named_by_environment(wanted: Entry) -> Path | None:
    value = os.environ.get("GROQNB_WEIGHTS_FROM")
    if not value:
        return None
    named = Path(value).expanduser()
    if not named.is_dir():
        return named
    # A folder with copies, for a classroom's shared disk; files keep either of their names.
    return _in_folder(named, wanted)


def _in_folder(folder: Path, wanted: Entry) -> Path | None:
    names = [wanted.path.name, *([wanted.hub["file"]] if wanted.hub else [])]
    return next((folder / name for name in names if (folder / name).exists()), None)


_Deliver = Callable[[Callable[[int], None]], None]


def _from_file(wanted: Entry, named: Path | None) -> _Deliver | None:
    if named is None:
        return None

    def deliver(report: Callable[[int], None]) -> None:
        if not named.is_file():
            raise FetchFailed(f"there is no file {named}")
        if named.stat().st_size != wanted.size or sha256_of(named) != wanted.sha256:
            raise FetchFailed(f"it is not {wanted.name} (its sha256 differs)")
        part = wanted.path.with_name(wanted.path.name + ".copy")
        shutil.copyfile(named, part)
        report(wanted.size)
        os.replace(part, wanted.path)

    return deliver


def _from_hub(wanted: Entry) -> _Deliver | None:
    if wanted.hub is None or os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true"):
        return None
    host = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    # A file may stand on its project's page of releases instead.
    page = wanted.hub.get("url", "{0}/{repository}/resolve/{revision}/{file}")
    url = page.format(host, **wanted.hub)

    def deliver(report: Callable[[int], None]) -> None:
        fetch(
            url,
            wanted.path.with_name(wanted.path.name + ".hub"),
            network=NetworkSettings(),
            sha256=wanted.sha256,
            size=wanted.size,
            progress=lambda done, _total: report(done),
        )
        os.replace(wanted.path.with_name(wanted.path.name + ".hub"), wanted.path)

    return deliver


def _from_registry(wanted: Entry) -> _Deliver | None:
    entry_there = wanted.registry
    if entry_there is None:
        return None

    def deliver(report: Callable[[int], None]) -> None:
        part = wanted.path.with_name(wanted.path.name + ".part")
        registry.join(registry.parts(entry_there), part, report, _take_along)
        if part.stat().st_size != wanted.size or sha256_of(part) != wanted.sha256:
            part.unlink()
            raise FetchFailed("the joined file is not the one wanted (its sha256 differs)")
        os.replace(part, wanted.path)

    return deliver


def _take_along(part: registry.Part, archive: Path) -> None:
    """What else the manifest wants of `archive`: the large file's companions are in its wheel."""
    for other in helpers():
        if other.registry is None or other.path.exists():
            continue
        there = registry.parts(other.registry)
        if len(there) > 1 or (there[0].package, there[0].version) != (part.package, part.version):
            continue
        spare = other.path.with_name(f"{other.path.name}.{os.getpid()}")
        try:
            with spare.open("wb") as file:
                registry.copy_members(archive, there[0], file)
            if sha256_of(spare) == other.sha256:
                os.replace(spare, other.path)
                mark_checked(other)
        finally:
            spare.unlink(missing_ok=True)


def _check_room(wanted: Entry, part: Path) -> None:
    """Refuse early: a download that fills the disk hurts more than one that never starts."""
    folder = wanted.path.parent
    have = part.stat().st_size if part.exists() else 0
    pieces = int(wanted.registry["parts"]) if wanted.registry else 1
    # A wheel and the member taken from it stand side by side for a moment.
    need = wanted.size - have + wanted.size // pieces + _MARGIN
    if shutil.disk_usage(folder).free < need:
        raise _no_room(wanted, folder, need)


def _no_room(wanted: Entry, folder: Path, need: int) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        f"Not enough room in {folder} for {wanted.name}: {size_in_words(free)} free"
        + (f", {size_in_words(need)} needed." if need else "."),
        "Free some space, or set GROQNB_CACHE_DIR to a folder on another disk.",
    )
