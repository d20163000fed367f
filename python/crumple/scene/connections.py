"""The connections of a scene: whether both ends exist, and whether the one can feed the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from crumple.scene.document import Document
from crumple.scene.plan import ConnectionPlan
from crumple.scene.ports import BLOBS, Port, PortError, UnitPorts, element
from crumple.scene.text import did_you_mean, listed
from crumple.si import SiError, describe, factor_offset

if TYPE_CHECKING:
    from crumple.scene.lines import Path
    from crumple.scene.live import LiveDraft


class Member(Protocol):
    """What connections need to know of a unit. expose: variables of an FMU that are outputs besides."""

    @property
    def ports(self) -> UnitPorts | None: ...
    @property
    def expose(self) -> tuple[str, ...]: ...


Units = Mapping[str, Member]


class Exposed:
    """Variables of FMUs that something refers to, and that so become outputs."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}

    def add(self, unit: str, variable: str) -> None:
        known = self.names.setdefault(unit, [])
        if variable not in known:
            known.append(variable)


def plan_connections(
    document: Document, units: Units, exposed: Exposed, *, live: LiveDraft | None = None
) -> list[ConnectionPlan]:
    """All connections without mistakes, those of actuators' channels last. units: sensors and actuators, too.

    What comes from a sensor or goes to an actuator does so within the tick where nothing else is said.
    """
    at_once = set(live.members) if live is not None else set()
    written: list[tuple[Path, str, Any]] = [
        (("connect", target), target, source) for target, source in document.tree.get("connect", {}).items()
    ]
    if live is not None:
        written += live.feeds
    sent = {feed.target for feed in live.feeds} if live is not None else set()  # an actuator feeds nobody
    plans: dict[Path, ConnectionPlan] = {}
    for path, target, said in written:
        table: Mapping[str, Any] = {"from": said} if isinstance(said, str) else said
        if "from" not in table:
            continue  # the shape is wrong, and that is reported
        source = table["from"]
        try:
            input_port = find_input(target, units, source)
            output_port = find_output(source, units, exposed)
            if input_port is not None and output_port is not None:
                by_hand = "scale" in table or "offset" in table or _has_fault(document, path)
                _check_pair(target, input_port, source, output_port, by_hand=by_hand)
        except PortError as error:
            document.fault(path, str(error))
            continue
        same_tick = not at_once.isdisjoint(name.partition(".")[0] for name in (source, target))
        scale, offset = table.get("scale"), table.get("offset")
        plans[path] = ConnectionPlan(source, target, table.get("same_tick", same_tick), scale, offset)
    _check_sources(document, units, plans)
    _check_cycles(document, {path: plan for path, plan in plans.items() if plan.target not in sent})
    return list(plans.values())


# ---- names


def find_output(name: str, units: Units, exposed: Exposed) -> Port | None:
    """The output called `name`, "unit.port". A variable of an FMU that is no output becomes one.

    Returns None where the unit's ports are not known. Raises PortError where there is no such output.
    """
    unit, ports, port = _split(name, units, "output")
    if ports is None:
        return None
    found = element(port, ports.find_output)
    if found is None:
        found = element(port, ports.find_hidden)
        if isinstance(found, Port):
            exposed.add(unit, found.whole)
    if isinstance(found, str):
        raise PortError(f'"{name}": {found}')
    if found is None:
        if isinstance(element(port, ports.find_input), Port):
            raise PortError(
                f'"{name}" is an input of {unit}, not an output. {_outputs(unit, ports)}'.rstrip()
            )
        raise PortError(
            f'"{unit}" has no output "{port}".{_near(port, ports.output_names(), _outputs(unit, ports))}'
        )
    return found


def find_input(name: str, units: Units, source: str) -> Port | None:
    """The input called `name`; as `find_output`."""
    unit, ports, port = _split(name, units, "input")
    if ports is None:
        return None
    found = element(port, ports.find_input)
    if isinstance(found, str):
        raise PortError(found)
    if found is None:
        if isinstance(element(port, ports.find_output), Port):
            fact = f'is an output of {unit}. The input stands on the left: "{source}" = "{name}".'
            raise PortError(
                fact if _is_input(source, units) else f"is an output of {unit}, and nothing can feed it."
            )
        names = list(ports.input_names())
        others = f" Inputs: {listed(names)}." if names else " It has no inputs."
        raise PortError(f'"{unit}" has no input "{port}".{_near(port, names, others)}')
    return found


def _split(name: str, units: Units, kind: str) -> tuple[str, UnitPorts | None, str]:
    unit, dot, port = name.partition(".")
    if not dot or not unit or not port:
        raise PortError(f'"{name}" is no {kind}: write "unit.port".')
    if unit not in units:
        near = did_you_mean(unit, units) or f" Units: {listed(units)}."
        if kind == "output":
            raise PortError(f'"{name}": this scene has no unit "{unit}".{near}')
        raise PortError(f'input of unit "{unit}", which this scene does not have.{near}')
    return unit, units[unit].ports, port


