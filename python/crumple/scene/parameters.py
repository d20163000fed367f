"""Parameters of a scene: how they are declared, what `--set` makes of them, and what is derived from them."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crumple.errors import Mistake
from crumple.scene.document import Document
from crumple.scene.plan import ParameterPlan, Value
from crumple.scene.references import replace_references
from crumple.scene.text import did_you_mean, listed, shown
from crumple.scene.values import INDEX, ValueFault, Values, is_reference, quantity_text, split_quantity
from crumple.si import SiError, describe, parse_quantity, parse_si

if TYPE_CHECKING:
    from crumple.scene.lines import Path

__all__ = ["Parameters", "parse_array", "resolve", "split_quantity", "typed"]

_INSTANCE = re.compile(r"(?P<unit>[A-Za-z_]\w*)_(?P<number>\d+)")


class Parameters:
    """The scene's parameters by name, with `--set` applied, and what is derived from them."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.plans: dict[str, ParameterPlan] = {}
        self.overrides: dict[str, Value] = {}  # what was given from outside, also for units
        self.broken: set[str] = set()  # declared, but with mistakes of their own
        self.used: set[str] = set()  # those that something refers to
        self.derived: dict[str, Any] = {}  # as written
        self.later: dict[tuple[str, str], Any] = {}  # for instances, which are not made yet: by unit and key
        self.known = Values(self.values, self.derived, broken=self.broken, used=self.used)

    def derived_values(self) -> dict[str, Value]:
        """What is derived, by name, without what has mistakes."""
        return {name: self.known.value(name) for name in self.derived if name not in self.broken}


def resolve(document: Document, given: Mapping[str, Any]) -> Parameters:
    """Give every parameter its value, put values in the place of "$name" and "$(...)", and apply `--set` to units."""
    parameters = Parameters()
    declared = document.tree.get("parameters")
    declared = declared if isinstance(declared, dict) else {}
    plain = {name: _plain(value) for name, value in given.items()}
    for name in [name for name, value in plain.items() if _refers(value)]:
        text = f"{shown(plain.pop(name))} refers to a parameter; give a value."
        document.mistakes.append(Mistake(None, None, f"--set {name}", text))
    for name, entry in declared.items():
        _Declared(document, parameters, name, entry).resolve(plain)
    _derive(document, parameters)
    replace_references(document, parameters.known, overridden=parameters.overrides)
    for name, value in plain.items():
        if name not in declared:
            _override_unit(document, parameters, name, value, declared)
    return parameters


# ---- declarations


