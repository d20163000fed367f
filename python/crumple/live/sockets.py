"""Sockets of ZeroMQ as a rig needs them: loopback only, or with keys; nobody is let in whose key is not listed."""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import zmq
import zmq.utils.monitor
import zmq.utils.z85

from crumple.errors import UsageError
from crumple.live.addresses import AddressError, is_loopback, parse_address
from crumple.live.keys import read_public, read_secret
from crumple.live.priority import granted_priority

log = logging.getLogger("crumple.live")

Keys = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_ZAP = "inproc://zeromq.zap.01"  # where libzmq asks, as ZeroMQ's RFC 27 says
_RECONNECT = 20  # [ms] between two attempts to reach a peer
_LINGER = 200  # [ms] that a good-bye has to leave
_LOOKS = 100  # before a wait sleeps, some 0.2 ms: to be woken costs more than a quick answer takes
_LARGEST = 4096  # [bytes] no message of ours is larger; libzmq cuts off who sends one
_TROUBLE = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


def _check_ipc(address: str) -> None:
    """libzmq removes the file of an ipc address before it binds. Raises UsageError where somebody has it."""
    path = address.removeprefix("ipc://")
    if path == address or path.startswith(("@", "*")):
        return
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # there is none, or libzmq says what is wrong
    if not stat.S_ISSOCK(mode):
        raise UsageError(f"Cannot wait for others at {address}: {path} is there, and is no socket.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return  # left over from a program that is gone
    raise UsageError(f"Cannot wait for others at {address}: another program does.")


@dataclass(frozen=True, slots=True)
class Curve:
    """Keys of one address, 40 characters of Z85 each.

    peers: public keys of those who may connect, or, on the side that connects, of the one that waits there.
    """

    public: bytes
    secret: bytes = field(repr=False)
    peers: tuple[bytes, ...]


class Link:
    """One socket in a context of its own, bound or connected, encrypted where it is given keys.

    kind: such as zmq.XPUB.   Raises UsageError where the address cannot be had.
    """

    def __init__(self, kind: int, address: str, *, bind: bool, curve: Curve | None) -> None:
        self.address = address
        self._context = zmq.Context()
        if priority := granted_priority():  # libzmq's own thread gets what the one that makes it has
            self._context.set(zmq.THREAD_SCHED_POLICY, os.SCHED_FIFO)
            self._context.set(zmq.THREAD_PRIORITY, priority)
        self._doorman: _Doorman | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._trouble = 0
        self._patience = -1  # [ms] of the socket's receive
        self.socket: zmq.Socket[bytes] = self._context.socket(kind)
        try:
            self.socket.setsockopt(zmq.LINGER, _LINGER)
            self.socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST)
            # no longer each time, as it is by default: who begins later is found at once
            self.socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT)
            self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 0)
            self.socket.setsockopt(zmq.IPV6, "[" in address)
            if curve is not None:
                self.socket.curve_publickey, self.socket.curve_secretkey = curve.public, curve.secret
                if bind:
                    self._doorman = _Doorman(self._context, curve.peers, address)
                    self.socket.curve_server = True
                    self.socket.zap_domain = b"crumple"
                else:
                    self.socket.curve_serverkey = curve.peers[0]
            if bind:
                _check_ipc(address)
                self.socket.bind(address)
            else:
                # only for what is wrong: other events would pile up while nobody looks
                self._monitor = self.socket.get_monitor_socket(_TROUBLE)
                self.socket.connect(address)
        except UsageError:
            self.close()
            raise
        except zmq.ZMQError as error:
            self.close()
            deed = "wait for others at" if bind else "connect to"
            raise UsageError(f"Cannot {deed} {address}: {error}.") from None

    @property
    def endpoint(self) -> str:
        """The address as it came about: with the port where it was given as `*`."""
        return self.socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def send(self, frame: bytes) -> bool:
        """Sends a frame, or drops it where nobody takes it now. Whether it was taken."""
        try:
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self, seconds: float = 0.0) -> bytes | None:
        """The next frame, waited for no longer than this; None: none came."""
        try:
            if seconds <= 0.0:
                return self.socket.recv(zmq.NOBLOCK)
            for _ in range(_LOOKS):
                try:
                    return self.socket.recv(zmq.NOBLOCK)
                except zmq.Again:
                    os.sched_yield()
            patience = max(1, round(seconds * 1e3))
            if patience != self._patience:
                self.socket.setsockopt(zmq.RCVTIMEO, patience)
                self._patience = patience
            return self.socket.recv()
        except zmq.Again:
            return None

    def why_silent(self) -> str:
        """A sentence on why nobody may be there, as far as it is known."""
        monitor = self._monitor
        while monitor is not None and monitor.poll(0):
            self._trouble = int(zmq.utils.monitor.recv_monitor_message(monitor, zmq.NOBLOCK)["event"])
        if self._trouble == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return f"The peer at {self.address} refuses our key: its list of keys must hold our public one."
        if self._trouble:
            return f"The peer at {self.address} does not understand our greeting: are keys wrong, or on one side only?"
        return f"Does the peer wait at {self.address}, and does it know our key, if there are keys?"

    def close(self) -> None:
        """Lets go of the socket. May be called twice."""
        if self._context.closed:
            return
        if self._monitor is not None:
            self.socket.disable_monitor()
            self._monitor.close(0)
            self._monitor = None
        self.socket.close()
        if self._doorman is not None:
            self._doorman.end()
        self._context.term()


