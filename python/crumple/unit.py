"""Python plugins: units by declaration.

A plugin is a class that declares its ports and parameters and says how to step:

    class AirbagController(Unit):
        acceleration = Input("m/s^2", doc="crash sensor")
        fire = Output("1")
        threshold = Parameter(1.1, "m/s", min=0.0)

        def step(self, now):
            if -self.acceleration * now.dt > self.threshold:
                self.fire = 1.0

In `step`, an input reads as an attribute and an output is set as one. State is whatever else the instance holds; it is
reset, saved and restored without the author writing anything.
"""

from __future__ import annotations

import copy
import difflib
import math
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from crumple.errors import PluginError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS = ("real", "integer", "boolean", "string", "binary")
BLOB_KINDS = ("string", "binary")


class PortDeclaration:
    """What Input and Output have in common.

    si: unit of measure, such as "m/s^2"; None: not declared, and connections warn.
    shape: () for a scalar, 3 or (3,) for a vector, (2, 3) for a matrix.
    kind: "real", "integer", "boolean", "string" or "binary".
    start: the value before the first step; one number fills an array.
    min, max: a value outside ends the run with an error that says so.
    """

    direction: ClassVar[str]

    def __init__(
        self,
        si: str | None = None,
        *,
        shape: int | Sequence[int] = (),
        kind: str = "real",
        start: Any = None,
        doc: str = "",
        min: float | None = None,
        max: float | None = None,
        allow_nonfinite: bool = False,
    ) -> None:
        if kind not in KINDS:
            raise PluginError(f'kind "{kind}" of a port: there are {", ".join(KINDS)}')
        self.si = si
        self.shape: tuple[int, ...] = (shape,) if isinstance(shape, int) else tuple(shape)
        self.kind = kind
        self.start = start
        self.doc = doc
        self.min = min
        self.max = max
        self.allow_nonfinite = allow_nonfinite
        self.name = ""
        if any(n < 1 for n in self.shape):
            raise PluginError(f"shape {self.shape} of a port: every dimension has at least one element")

    # For type checkers: a port reads and writes as an attribute. At run time the class has a slot of this name.
    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> Any: ...
        def __set__(self, instance: object, value: Any) -> None: ...

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def flat_start(self) -> list[Any]:
        """The start value, element by element."""
        if self.kind in BLOB_KINDS:
            empty: str | bytes = "" if self.kind == "string" else b""
            start = empty if self.start is None else self.start
            return [start] * self.size if isinstance(start, str | bytes) else list(start)
        flat = _flatten(0.0 if self.start is None else self.start)
        if len(flat) == 1:
            flat = flat * self.size
        if len(flat) != self.size:
            raise PluginError(
                f'port "{self.name}" has {self.size} elements, but its start value has {len(flat)}'
            )
        return flat

    def for_core(self) -> dict[str, Any]:
        """What the core wants to know of the port."""
        from crumple.si import parse_si

        si = None
        if self.si is not None:
            parsed = parse_si(self.si)
            si = (self.si, parsed.factor, parsed.offset, parsed.dimension)
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "si": si,
            "start": self.flat_start(),
            "allow_nonfinite": self.allow_nonfinite,
            "min": self.min,
            "max": self.max,
        }


def _flatten(value: Any) -> list[float]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [x for item in value for x in _flatten(item)]
    return [float(value)]


class Input(PortDeclaration):
    """A value that the unit reads in its steps. See PortDeclaration for the arguments."""

    direction = "input"


class Output(PortDeclaration):
    """A value that the unit sets, and that others and the recording see. See PortDeclaration for the arguments."""

    direction = "output"


