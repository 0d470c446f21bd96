"""Shutting a process in, on Linux, without being root: namespaces and a small file system.

A process that was sealed has no network, not even loopback; it sees no other process, and of the
files only Python's libraries, read-only. Each run gets an empty folder of its own in memory, which
is gone with it. Everything is asked of the kernel by way of the C library; where the kernel
refuses (containers often do), an OSError says which step it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import stat
from collections.abc import Callable, Iterable, Iterator

__all__ = ["ROOM", "drop_privileges", "end_with_parent", "own_room", "seal", "write_protect"]

#: The one folder that code may write to.
ROOM = "/sandbox"

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_KEPT_FLAGS = _RDONLY | _NOSUID | _NODEV | _NOEXEC
# ST_NOATIME, ST_NODIRATIME, ST_RELATIME of statvfs, as flags of mount.
_TIMES = {1024: 1024, 2048: 2048, 4096: 1 << 21}
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}
_SET_PDEATHSIG, _SET_NO_NEW_PRIVS, _CAPBSET_DROP, _CAP_AMBIENT = 1, 38, 24, 47
_DEVICES = ("null", "zero", "full", "random", "urandom")
_INSIDE = 1  # the user id of code, whoever runs the engine
_NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def seal(folder: str, shown: Iterable[str]) -> None:
    """Move this process into namespaces of its own; `folder` (empty) becomes its whole world.

    Of the host's files it keeps `shown`, read-only. Raises OSError. There is no way back.
    """
    machine = platform.machine()
    if machine not in _PIVOT_ROOT:
        raise OSError(f"no sandbox for processors of the kind {machine}")
    with _mapped_by_root() as mapped:
        _call("unshare", _NEWUSER | _NEWNS | _NEWNET | _NEWIPC | _NEWUTS | _NEWPID)
        if not mapped():
            _map_alone()
    # Nobody inside can make themselves the root of yet another namespace.
    _write("/proc/sys/user/max_user_namespaces", "0")
    # A fresh keyring: the one of the login session may hold secrets.
    _syscall(_KEYCTL[machine], 1, None)
    _mount(None, "/", None, _REC | _PRIVATE)
    _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    for path in _outermost(shown):
        _show(path, folder)
    for name in _DEVICES:
        _show_device(name, folder)
    for name in (ROOM, "/cache", "/proc"):
        os.mkdir(folder + name)
    _mount("tmpfs", folder + "/cache", "tmpfs", _NOSUID | _NODEV, "size=16m,mode=0755")
    _go_on_as_first_process()
    # For the one who watches runs. Some containers do not allow it; limits then do alone.
    with contextlib.suppress(OSError):
        _mount("proc", folder + "/proc", "proc", _RDONLY | _NOSUID | _NODEV | _NOEXEC)
    os.chdir(folder)
    _syscall(_PIVOT_ROOT[machine], b".", b".")
    _call("umount2", b".", _DETACH)
    os.chdir("/")


def write_protect() -> None:
    """Close the folders that were open while the worker got ready."""
    for path in ("/cache", "/"):
        _mount(None, path, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)


def own_room(size: int) -> None:
    """Give this process an empty folder of `size` bytes, and its children a world of their own."""
    _call("unshare", _NEWPID | _NEWNS | _NEWIPC)
    with contextlib.suppress(OSError):
        _call("umount2", b"/proc", _DETACH)
    made = f"size={size},nr_inodes=4096,mode=0700,uid={_INSIDE},gid={_INSIDE}"
    _mount("tmpfs", ROOM, "tmpfs", _NOSUID | _NODEV, made)
    os.chdir(ROOM)


def end_with_parent() -> None:
    """Let the kernel end this process when the one that forked it is gone."""
    _call("prctl", _SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def drop_privileges() -> None:
    """Leave this process nothing of what it needed to be shut in."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) == -1:
            break
    _call("prctl", _CAP_AMBIENT, 4, 0, 0, 0)
    if os.getuid() != _INSIDE:
        os.setgroups([])
        os.setresgid(_INSIDE, _INSIDE, _INSIDE)
        os.setresuid(_INSIDE, _INSIDE, _INSIDE)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)


@contextlib.contextmanager
def _mapped_by_root() -> Iterator[Callable[[], bool]]:
    """Root can have a second user in the namespace: one who owns none of the host's files."""
    if os.geteuid() != 0:
        yield lambda: False
        return
    go_read, go_write = os.pipe()
    done_read, done_write = os.pipe()
    target, helper = os.getpid(), os.fork()
    if helper == 0:
        status = b"-"
        with contextlib.suppress(OSError):
            if os.read(go_read, 1) == b"!":
                for kind in ("gid", "uid"):
                    made = f"0 0 1\n{_INSIDE} {_NOBODY} 1\n"
                    _write(f"/proc/{target}/{kind}_map", made)
                status = b"+"
        os.write(done_write, status)
        os._exit(0)

    def mapped() -> bool:
        os.write(go_write, b"!")
        return os.read(done_read, 1) == b"+"

    try:
        yield mapped
    finally:
        for descriptor in (go_read, go_write, done_read, done_write):
            os.close(descriptor)
        os.waitpid(helper, 0)


def _go_on_as_first_process() -> None:
    """Only children are in a new world of processes: go on in one, and wait for it here."""
    child = os.fork()
    if child == 0:
        end_with_parent()
        return
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    _, status = os.waitpid(child, 0)
    os._exit(min(127, abs(os.waitstatus_to_exitcode(status))))


def _map_alone() -> None:
    uid, gid = _before
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{_INSIDE} {uid} 1\n")
    _write("/proc/self/gid_map", f"{_INSIDE} {gid} 1\n")


# Once inside, a process no longer knows who it was outside.
_before = (os.geteuid(), os.getegid())


def _outermost(paths: Iterable[str]) -> list[str]:
    """`paths` without those that lie in another of them, and without links."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(path) for path in paths if os.path.exists(path)}):
        inside = kept and path.startswith(kept[-1] + "/")
        if not inside or os.path.islink(path):
            kept.append(path)
    return kept


def _show(path: str, folder: str) -> None:
    place = folder + path
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), place)
        return
    os.makedirs(place, exist_ok=True)
    _mount(path, place, None, _BIND | _REC)
    for mounted in _mounts_under(place):
        found = os.statvfs(mounted)
        flags = found.f_flag & _KEPT_FLAGS
        for flag, meant in _TIMES.items():
            flags |= meant if found.f_flag & flag else 0
        _mount(None, mounted, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | flags)


def _mounts_under(place: str) -> list[str]:
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path = line.split()[4].encode("utf-8", "surrogateescape")
            path = path.decode("unicode_escape").encode("latin-1")
            told = os.fsdecode(path)
            if told == place or told.startswith(place + "/"):
                found.append(told)
    return found


def _show_device(name: str, folder: str) -> None:
    source, place = f"/dev/{name}", f"{folder}/dev/{name}"
    if not stat.S_ISCHR(os.stat(source).st_mode):
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w"):
        pass
    _mount(source, place, None, _BIND)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    given = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    made = None if options is None else options.encode()
    try:
        _call("mount", given[0], given[1], given[2], ctypes.c_ulong(flags), made)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} ({target})") from None


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _syscall(number: int, *arguments: object) -> None:
    _call("syscall", ctypes.c_long(number), *arguments)
