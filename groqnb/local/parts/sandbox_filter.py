"""A filter of system calls: what code has no use for, and the kernel had better not be asked.

It comes on top of the namespaces. They take the network away, but not every family of sockets
belongs to a network (a virtual machine reaches its host by one), and each system call that is left
out is one whose faults cannot be used.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

__all__ = ["filter_calls"]

_LOAD, _EQUAL, _GREATER, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_AF_UNIX = 1
_X32 = 0x40000000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# One line a call: its numbers on x86_64 and on aarch64.
_REFUSED = {
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "pivot_root": (155, 41),
    "acct": (163, 89),
    "mount": (165, 40),
    "umount2": (166, 39),
    "init_module": (175, 105),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "finit_module": (313, 273),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
}
_SOCKET = (41, 198)


def filter_calls() -> None:
    """Refuse them to this process and its children from here on. Raises OSError.

    On processors that it does not know it does nothing: the namespaces hold without it.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return
    column = list(_ARCHITECTURES).index(machine)
    program = _program(
        _ARCHITECTURES[machine],
        [numbers[column] for numbers in _REFUSED.values()],
        _SOCKET[column],
    )
    held = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    given = Program(len(program) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, ctypes.byref(given), 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "seccomp")


def _program(architecture: int, refused: list[int], socket: int) -> bytes:
    """The filter in the kernel's language: each step compares one number and may jump ahead."""
    refuse = _ERRNO | errno.EPERM
    steps = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        # The other numbering that some kernels of x86_64 know.
        (_GREATER, 0, 1, _X32),
        (_RETURN, 0, 0, refuse),
    ]
    for number in refused:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    steps += [
        (_EQUAL, 0, 3, socket),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
