"""Key pairs of CURVE, by which ZeroMQ encrypts and each side knows the other. One pair for each bench and rig.

NAME.key holds the public key and may be given to anybody; NAME.key_secret holds both keys and stays where it was
made. The files are certificates as ZeroMQ's own tools write them (pyzmq, CZMQ), so that either can read the
other's. A key is 40 characters of Z85 for 32 bytes.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from crumple.errors import UsageError

PUBLIC, SECRET = ".key", ".key_secret"  # suffixes
_LENGTH = 40
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LINE = re.compile(r"""\s*(public-key|secret-key)\s*=\s*["']?([^\s"']*)["']?\s*""")
_MOST_BYTES = 10_000  # of a file with two keys and comments


class KeyFileError(UsageError):
    """A file of keys that cannot be used. fact: what is wrong with it and the remedy, without the file's name."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} {fact}")
        self.fact = fact


class KeyFiles(NamedTuple):
    """The two files of a pair."""

    public: Path
    secret: Path


# ---- reading


def read_public(path: str | os.PathLike[str]) -> str:
    """The public key in a file, in Z85. Raises KeyFileError."""
    file = Path(path)
    keys = _keys(file, _content(file, secret=False))
    if "secret-key" in keys:
        name = file.name.removesuffix(SECRET) + PUBLIC
        fact = f"holds a secret key, which belongs to nobody else. What is wanted is the public one, {name}."
        raise KeyFileError(file, fact)
    return keys["public-key"]


def read_secret(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The public and the secret key in a file, in Z85. Raises KeyFileError, also where others may read the file."""
    file = Path(path)
    keys = _keys(file, _content(file, secret=True))
    if "secret-key" not in keys:
        name = file.name.removesuffix(PUBLIC) + SECRET
        raise KeyFileError(file, f"holds a public key only. What is wanted is the secret one, {name}.")
    public, secret = keys["public-key"], keys["secret-key"]
    if _public_of(secret) != public:
        fact = "holds two keys that do not belong together. Make a new pair with `crumple keys new`."
        raise KeyFileError(file, fact)
    return public, secret


def _content(file: Path, *, secret: bool) -> str:
    try:
        # a pipe would be waited for
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFileError(file, "is no file: name one.")
            if secret and os.name == "posix" and mode & 0o077:
                fact = f"can be read or written by others (mode {stat.S_IMODE(mode):03o})."
                raise KeyFileError(file, f"{fact} Run: chmod 600 {file}")
            content = os.read(handle, _MOST_BYTES + 1)
        finally:
            os.close(handle)
    except FileNotFoundError:
        remedy = f"Make a pair with `crumple keys new {file.name.partition('.')[0] or 'bench'}`"
        if not secret:
            remedy = "Get it from the other side, or make a pair for it with `crumple keys new`"
        raise KeyFileError(file, f"does not exist. {remedy}.") from None
    except OSError as error:
        raise KeyFileError(file, f"cannot be read: {error.strerror}.") from None
    if len(content) > _MOST_BYTES:
        raise KeyFileError(file, "is too long for a file of keys.")
    return content.decode("utf-8", errors="replace")


def _keys(file: Path, content: str) -> dict[str, str]:
    """The keys of a certificate by name, at least the public one."""
    keys: dict[str, str] = {}
    for line in content.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        if match[1] in keys:
            raise KeyFileError(file, f"has more than one {match[1]}.")
        if not _is_key(match[2]):
            fact = f"has a {match[1]} that is none: a key has {_LENGTH} characters of Z85, this has {len(match[2])}."
            raise KeyFileError(file, f"{fact} Was it cut or changed on its way?")
        keys[match[1]] = match[2]
    if "public-key" not in keys:
        raise KeyFileError(file, 'is no file of keys: it has no line public-key = "...".')
    return keys


def _is_key(text: str) -> bool:
    """Whether a text is 32 bytes in Z85."""
    if len(text) != _LENGTH or any(c not in _Z85 for c in text):
        return False
    fives = (text[i : i + 5] for i in range(0, _LENGTH, 5))
    return all(sum(_Z85.index(c) * 85 ** (4 - k) for k, c in enumerate(five)) < 2**32 for five in fives)


def _public_of(secret: str) -> str:
    import zmq

    try:
        return zmq.curve_public(secret.encode()).decode()
    except zmq.ZMQError as error:
        raise UsageError(_no_curve(error)) from None


def _no_curve(error: object) -> str:
    return f"keys cannot be used here: this libzmq has no CURVE ({error}). The wheel of pyzmq has it: pip install pyzmq"


# ---- writing


def new_pair(name: str, *, folder: str | os.PathLike[str], force: bool = False) -> KeyFiles:
    """Make a pair of keys and write NAME.key and NAME.key_secret into a folder, which is made where it is missing.

    force: replace a pair that is there; those who know the old public key are then strangers.
    Raises UsageError.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" cannot be a name of keys: use letters, digits, ".", "_" and "-".')
    place = Path(folder)
    files = KeyFiles(place / f"{name}{PUBLIC}", place / f"{name}{SECRET}")
    for file in files:
        if not force and os.path.lexists(file):
            fact = "is there already. Whoever knows the old key would no longer be known:"
            raise UsageError(f"{file} {fact} choose another name, or replace the pair with --force.")
    public, secret = _fresh()
    try:
        _make_folder(place)
        _write(files.secret, _certificate(name, public, secret), mode=0o600, force=force)
        try:
            _write(files.public, _certificate(name, public), mode=0o644, force=force)
        except OSError:
            files.secret.unlink()
            raise
    except OSError as error:
        raise UsageError(f"{place}: the keys cannot be written: {error.strerror}.") from None
    return files


def _fresh() -> tuple[str, str]:
    import zmq

    try:
        public, secret = zmq.curve_keypair()
    except zmq.ZMQError as error:
        raise UsageError(_no_curve(error)) from None
    return public.decode(), secret.decode()


def _make_folder(place: Path) -> None:
    """The folder of keys, and a word to git not to take secrets along."""
    if place.is_dir():
        return
    place.mkdir(parents=True, mode=0o700)
    (place / ".gitignore").write_text(f"*{SECRET}\n", encoding="ascii")


def _certificate(name: str, public: str, secret: str | None = None) -> str:
    if secret is None:
        heading = [f"CURVE public key of {name}. No secret: give it to those who are to talk to {name}."]
    else:
        heading = [f"CURVE SECRET key of {name}. Never give it away: who has it is {name} to all others."]
    lines = [f"#   {line}" for line in heading]
    lines += ["", "metadata", f'    name = "{name}"', "curve", f'    public-key = "{public}"']
    if secret is not None:
        lines.append(f'    secret-key = "{secret}"')
    return "\n".join([*lines, ""])


def _write(file: Path, text: str, *, mode: int, force: bool) -> None:
    """A whole file or none, readable to nobody else even for a moment. Raises OSError."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(handle, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            os.replace(fresh, file)
        else:
            os.link(fresh, file)  # fails where somebody else was faster
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