class Parameter:
    """A value fixed for a run.

    default: also gives the type: float, int, bool, str or a list of numbers.
    si: unit of measure; a scene may then write "1.1 m/s" or "4 km/h".
    min, max: limits, inclusive.   choices: the only values there are.
    """

    def __init__(
        self,
        default: Any,
        si: str | None = None,
        *,
        min: float | None = None,
        max: float | None = None,
        choices: Sequence[Any] | None = None,
        doc: str = "",
    ) -> None:
        self.default = default
        self.si = si
        self.min = min
        self.max = max
        self.choices = None if choices is None else tuple(choices)
        self.doc = doc
        self.name = ""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> Any: ...
        def __set__(self, instance: object, value: Any) -> None: ...

    def convert(self, value: Any) -> Any:
        """`value` in the parameter's type and unit of measure. Raises ValueError with the fact."""
        from crumple.si import parse_quantity

        default = self.default
        if isinstance(default, bool):
            if isinstance(value, str) and value.lower() in ("true", "false"):
                value = value.lower() == "true"
            if not isinstance(value, bool):
                raise ValueError(f"takes true or false, not {value!r}")
        elif isinstance(default, int | float):
            if isinstance(value, bool):
                raise ValueError(f"takes a number, not {value!r}")
            number = parse_quantity(value, self.si)
            if isinstance(default, int) and not isinstance(default, bool):
                if number != math.floor(number):
                    raise ValueError(f"takes a whole number, not {value!r}")
                number = int(number)
            if not math.isfinite(number):
                raise ValueError(f"takes a finite number, not {value!r}")
            self._check_limits(number)
            value = number
        elif isinstance(default, str):
            if not isinstance(value, str):
                raise ValueError(f"takes text, not {value!r}")
        elif isinstance(default, list | tuple):
            if not isinstance(value, list | tuple):
                raise ValueError(f"takes a list, not {value!r}")
            value = [parse_quantity(item, self.si) for item in value]
            for item in value:
                self._check_limits(item)
        if self.choices is not None and value not in self.choices:
            raise ValueError(f"takes one of {', '.join(map(repr, self.choices))}, not {value!r}")
        return value

    def _check_limits(self, number: float) -> None:
        low, high = self.min, self.max
        if (low is not None and number < low) or (high is not None and number > high):
            unit = f" {self.si}" if self.si else ""
            raise ValueError(
                f"{number:g}{unit} is outside its limits"
                f" {'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}{unit}"
            )


class Moment(Protocol):
    """What a step is told: tick at its start, t [s] at its start, dt [s] its length."""

    tick: int
    t: float
    dt: float