class _Declared:
    """One parameter as the scene declares it."""

    def __init__(self, document: Document, parameters: Parameters, name: str, entry: Any) -> None:
        self._document = document
        self._parameters = parameters
        self._name = name
        self._table: Mapping[str, Any] = entry if isinstance(entry, dict) else {"default": entry}
        self._path: Path = ("parameters", name)
        self._default_path: Path = (*self._path, "default") if isinstance(entry, dict) else self._path
        si = self._table.get("si")
        self._si: str | None = si if isinstance(si, str) else None

    def resolve(self, given: Mapping[str, Any]) -> None:
        name, default = self._name, self._table.get("default")
        broken, before = self._parameters.broken, len(self._document.mistakes)
        broken.add(name)  # until it is whole
        if not isinstance(default, str | int | float | list):
            return  # the shape of the scene is wrong, and that is reported
        if isinstance(default, str) and is_reference(default):
            remedy = (
                "write its value, or put it under [derived]"
                if default.startswith("$(")
                else "write its value"
            )
            self._document.fault(self._default_path, f"cannot refer to another parameter; {remedy}.")
            return
        if name == INDEX:
            self._document.fault(self._path, '"index" is the number of an instance; choose another name.')
            return
        try:
            default = self._in_si(default) if self._has_si() else default
        except ValueError as error:
            self._document.fault(self._default_path, f"{shown(default)} {error}")
            return
        if len(self._document.mistakes) != before:
            return
        plan = self._plan(default)
        try:
            check_value(plan, default)
        except ValueError as error:
            self._document.fault(self._default_path, str(error))
        broken.discard(name)
        self._put(plan)
        if name in given:
            self._parameters.overrides[name] = given[name]
            try:
                self._put(plan, typed(plan, given[name]))
            except ValueError as error:
                text = f"{shown(given[name])} {error}"
                self._document.mistakes.append(Mistake(None, None, f"--set {name}", text))

    def _put(self, plan: ParameterPlan, value: Any = None) -> None:
        value = plan.default if value is None else value
        self._parameters.values[plan.name] = written(plan, value)
        self._parameters.plans[plan.name] = plan

    def _has_si(self) -> bool:
        """Whether its unit is declared, and can be read."""
        if self._si is None:
            return False
        try:
            parse_si(self._si)
        except SiError as error:
            self._document.fault((*self._path, "si"), str(error))
            return False
        return True

    def _in_si(self, value: Any) -> float:
        """A number in the declared unit. Raises ValueError, the end of a sentence."""
        assert self._si is not None
        if isinstance(value, bool | list):
            raise ValueError(f'is no number, and si = "{self._si}" says that it is one.')
        if not isinstance(value, str):
            number: float = value
            return number
        quantity = split_quantity(value)
        if quantity is None:
            raise ValueError(f"is no quantity; a number in {self._si} is wanted.")
        try:
            return parse_quantity(value, self._si)
        except SiError:
            is_, should = describe(parse_si(quantity[1] or "1")), describe(parse_si(self._si))
            raise ValueError(f'is {is_}; {should} in "{self._si}" is wanted.') from None

    def _plan(self, default: Any) -> ParameterPlan:
        table, name = self._table, self._name
        limits: dict[str, Any] = {}
        draft = ParameterPlan(name=name, default=default, si=self._si)
        for key in ("min", "max"):
            limit = table.get(key)
            if not isinstance(limit, str | int | float) or isinstance(limit, bool):
                continue  # it is not there, or the shape of the scene is wrong
            try:
                _size(draft, limit)
                limits[key] = self._in_si(limit) if self._si is not None else limit
            except SiError as error:
                self._document.fault((*self._path, key), str(error))
            except ValueError as error:
                text = str(error) or f"limits a number, and the default {shown(default)} is none."
                self._document.fault((*self._path, key), text if not str(error) else f"{shown(limit)} {text}")
        doc = table.get("doc", "")
        choices = self._choices(default)
        return ParameterPlan(
            name=name,
            default=default,
            si=self._si,
            min=limits.get("min"),
            max=limits.get("max"),
            choices=choices,
            doc=doc if isinstance(doc, str) else "",
        )

    def _choices(self, default: Any) -> tuple[Any, ...] | None:
        choices = self._table.get("choices")
        if not isinstance(choices, list):
            return None
        path = (*self._path, "choices")
        if not choices:
            self._document.fault(path, "is empty; list the values that it can have.")
            return None
        kind = str if isinstance(default, str) else int | float
        if isinstance(default, bool | list):
            self._document.fault(
                path, f"choose among texts or numbers, and the default {shown(default)} is neither."
            )
            return None
        for number, choice in enumerate(choices):
            if isinstance(choice, bool) or not isinstance(choice, kind):
                fact = f"is {shown(choice)}, and the default {shown(default)} is of another kind."
                self._document.fault((*path, number), fact)
                return None
        return tuple(choices)


def written(plan: ParameterPlan, value: Any) -> Value:
    """A value of a parameter as "$name" stands for it: a number with its unit where one is declared."""
    found: Value = value if plan.si is None else quantity_text(value, plan.si)
    return found


def typed(plan: ParameterPlan, given: Any) -> Value:
    """What was given for a parameter, in the kind of its default, and within its limits.

    Raises ValueError, the end of a sentence that begins with what was given.
    """
    if plan.choices is not None and isinstance(plan.default, str):
        value: Value = given
    elif plan.si is not None:
        value = _number_in(plan, given)
    else:
        value = _typed(given, plan.default)
    check_value(plan, value)
    return value


def check_value(plan: ParameterPlan, value: Any) -> None:
    """Raises ValueError, the end of a sentence, where limits or choices forbid a value."""
    if plan.choices is not None and (isinstance(value, bool) or value not in plan.choices):
        texts = [str(choice) for choice in plan.choices]
        near = did_you_mean(str(value), texts) if isinstance(value, str) else ""
        named = ", ".join(texts[:12]) + (f" and {len(texts) - 12} more" if len(texts) > 12 else "")
        raise ValueError(f"is none of its choices: {named}.{near}")
    for key, limit in (("min", plan.min), ("max", plan.max)):
        if limit is None:
            continue
        size, most = _size(plan, value), _size(plan, limit)
        if (size > most) if key == "max" else (size < most):
            way = "above the largest" if key == "max" else "below the smallest"
            raise ValueError(f"is {way} value allowed, {shown(written(plan, limit))}.")


