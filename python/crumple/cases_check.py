"""Mistakes of cases that no single cell has: what is derived from several, and what an FMU or a plugin refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crumple.cases_sites import StartSite, resolve_site
from crumple.errors import CrumpleError, SceneError
from crumple.scene import load_scene
from crumple.scene.values import ValueFault

if TYPE_CHECKING:
    from crumple.cases_run import Runner
    from crumple.scene.plan import UnitPlan

Case = tuple[Mapping[str, Any], int]  # what it sets, and its line


def check_cases(runner: Runner, cases: Sequence[Case], *, most_shapes: int) -> Iterator[tuple[int, str, str]]:
    """The line, the key and the mistake of cases that cannot be run, each different one once.

    cases: all set the same.   most_shapes: of cases that need a world of their own, so many are tried; the mistakes of
    others come up when they are run.
    """
    columns = list(cases[0][0])
    sites = runner.sites
    unsound: set[int] = set()
    for site in sites.starts:
        if f"{site.unit}.{site.key}" in columns:
            continue  # which comes before
        for given, line in distinct(cases, [name for name in columns if name in site.needs]):
            if fact := _of_site(runner, site, given):
                unsound.add(line)
                yield line, f"{site.unit}.{site.key}", fact
    for name in columns:
        unit, dot, key = name.partition(".")
        for given, line in distinct(cases, [name]) if dot else ():
            if fact := _refused(runner.scene.units[unit], StartSite(unit, key, given[name], ()), given[name]):
                unsound.add(line)
                yield line, name, fact
    for given, line in distinct(cases, [name for name in columns if name in sites.shaping])[:most_shapes]:
        if line in unsound:
            continue
        try:
            load_scene(runner.options.scene, set={**runner.options.set, **given}, seed=runner.options.seed)
        except SceneError as error:
            for mistake in error.mistakes:
                yield line, mistake.where, mistake.text


def distinct(cases: Sequence[Case], names: Sequence[str]) -> list[Case]:
    """The first case with each combination of the values of these parameters."""
    found: dict[Any, Case] = {}
    for case in cases:
        given = case[0]
        try:
            found.setdefault(tuple([given[name] for name in names]), case)
        except TypeError:  # a list
            found.setdefault(repr([given[name] for name in names]), case)
    return list(found.values())


def _of_site(runner: Runner, site: StartSite, given: Mapping[str, Any]) -> str:
    """What is wrong with the value at a site; "" where nothing is."""
    try:
        value = resolve_site(site, runner.sites.values(runner.parameters(given)))
    except ValueFault as fault:
        return str(fault)
    return _refused(runner.scene.units[site.unit], site, value)


def _refused(unit: UnitPlan, site: StartSite, value: Any) -> str:
    """Why a unit does not take a value; "" where it does."""
    try:
        if unit.plugin is not None:
            unit.plugin.check_parameters({site.key: value})
        elif unit.archive is not None:
            from crumple.description import find_variable
            from crumple.start import encode_start

            described = unit.archive.description
            encode_start(find_variable(described, site.key), value, described)
    except CrumpleError as error:
        return str(error)
    return ""