class _Doorman:
    """Answers libzmq's question who may come in (ZAP): those whose public key is listed, and nobody else."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], allowed: Sequence[bytes], address: str
    ) -> None:
        self._allowed = frozenset(allowed)
        self._address = address
        self._door: zmq.Socket[bytes] = context.socket(zmq.REP)
        self._door.setsockopt(zmq.LINGER, 0)
        self._door.bind(_ZAP)
        self._bell: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self._bell.bind("inproc://crumple-end")
        self._away: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self._away.connect("inproc://crumple-end")
        self._thread = threading.Thread(target=self._answer, name="crumple-keys", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._away.send(b"")
        self._thread.join()
        self._away.close(0)

    def _answer(self) -> None:
        poller = zmq.Poller()
        poller.register(self._door, zmq.POLLIN)
        poller.register(self._bell, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._bell in ready:
                break
            asked = self._door.recv_multipart()
            number = asked[1] if len(asked) > 1 else b""
            # version, number, domain, address, identity, mechanism, key
            known = len(asked) == 7 and asked[0] == b"1.0" and asked[5] == b"CURVE"
            key = zmq.utils.z85.encode(asked[6]) if known and len(asked[6]) == 32 else b""
            if key in self._allowed:
                self._door.send_multipart([b"1.0", number, b"200", b"OK", b"", b""])
                continue
            peer = asked[3].decode(errors="replace") if len(asked) > 3 else "?"
            log.warning(
                "%s: refused %s: its key %s is not listed", self._address, peer, key.decode() or "(none)"
            )
            self._door.send_multipart([b"1.0", number, b"400", b"key not listed", b"", b""])
        self._door.close(0)
        self._bell.close(0)


def read_curve(
    address: str, *, bind: bool, secret: str | os.PathLike[str] | None, keys: Keys
) -> Curve | None:
    """The keys for an address from their files; None without.

    secret: file with this side's own secret key.   keys: file or files with the public keys of the peers.
    Raises UsageError for what is no address, for one off loopback without keys, and for keys that cannot be read.
    """
    paths = [keys] if isinstance(keys, str | os.PathLike) else list(keys)
    try:
        place = parse_address(address, bind=bind)
    except AddressError as error:
        raise UsageError(str(error)) from None
    if secret is None and not paths:
        if not is_loopback(place):
            raise UsageError(
                f"{address} can be reached from other machines: give secret= (our own key) and keys= (of the peer)."
                " `crumple keys new NAME` makes a pair. Without keys only loopback is allowed (127.0.0.1, ipc)."
            )
        return None
    if secret is None or not paths:
        absent = "secret= (our own key)" if secret is None else "keys= (public, of the peer)"
        raise UsageError(f"{address}: {absent} is missing. Encryption needs both.")
    if not bind and len(paths) > 1:
        raise UsageError(f"{address}: who connects knows one key, that of the side that waits there.")
    public, own = read_secret(secret)
    return Curve(public.encode(), own.encode(), tuple(read_public(path).encode() for path in paths))
