"""A trial of sequences of calls that the standard allows and Crumple itself does not make, with nothing in between."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import byref, c_bool, c_char_p, c_double, c_int, c_size_t, c_uint, c_void_p
from typing import TYPE_CHECKING, Any

from crumple.vetting.process import differences, process_state

if TYPE_CHECKING:
    from crumple.vetting.apart import Trial

Result = dict[str, Any]

_CO_SIMULATION = 1
_WARNING = 1  # the worst status that is no failure
_STATUS = {2: "discard", 3: "an error", 4: "a fatal error", 5: "pending"}

# Loggers and the other callbacks take and do nothing. The logger of FMI 2 has a variable list of arguments, of which
# those that are not declared are simply not looked at.
_LOGGER2 = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_int, c_char_p, c_char_p)
_LOGGER3 = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p, c_char_p)
_ALLOCATE = ctypes.CFUNCTYPE(c_void_p, c_size_t, c_size_t)
_FREE = ctypes.CFUNCTYPE(None, c_void_p)


_kept: list[Any] = []  # callbacks live as long as the process: a thread of the FMU may call them late


class _Callbacks2(ctypes.Structure):
    _fields_ = (
        ("logger", _LOGGER2),
        ("allocate", _ALLOCATE),
        ("free", _FREE),
        ("step_finished", c_void_p),
        ("environment", c_void_p),
    )


def _say_nothing(*_: Any) -> None:
    pass


class Refused(Exception):
    """A call did not do what it must."""


class Instance:
    """One instance, called directly. step [s]; t: where it is [s]."""

    def __init__(self, trial: Trial, library: ctypes.CDLL, facts: Result) -> None:
        self._trial, self._library, self._facts = trial, library, facts
        self._prefix = f"fmi{facts['fmi']}"
        self._handle: int | None = None
        self.t = 0.0

    def has(self, name: str) -> bool:
        """Whether the library has this function."""
        return hasattr(self._library, self._prefix + name)

    def _call(self, name: str, *arguments: Any, result: Any = c_int) -> Any:
        function = getattr(self._library, self._prefix + name)
        function.restype = result
        with self._trial.call(f"{self._prefix}{name}"):
            return function(*arguments)

    def _ask(self, name: str, *arguments: Any) -> None:
        status = self._call(name, c_void_p(self._handle), *arguments)
        if status > _WARNING or status < 0:
            what = _STATUS.get(status, f"the status {status}, which FMI does not know")
            raise Refused(f"{self._prefix}{name} returned {what}")

    def instantiate(self) -> None:
        """A new instance."""
        f = self._facts
        name, token, resources = (str(f[key]).encode() for key in ("name", "token", "resources"))
        if f["fmi"] == 2:
            libc = ctypes.CDLL(None)
            logger, allocate, free = (
                _LOGGER2(_say_nothing),
                _ALLOCATE(("calloc", libc)),
                _FREE(("free", libc)),
            )
            callbacks = _Callbacks2(logger, allocate, free, None, None)
            _kept.extend([logger, allocate, free, callbacks])
            arguments = (name, c_int(_CO_SIMULATION), token, resources, byref(callbacks), c_int(0), c_int(0))
            self._handle = self._call("Instantiate", *arguments, result=c_void_p)
        else:
            logger3 = _LOGGER3(_say_nothing)
            _kept.append(logger3)
            off = (c_bool(False),) * 4
            arguments3 = (name, token, resources, *off, None, c_size_t(0), None, logger3, None)
            self._handle = self._call("InstantiateCoSimulation", *arguments3, result=c_void_p)
        if not self._handle:
            raise Refused("it gave no instance")

    def initialise(self) -> None:
        """Through initialization mode, to the first step."""
        f = self._facts
        self.t = f["begin"]
        experiment = (c_double(f["tolerance"] or 0.0), c_double(self.t), None, c_double(0.0))
        flag: Callable[[bool], Any] = c_int if f["fmi"] == 2 else c_bool
        told = (flag(f["tolerance"] is not None), *experiment[:2], flag(False), experiment[3])
        if f["fmi"] == 2:
            self._ask("SetupExperiment", *told)
            self._ask("EnterInitializationMode")
        else:
            self._ask("EnterInitializationMode", *told)
        self._ask("ExitInitializationMode")

    def step(self) -> bytes:
        """One step, and the outputs behind it."""
        f = self._facts
        if f["fmi"] == 2:
            self._ask("DoStep", c_double(self.t), c_double(f["step"]), c_int(1))
        else:
            flags = [c_bool(), c_bool(), c_bool()]
            last = c_double()
            places = (*map(byref, flags), byref(last))
            self._ask("DoStep", c_double(self.t), c_double(f["step"]), c_bool(True), *places)
        self.t += f["step"]
        return self._outputs()

    def _outputs(self) -> bytes:
        refs = self._facts["refs"]
        if not refs:
            return b""
        values = (c_double * len(refs))()
        where = ((c_uint * len(refs))(*refs), c_size_t(len(refs)), values)
        if self._facts["fmi"] == 2:
            self._ask("GetReal", *where)
        else:
            self._ask("GetFloat64", *where, c_size_t(len(refs)))
        return bytes(values)  # as bytes even NaN equals itself

    def reset(self) -> None:
        """Back to instantiated."""
        self._ask("Reset")

    def finish(self, *, terminate: bool) -> None:
        """Freed, and ended before where it was initialised."""
        if terminate and self.has("Terminate"):
            self._ask("Terminate")
        if self.has("FreeInstance"):
            self._call("FreeInstance", c_void_p(self._handle), result=None)


def call_sequences(trial: Trial, library: str, facts: Result, *, steps: int) -> Result:
    """Freed after instantiation, ended after no step, and reset by its own reset after some.

    facts: fmi, token, resources, name, begin [s], step [s], tolerance, refs of outputs, once.
    """
    found: Result = {"done": [], "reset": ""}
    before = process_state()
    with trial.call("loading its library"):
        try:
            opened = ctypes.CDLL(library, mode=os.RTLD_NOW)
        except OSError:
            opened = ctypes.CDLL(library, mode=os.RTLD_LAZY)
    one = Instance(trial, opened, facts)
    try:
        if not facts["once"]:
            one.instantiate()
            one.finish(terminate=False)
            found["done"].append("instantiate and free")
            one.instantiate()
            one.initialise()
            one.finish(terminate=True)
            found["done"].append("end after no step")
        one.instantiate()
        if one.has("Reset"):
            one.reset()
        one.initialise()
        first = [one.step() for _ in range(steps)]
        if one.has("Reset"):
            try:
                one.reset()
                one.reset()
                one.initialise()
                again = [one.step() for _ in range(steps)]
                found["reset"] = "same" if again == first else "forgets"
            except Refused as error:
                found["reset"] = str(error)
                one.finish(terminate=False)
                return found | {"changed": differences(before, process_state())}
        one.finish(terminate=True)
        found["done"].append("reset and end after some steps")
    except Refused as error:
        found["failed"] = {"fact": str(error)}
    found["changed"] = differences(before, process_state())
    return found