def _size(plan: ParameterPlan, value: Any) -> float:
    """A number to compare, in the unit of the default. Raises ValueError where it is no number."""
    si = plan.si or "1"
    if isinstance(plan.default, str):
        quantity = split_quantity(plan.default)
        if quantity is None:
            raise ValueError
        si = quantity[1]
    elif isinstance(plan.default, bool | list):
        raise ValueError
    return parse_quantity(value, si or "1")


def _derive(document: Document, parameters: Parameters) -> None:
    """Find what is derived, once, so that mistakes are told where they stand."""
    table = document.tree.get("derived")
    for name, entry in table.items() if isinstance(table, dict) else ():
        if name in parameters.plans or name in parameters.broken or name == INDEX:
            fact = (
                '"index" is the number of an instance'
                if name == INDEX
                else f'"{name}" is a parameter already'
            )
            document.fault(("derived", name), f"{fact}; choose another name.")
        else:
            parameters.derived[name] = entry
    for name, entry in list(parameters.derived.items()):
        path: Path = ("derived", name)
        if isinstance(entry, dict) and not _table_by(document, parameters, path, entry):
            parameters.broken.add(name)
            continue
        used = set(parameters.used)
        try:
            parameters.known.value(name)
        except ValueFault as fault:
            parameters.broken.add(name)
            if not fault.silent:
                document.fault(path, str(fault))
        parameters.used.intersection_update(used | parameters.known.needs(f"${name}"))


def _table_by(document: Document, parameters: Parameters, path: Path, table: Mapping[str, Any]) -> bool:
    """Whether a table `by` has a value for all that can be. Its mistakes are noted."""
    before = len(document.mistakes)
    by = table.get("by")
    if not isinstance(by, str):
        if "by" not in table:
            document.fault(path, 'does not say by what: write by = "name" of a parameter.')
        return False
    plan = parameters.plans.get(by)
    choices: Sequence[Any] | None = None if plan is None else plan.choices
    if plan is not None and isinstance(plan.default, bool):
        choices = ("true", "false")
    keys = [key for key in table if key not in ("by", "otherwise")]
    if choices is not None:
        texts = [str(choice) for choice in choices]
        for key in keys:
            if key not in texts:
                known = did_you_mean(key, texts) or f" There are: {listed(texts)}."
                document.fault((*path, key), f'is no choice of "{by}".{known}')
        missing = [text for text in texts if text not in keys]
        if missing and "otherwise" not in table and len(document.mistakes) == before:
            document.fault(path, f'has no value for {by} = {listed(missing)}. Add it, or "otherwise".')
    for key in (*keys, "otherwise"):
        if isinstance(table.get(key), str):
            try:
                parameters.known.resolved(table[key])
            except ValueFault as fault:
                if not fault.silent and "no value here" not in str(fault):
                    document.fault((*path, key), str(fault))
    return len(document.mistakes) == before


# ---- values from outside


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _refers(value: Any) -> bool:
    return any(map(_refers, value)) if isinstance(value, list) else is_reference(value)


def _number_in(plan: ParameterPlan, given: Any) -> float:
    """A number in the parameter's unit: a bare one is in it, a quantity is converted."""
    assert plan.si is not None
    if isinstance(given, str):
        quantity = split_quantity(given)
        if quantity is None:
            raise ValueError(f"is no number; one in {_named(plan.si)} is wanted.")
        if not quantity[1]:
            number = parse_quantity(given)
        else:
            try:
                number = parse_quantity(given, plan.si)
            except SiError:
                is_, should = (describe(parse_si(si)) for si in (quantity[1], plan.si))
                raise ValueError(f"is {is_}; {should} in {_named(plan.si)} is wanted.") from None
    elif isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"is no number; one in {_named(plan.si)} is wanted.")
    else:
        number = given
    if not math.isfinite(number):
        raise ValueError("is not finite.")
    if isinstance(plan.default, int) and plan.si in ("", "1") and not float(number).is_integer():
        raise ValueError(f"is no whole number; the default is {shown(plan.default)}.")
    return int(number) if float(number).is_integer() else number


def _named(si: str) -> str:
    return f'"{si}"'


