"""What an FMU on trial can harm: nothing outside of its scratch folder, and nobody but its own processes (Landlock).

Kernels that know only a part of it (files since Linux 5.13, signals since 6.12) deny that part, others nothing.
"""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # system calls, with the same numbers everywhere but on Alpha
_VERSION, _BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38  # of prctl(2)

_WRITE = 1 << 1 | 1 << 4 | 1 << 5 | 0x7F << 6  # write files; remove folders and files; make any kind of them
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_SCOPE_SIGNAL = 1 << 1
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")


def confine(folder: str) -> None:
    """From now on this process and all that it starts write below `folder` only, and signal nobody else."""
    version = _LIBC.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return
    truncate = _TRUNCATE if version >= 3 else 0
    attributes = struct.pack("=Q", _WRITE | truncate)
    if version >= 6:
        attributes += struct.pack("=QQ", 0, _SCOPE_SIGNAL)
    rules = _LIBC.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return
    _allow(rules, folder, _WRITE | truncate)
    for device in _DEVICES:
        _allow(rules, device, _WRITE_FILE | truncate)
    if _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        _LIBC.syscall(_RESTRICT, rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        _LIBC.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, place), 0)
        os.close(place)