def _is_input(name: str, units: Units) -> bool:
    unit, _, port = name.partition(".")
    ports = units[unit].ports if unit in units else None
    return ports is not None and isinstance(element(port, ports.find_input), Port)


def _near(name: str, names: Any, otherwise: str) -> str:
    return did_you_mean(name, names) or f" {otherwise}".rstrip().replace("  ", " ")


def _outputs(unit: str, ports: UnitPorts) -> str:
    names = list(ports.output_names())
    return f"Its outputs: {listed(names)}." if names else "It has no outputs."


# ---- pairs


def _has_fault(document: Document, path: Path) -> bool:
    return any(fault[:2] == path for fault in document.faulty)


def _check_pair(target: str, into: Port, source: str, out: Port, *, by_hand: bool) -> None:
    """Whether an output can feed an input, by the rules of the core. Raises PortError.

    by_hand: a scale or an offset is given, and nothing is converted.
    """
    if (out.kind in BLOBS or into.kind in BLOBS) and out.kind != into.kind:
        raise PortError(f'{out.kind} cannot feed {into.kind}: "{source}" is of kind {out.kind}.')
    if out.kind in BLOBS and by_hand:
        raise PortError(f"a {out.kind} cannot be scaled; take scale and offset out.")
    if out.size != into.size:
        if into.size == 1:
            remedy = f'Connect one element: "{source}[0]".'
        else:
            element_of = source if out.size == 1 else f"{source}[0]"
            remedy = f'Connect the elements one by one: "{target}[0]" = "{element_of}".'
        sizes = f'"{target}" has {into.size_text}, its source "{source}" has {out.size_text}.'
        raise PortError(f"{sizes} {remedy}")
    if by_hand or out.kind in BLOBS or into.si is None or out.si is None:
        return
    try:
        factor, offset = factor_offset(out.si, into.si)
    except SiError:
        measures = f"{source} is {describe(out.si)}, {target} {describe(into.si)}"
        raise PortError(f"{out.si.text} cannot feed {into.si.text}: {measures}.") from None
    if (factor, offset) != (1.0, 0.0) and into.kind != "real":
        fact = (
            f"is of kind {into.kind} and cannot take a value converted from {out.si.text} to {into.si.text}."
        )
        raise PortError(f"{fact} Give scale = 1 to pass the number on as it is.")


def _check_sources(document: Document, units: Units, plans: Mapping[Path, ConnectionPlan]) -> None:
    """No element of an input is fed twice: TOML refuses a second equal key, but not "a.x" beside "a.x[0]"."""
    fed: dict[tuple[str, str, int], Path] = {}
    for path, plan in plans.items():
        unit, _, name = plan.target.partition(".")
        ports = units[unit].ports
        port = element(name, ports.find_input) if ports is not None else None
        if not isinstance(port, Port):
            continue
        for index in port.elements:
            other = fed.setdefault((unit, port.whole, index), path)
            if other != path:
                by = f'by "{plans[other].target}"' if path[0] == other[0] else "in [connect]"
                document.fault(path, f"is fed already {by}; an input has one source. Take one of them out.")
                break


# ---- cycles


def _check_cycles(document: Document, plans: Mapping[Path, ConnectionPlan]) -> None:
    """No units that wait for each other within a tick."""
    feeds: dict[str, dict[str, Path]] = {}  # producer -> consumer -> one connection between them
    for path, plan in plans.items():
        if plan.same_tick is True:
            producer, consumer = plan.source.partition(".")[0], plan.target.partition(".")[0]
            feeds.setdefault(producer, {}).setdefault(consumer, path)
    done: set[str] = set()
    for unit in sorted(feeds):
        cycle = _cycle(unit, feeds, done)
        if cycle:
            ring = [*cycle, cycle[0]]
            fact = f"These units wait for each other within one tick: {' -> '.join(ring)}."
            remedy = "Drop same_tick from one of these connections."
            document.fault(feeds[ring[0]][ring[1]], f"{fact} {remedy}")


def _cycle(first: str, feeds: Mapping[str, Mapping[str, Path]], done: set[str]) -> list[str]:
    """Units of a cycle that can be reached from `first`, in the order in which they feed each other."""
    path: list[str] = []
    ahead = [iter([first])]
    while ahead:
        unit = next(ahead[-1], None)
        if unit is None:
            ahead.pop()
            if path and ahead:
                done.add(path.pop())
        elif unit in path:
            cycle = path[path.index(unit) :]
            done.update(path)
            return cycle
        elif unit not in done:
            path.append(unit)
            ahead.append(iter(sorted(feeds.get(unit, {}))))
    return []