def _typed(given: Any, default: Value) -> Value:
    """What was given, in the kind of the default. Raises ValueError, the end of a sentence."""
    if isinstance(default, bool):
        if isinstance(given, str) and given.lower() in ("true", "false"):
            return given.lower() == "true"
        if isinstance(given, bool):
            return given
        raise ValueError("is neither true nor false.")
    if isinstance(default, list):
        values = parse_array(given)
        if isinstance(values, list):
            return values
        raise ValueError("is no array; write it as in '[1, 2, 3]'.")
    if isinstance(default, str):
        return _like_text(given, default)
    return _like_number(given, default)


def _like_number(given: Any, default: float) -> Value:
    if isinstance(given, str):
        try:
            number = int(given) if re.fullmatch(r"[+-]?\d+", given) else float(given)
        except ValueError:
            if split_quantity(given) is None:
                raise ValueError(f"is no number; the default is {shown(default)}.") from None
            return given
        given = number
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"is no number; the default is {shown(default)}.")
    return given


def _like_text(given: Any, default: str) -> Value:
    quantity = split_quantity(default)
    if quantity is None:
        if isinstance(given, str):
            return given
        raise ValueError(f"is no text; the default is {shown(default)}.")
    si = quantity[1]
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = repr(given)
    own = split_quantity(given) if isinstance(given, str) else None
    if own is None:
        raise ValueError(f"is no quantity; the default is {shown(default)}.")
    if bool(si) != bool(own[1]) and float(parse_quantity(own[0])) != 0.0:
        if si:
            raise ValueError(f'has no unit. Write it, as in "{own[0]} {si}".')
        raise ValueError(f"has a unit, and the default {shown(default)} has none.")
    if not own[1]:
        return f"{own[0]} {si}".strip()
    try:
        parse_quantity(given, si)
    except SiError:
        is_, should = (describe(parse_si(text)) for text in (own[1], si))
        raise ValueError(f"is {is_}; {shown(default)} is {should}.") from None
    return str(given)


def parse_array(given: Any) -> Any:
    """An array written as a text, "[1, 2]", as a list; anything else as it is."""
    if not isinstance(given, str) or not given.strip().startswith("["):
        return given
    try:
        return tomllib.loads(f"value = {given}")["value"]
    except tomllib.TOMLDecodeError:
        return given


def _override_unit(
    document: Document, parameters: Parameters, name: str, value: Any, declared: Mapping[str, Any]
) -> None:
    """`--set unit.parameter=value`. Whether there is such a parameter is checked with the unit."""
    parameters.overrides[name] = value
    unit, dot, key = name.partition(".")
    units = document.tree.get("units")
    units = units if isinstance(units, dict) else {}
    label = f"--set {name}"
    instance = _INSTANCE.fullmatch(unit)
    if not dot:
        near = did_you_mean(name, declared) or (f" There are: {listed(declared)}." if declared else "")
        near += "" if declared else " It has none; a unit's own is set as unit.parameter."
        if name in parameters.derived:
            near = f" It is derived: set what it is derived from{_whence(parameters, name)}."
        document.mistakes.append(
            Mistake(None, None, label, f"the scene has no parameter of this name.{near}")
        )
    elif key and unit not in units and instance is not None and _counted(units, instance["unit"]):
        parameters.later[unit, key] = parse_array(value)
    elif unit not in units or not key:
        near = did_you_mean(name if unit in units else unit, units) or f" Units: {listed(units)}."
        if unit == "clock" and key in ("stop", "seed", "threads", "mode"):
            near = f" The clock's own is given with --{key}."
        if any(unit in (document.tree.get(kind) or {}) for kind in ("sensors", "actuators", "rigs")):
            near = f' What is live has no parameters: write {key or "key"} = "$name" there, and set name.'
        document.mistakes.append(Mistake(None, None, label, f'the scene has no unit "{unit}".{near}'))
    elif isinstance(units[unit], dict):
        table = "with" if "plugin" in units[unit] else "start"
        if isinstance(units[unit].setdefault(table, {}), dict):
            document.override(("units", unit, table, key), parse_array(value), label=label)


def _whence(parameters: Parameters, name: str) -> str:
    needed = sorted(parameters.known.needs(f"${name}"))
    return f", {listed(needed)}" if needed else ""


def _counted(units: Mapping[str, Any], unit: str) -> bool:
    return isinstance(units.get(unit), dict) and "count" in units[unit]
