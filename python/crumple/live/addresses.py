"""Addresses of ZeroMQ: what can be one, which reach beyond this machine, and which exclude each other."""

from __future__ import annotations

import re
from typing import NamedTuple

_EXAMPLE = '"tcp://127.0.0.1:5555" or "ipc:///tmp/rig.sock"'
_SCHEME = re.compile(r"([A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_TCP = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>.*)")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_MOST_PORT = 65535
_MOST_PATH = 107  # [bytes] of a Unix socket's path
_EVERYWHERE = ("*", "0.0.0.0", "::")


class AddressError(ValueError):
    """An address that cannot be used: the end of a sentence with the fact and the remedy."""


class Address(NamedTuple):
    """An address as it was understood. port: None for "*", any free one, and for ipc."""

    text: str
    scheme: str
    host: str  # of ipc its path; an IPv6 address without brackets
    port: int | None = None

    @property
    def any_free(self) -> bool:
        """Whether the system chooses the address when it is bound."""
        return self.host == "*" if self.scheme == "ipc" else self.port is None


def parse_address(text: str, *, bind: bool) -> Address:
    """The address `text`. bind: somebody waits there; else it is connected to. Raises AddressError."""
    match = _SCHEME.fullmatch(text)
    if match is None:
        guess = f' Did you mean "tcp://{text}"?' if _TCP.fullmatch(text) and " " not in text else ""
        raise _wrong(text, f" is no address.{guess or f' Write it as in {_EXAMPLE}.'}")
    scheme, rest = match[1], match[2]
    if not rest.isprintable() or any(c.isspace() for c in rest):
        raise _wrong(text, " is no address: it has blanks in it.")
    if scheme == "tcp":
        return _tcp(text, rest, bind)
    if scheme == "ipc":
        return _ipc(text, rest, bind)
    if scheme == "inproc":
        raise _wrong(text, f" reaches nobody outside this process. Write {_EXAMPLE}.")
    from crumple.description import closest

    near = "".join(f' Did you mean "{name}"?' for name in closest(scheme, ["tcp", "ipc"], limit=1))
    raise _wrong(text, f': "{scheme}" is not known here.{near or f" Write {_EXAMPLE}."}')


def _wrong(text: str, fact: str) -> AddressError:
    from crumple.scene.text import shown  # only here: else a rig, which has no scenes, would load all of them

    return AddressError(f"{shown(text)}{fact}")


def _tcp(text: str, rest: str, bind: bool) -> Address:
    if rest.count(":") > 1 and not rest.startswith("["):
        raise _wrong(text, ': an IPv6 address stands in brackets, as in "tcp://[::1]:5555".')
    match = _TCP.fullmatch(rest)
    if match is None or not match["port"]:
        raise _wrong(text, f' has no port: write it as in "tcp://{rest.rstrip(":/")}:5555".')
    host, port = match["host"], match["port"]
    if port == "*":
        if not bind:
            raise _wrong(text, ": only who binds can take any free port; name the one to connect to.")
        return Address(text, "tcp", _host(text, host, bind), None)
    if not re.fullmatch(r"[0-9]{1,9}", port) or not 1 <= int(port) <= _MOST_PORT:
        free = ", or * for any that is free" if bind else ""
        raise _wrong(text, f': "{port}" is no port; there are 1 to {_MOST_PORT}{free}.')
    return Address(text, "tcp", _host(text, host, bind), int(port))


def _host(text: str, host: str, bind: bool) -> str:
    from ipaddress import IPv4Address, IPv6Address  # few scenes have addresses

    if host.startswith("["):
        try:
            return _everywhere(text, str(IPv6Address(host[1:-1])), bind)
        except ValueError:
            raise _wrong(text, f': "{host}" is no IPv6 address.') from None
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return _everywhere(text, str(IPv4Address(host)), bind)
        except ValueError:
            raise _wrong(text, f': "{host}" is no IPv4 address.') from None
    if host == "*":
        return _everywhere(text, host, bind)
    if not _HOST.fullmatch(host):
        raise _wrong(text, f': "{host}" is no name of a machine.')
    return host.lower()


def _everywhere(text: str, host: str, bind: bool) -> str:
    if host in _EVERYWHERE and not bind:
        raise _wrong(text, " names no machine to connect to. For this one write 127.0.0.1.")
    return host


def _ipc(text: str, path: str, bind: bool) -> Address:
    if not path or path.endswith("/"):
        raise _wrong(text, ' names no socket: write it as in "ipc:///tmp/rig.sock".')
    if path == "*" and not bind:
        raise _wrong(text, ": only who binds can take any free name; name the one to connect to.")
    if len(path.encode()) > _MOST_PATH:
        fact = f"{len(path.encode())} bytes long, and the system takes {_MOST_PATH}"
        raise _wrong(text, f": the path is {fact}. Choose a shorter one.")
    return Address(text, "ipc", path)


def is_loopback(address: Address) -> bool:
    """Whether only this machine can reach the address. A name other than "localhost" counts as another machine."""
    if address.scheme != "tcp" or address.host == "localhost":
        return True
    from ipaddress import ip_address

    try:
        return ip_address(address.host).is_loopback
    except ValueError:
        return False


def same_place(one: Address, other: Address) -> bool:
    """Whether two cannot both be bound, or the one that connects meets the one that is bound."""
    if one.scheme != other.scheme or one.any_free or other.any_free or one.port != other.port:
        return False
    hosts = {_canonical(one), _canonical(other)}
    return len(hosts) == 1 or (one.scheme == "tcp" and not hosts.isdisjoint(_EVERYWHERE))


def _canonical(address: Address) -> str:
    return "127.0.0.1" if address.scheme == "tcp" and address.host == "localhost" else address.host
