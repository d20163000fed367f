"""The addresses of a scene's sensors, actuators and rigs: who binds, who connects, and with which keys."""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING, NamedTuple

from crumple.errors import CrumpleError
from crumple.live.addresses import Address, AddressError, is_loopback, parse_address, same_place
from crumple.live.plan import Endpoint
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted
from crumple.scene.text import shown

if TYPE_CHECKING:
    from crumple.scene.lines import Path


class _Used(NamedTuple):
    """An address that is in use. who: "actuator squib"."""

    who: str
    path: Path  # of its key in the scene
    address: Address
    bind: bool


class Endpoints:
    """All addresses of a scene.

    look_at_keys: whether the files of keys must be there; not where nobody is going to be talked to.
    """

    def __init__(self, document: Document, *, look_at_keys: bool) -> None:
        self._document = document
        self._look_at_keys = look_at_keys
        self._used: list[_Used] = []
        self._secret_is_known = False
        self._secret: File | None = None

    def read(self, drafted: Drafted, who: str, *, bind: bool) -> Endpoint:
        """What `zmq`, `bind` and `key` of a table say. bind: what holds where it does not say so."""
        table = drafted.table
        bind = table.get("bind", bind)
        keys = self._public_keys(drafted, bind)
        secret = self._own(drafted) if keys else None
        try:
            address = parse_address(table["zmq"], bind=bind)
        except AddressError as error:
            drafted.fault("zmq", str(error))
        else:
            self._used.append(_Used(who, (*drafted.path, "zmq"), address, bind))
            if not keys and not is_loopback(address) and not drafted.has_fault("key"):
                fact = f"{shown(address.text)} reaches beyond this machine, where nobody is trusted without keys."
                remedy = 'Write key = "peer.key", the public key that `crumple keys new` made for the peer.'
                drafted.fault("zmq", f"{fact} {remedy}")
        return Endpoint(address=table["zmq"], bind=bind, secret=secret, keys=keys)

    def check(self) -> None:
        """Note addresses that exclude each other."""
        for number, used in enumerate(self._used):
            for other in self._used[:number]:
                if not same_place(used.address, other.address):
                    continue
                if used.bind and other.bind:
                    fact = f"is where {other.who} waits already. Give it an address of its own."
                    self._document.fault(used.path, fact)
                elif used.bind or other.bind:
                    late, early = (used, other) if other.bind else (other, used)
                    fact = f"is where {early.who} of this same scene waits, so that both would talk to each other."
                    self._document.fault(late.path, f"{fact} Give each an address of its own.")
                else:
                    continue
                break

    # ---- keys

    def _public_keys(self, drafted: Drafted, bind: bool) -> tuple[File, ...]:
        written = drafted.table.get("key", [])
        names = [written] if isinstance(written, str) else list(written)
        folder = drafted.document.folder((*drafted.path, "key"))
        files = tuple(folder / name for name in names)
        if "key" in drafted.table and not files:
            drafted.fault("key", "is empty: nobody could talk to it. Name a file, or take it out.")
        if len(files) > 1 and not bind:
            drafted.fault(
                "key", f"has {len(files)} files; who connects talks to one, which binds. Keep its key."
            )
        for name, file in zip(names, files, strict=True) if self._look_at_keys else ():
            from crumple.live.keys import KeyFileError, read_public

            try:
                read_public(file)
            except KeyFileError as error:
                drafted.fault("key", f'"{name}" {error.fact}')
        return files

    def _own(self, drafted: Drafted) -> File | None:
        """This bench's secret key."""
        keys = self._document.tree.get("keys", {})
        if "secret" not in keys:
            if not any(path[:1] == ("keys",) for path in self._document.faulty):
                remedy = 'this bench has none. Make one with `crumple keys new`, and write [keys] with secret = "..."'
                drafted.fault("key", f"encrypts, for which both sides need a key of their own, and {remedy}.")
            return None
        if not self._secret_is_known:
            self._secret_is_known = True
            self._secret = self._document.folder(("keys", "secret")) / keys["secret"]
            if self._look_at_keys:
                self._check_secret(keys["secret"], self._secret)
        return self._secret

    def _check_secret(self, name: str, file: File) -> None:
        from crumple.live.keys import KeyFileError, read_secret

        try:
            read_secret(file)
        except KeyFileError as error:
            self._document.fault(("keys", "secret"), f'"{name}" {error.fact}')
        except CrumpleError as error:
            self._document.fault(("keys", "secret"), str(error))