class _Slotted(type):
    """Turns the ports of a class body into slots, which the core reads and writes at their offsets."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> _Slotted:
        ports: dict[str, PortDeclaration] = {}
        parameters: dict[str, Parameter] = {}
        for key, value in list(namespace.items()):
            if isinstance(value, PortDeclaration):
                ports[key] = namespace.pop(key)
                value.name = key
            elif isinstance(value, Parameter):
                parameters[key] = namespace.pop(key)
                value.name = key
        clash = sorted({*ports, *parameters} & RESERVED)
        if clash:
            raise PluginError(
                f'{name}: "{clash[0]}" cannot be the name of a port or parameter; units have it already'
            )
        if bases:  # Unit itself has no ports, and needs its dictionary for the state of plugins
            namespace.setdefault("__slots__", tuple(ports))
            namespace["__declared__"] = ports
            namespace["__parameters__"] = parameters
        cls = super().__new__(mcs, name, bases, namespace, **keywords)
        members = {port: cls.__dict__[port] for port in ports}
        cls.__slot_members__ = {**getattr(cls, "__slot_members__", {}), **members}  # type: ignore[attr-defined]
        return cls


class Step:
    """What a step is told. See Moment."""

    __slots__ = ("dt", "t", "tick")
    __slot_members__: ClassVar[dict[str, Any]]

    tick: int
    t: float
    dt: float

    def __repr__(self) -> str:
        return f"Step(tick={self.tick}, t={self.t!r}, dt={self.dt!r})"


Step.__slot_members__ = {name: Step.__dict__[name] for name in Step.__slots__}

RESERVED = {"period", "random", "reset", "step", "end", "save", "load", "check_parameters"}


class Unit(metaclass=_Slotted):
    """Base of Python plugins. Declare ports and parameters in the class body, and write `step(self, now)`.

    Keyword arguments are parameters: `AirbagController(threshold="4 km/h")`.
    Raises PluginError that lists everything wrong with them.
    """

    __declared__: ClassVar[dict[str, PortDeclaration]] = {}
    __parameters__: ClassVar[dict[str, Parameter]] = {}
    __slot_members__: ClassVar[dict[str, Any]]

    period: float
    """Length of this unit's steps [s]. Known from reset() on."""

    def __init__(self, **parameters: Any) -> None:
        self.__dict__.update(self.check_parameters(parameters))

    # -- what authors write -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """To the state before the first step. All that earlier runs left on the instance is gone already."""

    def step(self, now: Moment) -> None:
        """One step from now.t to now.t + now.dt: read inputs, set outputs."""
        raise PluginError(f"{type(self).__name__} has no step(self, now) method")

    def end(self) -> None:
        """The run is over and went well."""

    def save(self) -> Any:
        """The unit's state. By default all that the instance holds; override where that cannot be pickled."""
        return pickle.dumps(self.__dict__, protocol=pickle.HIGHEST_PROTOCOL)

    def load(self, state: Any) -> None:
        """Back to a state that `save` returned."""
        fresh = pickle.loads(state)
        self.__dict__.clear()
        self.__dict__.update(fresh)

    # -- what authors use -------------------------------------------------------------------------------------------

    @property
    def random(self) -> np.random.Generator:
        """This unit's own stream of random numbers, from the run's seed and the unit's name; saved with its state."""
        generator = self.__dict__.get("_random")
        if generator is None:
            import numpy as np

            generator = np.random.Generator(np.random.PCG64(self.__dict__["_seed"]))
            self.__dict__["_random"] = generator
        return generator

    # -- declarations -----------------------------------------------------------------------------------------------

    @classmethod
    def declared_inputs(cls) -> dict[str, Input]:
        """The input ports by name, those of base classes first."""
        return {k: v for k, v in cls._collect("__declared__").items() if isinstance(v, Input)}

    @classmethod
    def declared_outputs(cls) -> dict[str, Output]:
        """The output ports by name, those of base classes first."""
        return {k: v for k, v in cls._collect("__declared__").items() if isinstance(v, Output)}

    @classmethod
    def declared_parameters(cls) -> dict[str, Parameter]:
        """The parameters by name, those of base classes first."""
        return cls._collect("__parameters__")

    @classmethod
    def _collect(cls, attribute: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            found.update(base.__dict__.get(attribute, {}))
        return found

    @classmethod
    def check_parameters(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with their values, defaults filled in and quantities converted.

        Raises PluginError; its `mistakes` names each wrong one.
        """
        declared = cls.declared_parameters()
        mistakes: list[str] = []
        values = {name: copy.deepcopy(parameter.default) for name, parameter in declared.items()}
        for name, value in given.items():
            if name not in declared:
                close = difflib.get_close_matches(name, declared, n=1)
                remedy = f' Did you mean "{close[0]}"?' if close else ""
                if not close:
                    remedy = f" There are: {', '.join(sorted(declared))}." if declared else " It has none."
                mistakes.append(f'{cls.__name__} has no parameter "{name}".{remedy}')
                continue
            try:
                values[name] = declared[name].convert(value)
            except ValueError as error:  # SiError is one
                mistakes.append(f'{cls.__name__}: parameter "{name}" {error}')
        if mistakes:
            raise PluginError("\n".join(mistakes), mistakes=mistakes)
        return values

    # -- for the core -----------------------------------------------------------------------------------------------

    @classmethod
    def __ports__(cls) -> dict[str, list[dict[str, Any]]]:
        return {
            "inputs": [port.for_core() for port in cls.declared_inputs().values()],
            "outputs": [port.for_core() for port in cls.declared_outputs().values()],
        }

    def _tune(self, name: str, value: float) -> bool:
        """A parameter changed while the unit runs, as faults do: a number or a flag. False: it has none such."""
        parameter = self.declared_parameters().get(name)
        if parameter is None or not isinstance(parameter.default, bool | int | float):
            return False
        self.__dict__[name] = type(parameter.default)(value)
        return True

    def _prepare(self, period: float, seed: int) -> None:
        self.__dict__["period"] = period
        self.__dict__["_seed"] = seed


def _assign(port: NDArray[np.float64], value: Any, name: str) -> None:
    """Copies what a plugin set an array output to, as a whole, into the array that is the port."""
    import numpy as np

    array = np.asarray(value, dtype=np.float64)
    if array.shape not in (port.shape, ()):
        raise ValueError(
            f'output "{name}" has shape {port.shape}; it was set to an array of shape {array.shape}'
        )
    port[...] = array
