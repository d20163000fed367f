"""The channels of sensors and actuators: numbers on the wire, and ports of the units that these are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.live.plan import STAMPS, Channel, ChannelKind
from crumple.scene.drafted import Drafted, ValueFault, number_of
from crumple.scene.ports import BLOBS, Port, PortError, UnitPorts
from crumple.scene.text import shown
from crumple.si import SiError, parse_si

if TYPE_CHECKING:
    from crumple.scene.connections import Exposed, Units
    from crumple.scene.lines import Path

_OF_LINK = ("same_tick", "scale", "offset")
_NO_SI = "1"  # as it stands on the wire


class LiveMember(NamedTuple):
    """A sensor or an actuator among the units. ports: None where they cannot be known."""

    ports: UnitPorts | None
    expose: tuple[str, ...] = ()


class Feed(NamedTuple):
    """A connection that an actuator's channel asks for. path: of the key that names the source."""

    path: Path
    target: str
    table: Mapping[str, Any]


class OutChannel(NamedTuple):
    """A channel of an actuator. feed: None where it is fed in [connect]."""

    channel: Channel
    port: Port
    feed: Feed | None


def in_channel(drafted: Drafted) -> Channel:
    """A channel of a sensor."""
    if drafted.name in STAMPS:
        fact = "is what a sensor says of each sample by itself"
        drafted.fault("", f"{fact} ({', '.join(STAMPS)}). Call the channel otherwise.")
    kind: ChannelKind = drafted.table.get("kind", "real")
    si = _si(drafted, kind) or _NO_SI
    start = _number(drafted, "start", kind, si)
    substitute = _number(drafted, "substitute", kind, si) if "substitute" in drafted.table else start
    return Channel(name=drafted.name, kind=kind, si=si, start=start, substitute=substitute)


def out_channel(drafted: Drafted, actuator: str, units: Units, exposed: Exposed) -> OutChannel:
    """A channel of an actuator. What it does not say of itself, the output that feeds it says."""
    table = drafted.table
    target = f"{actuator}.{drafted.name}"
    link = drafted.document.tree.get("connect", {}).get(target, {})
    link = table if "from" in table else {"from": link} if isinstance(link, str) else link
    by_hand = "scale" in link or "offset" in link  # then its unit of measure says nothing of ours
    fed = link.get("from")
    source = _source(fed, units, exposed)
    kind: ChannelKind = table.get("kind") or _wire_kind(None if by_hand else source)
    si = _si(drafted, kind)
    declared = si is not None
    if si is None and source is not None and kind != "boolean" and not by_hand:
        declared = source.si_name is not None
        si = source.si_name
        if source.si is not None and si is None:
            fact = f'"{fed}" has a unit of measure of its FMU\'s own, which the wire cannot tell.'
            drafted.fault("", f'{fact} Say what is sent: si = "...".')
    channel = Channel(
        name=drafted.name,
        kind=kind,
        si=si or _NO_SI,
        safe=_number(drafted, "safe", kind, si or _NO_SI),
    )
    feed = None
    if "from" in table:
        said = {key: table[key] for key in ("from", *_OF_LINK) if key in table}
        feed = Feed(drafted.path_of("from"), target, said)
    for key in _OF_LINK:
        if key in table and "from" not in table:
            drafted.fault(key, "has a meaning only beside from; a connection in [connect] has its own.")
    return OutChannel(channel, port_of(channel, declared=declared), feed)


def port_of(channel: Channel, *, declared: bool = True) -> Port:
    """The port of a channel. declared: it says what its unit of measure is."""
    si = parse_si(channel.si) if declared else None
    return Port(channel.name, channel.kind, (), si, channel.si if declared else None, channel.name)


def _source(name: Any, units: Units, exposed: Exposed) -> Port | None:
    """The output of this name, None where it cannot be known. What is wrong is told with the connection."""
    from crumple.scene.connections import find_output

    try:
        port = find_output(name, units, exposed) if isinstance(name, str) else None
    except PortError:
        return None
    return None if port is None or port.kind in BLOBS else port


def _wire_kind(source: Port | None) -> ChannelKind:
    if source is None or source.kind == "real":
        return "real"
    return "boolean" if source.kind == "boolean" else "integer"


def _si(drafted: Drafted, kind: ChannelKind) -> str | None:
    """The unit of measure that a channel declares; None where it says nothing, or nonsense."""
    if "si" not in drafted.table:
        return None
    text = str(drafted.table["si"])
    try:
        if not text.isprintable():
            raise SiError(f"{shown(text)} is no unit of measure.")
        known = parse_si(text)
    except SiError as error:
        drafted.fault("si", str(error))
        return None
    plain = parse_si(_NO_SI)
    if (known.dimension, known.factor) == (plain.dimension, plain.factor):
        return _NO_SI
    if kind == "boolean":
        drafted.fault(
            "si", f"is {shown(text)}, and a boolean is true or false. Take the unit of measure out."
        )
        return None
    return text.strip()


def _number(drafted: Drafted, key: str, kind: ChannelKind, si: str) -> float:
    if key not in drafted.table:
        return 0.0
    try:
        return number_of(drafted.table[key], kind, si)
    except ValueFault as fault:
        drafted.fault(key, str(fault))
        return 0.0
