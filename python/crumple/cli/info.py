"""`crumple info`: what an FMU or a scene is and has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crumple import wording
from crumple.cli.screen import Screen, columns

if TYPE_CHECKING:
    from crumple.archive import Archive
    from crumple.description import Description, Variable

_MOST = 40  # variables of a group, unless all are asked for
_LONGEST = 60  # characters of a description
_KINDS = {
    "CoSimulation": "Co-Simulation",
    "ModelExchange": "Model Exchange",
    "ScheduledExecution": "Scheduled Execution",
}
_GROUPS = {
    "inputs": ("input",),
    "outputs": ("output",),
    "parameters": ("parameter", "structuralParameter"),
}
_OTHERS = {
    "calculated": ("calculatedParameter",),
    "locals": ("local", "independent"),
}


def info(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="An .fmu file, an unpacked one, or a bundled FMU by name; or a scene, by name or .toml file.",
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print all as JSON, and nothing else.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Show every variable, internal ones too.")] = False,
) -> int:
    """Show what an FMU is and has: its abilities, variables, platforms, and what is not quite valid in it.

    Of a scene: its parameters with unit, range and default, its requirements, metrics and faults.
    Nothing is run.
    """
    from crumple.archive import open_fmu
    from crumple.cli.info_scene import is_scene, show_scene
    from crumple.fmu import locate_fmu

    screen = Screen()
    if is_scene(model):
        show_scene(screen, model, json=json)
        return 0
    archive = open_fmu(locate_fmu(model))
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(as_json(archive), indent=2))
        return 0
    _head(screen, archive)
    shown = {**_GROUPS, **_OTHERS} if all_ else _GROUPS
    for title, causalities in shown.items():
        variables = [v for v in archive.description.variables if v.causality in causalities]
        _table(screen, title, variables, most=len(variables) if all_ else _MOST)
    hidden = [v for v in archive.description.variables if not any(v.causality in c for c in shown.values())]
    if hidden:
        screen.line()
        screen.line(screen.style(f"{wording.count(len(hidden), 'internal variable')}: --all", "dim"))
    for text in archive.description.warnings:
        screen.line(f"{screen.style('warning', 'warning')}  {text}")
    return 0


def as_json(archive: Archive) -> dict[str, Any]:
    """All that is known of an FMU in plain values."""
    from crumple.archive import summary

    described = archive.description
    found = summary(archive)
    found["counts"] = found.pop("variables")
    found["variables"] = [
        {
            "name": v.name,
            "type": v.type,
            "causality": v.causality,
            "variability": v.variability,
            "initial": v.initial,
            "start": v.start if v.dims or v.start is None else v.start[0],
            "unit": v.si,
            "dimensions": v.dims,
            "min": v.min,
            "max": v.max,
            "nominal": v.nominal,
            "items": v.items,
            "description": v.description,
        }
        for v in described.variables
    ]
    return found


def _head(screen: Screen, archive: Archive) -> None:
    described = archive.description
    kinds = ", ".join(_KINDS.get(kind, kind) for kind in described.kinds) or "no interface"
    screen.line(f"{screen.style(archive.path.name, 'bold')}   FMI {described.fmi} · {kinds}")
    if described.description:
        screen.line(described.description)
    screen.line()
    for line in columns([["  " + row[0], row[1]] for row in _facts(archive)]):
        screen.line(line)


def _facts(archive: Archive) -> list[list[str]]:
    from crumple.archive import summary

    described, known = archive.description, summary(archive)
    made = " · ".join(t for t in (described.tool, described.date) if t)
    platforms = ", ".join(known["platforms"]) or "no libraries"
    rows = [["model", " · ".join(t for t in (described.model_name, described.version) if t)]]
    if made:
        rows.append(["made by", made])
    rows.append(["sha256", archive.sha256])
    rows.append(["platforms", platforms])
    if known["library"] is None:
        rows.append(["not here", known["library_fault"]])
    rows.append(["default", _default(described)])
    can, cannot = _abilities(described)
    if can:
        rows.append(["can", ", ".join(can)])
    if cannot:
        rows.append(["cannot", ", ".join(cannot)])
    return rows


def _default(described: Description) -> str:
    stop = described.default_stop
    facts = []
    if stop is not None:
        facts.append(f"{described.default_start or 0:g} to {stop:g} s")
    if described.default_step:
        facts.append(f"step {wording.time(described.default_step)}")
    if described.internal_step:
        facts.append(f"internal step {wording.time(described.internal_step)}")
    if described.default_tolerance:
        facts.append(f"tolerance {described.default_tolerance:g}")
    return " · ".join(facts) or "no default experiment"


def _abilities(described: Description) -> tuple[list[str], list[str]]:
    if described.identifier is None:
        return [], ["be run by Crumple"]
    asked = {
        "vary its step": described.can_vary_step,
        "save its state": described.can_save,
        "serialize its state": described.can_serialize,
        "have several instances in a process": not described.once_per_process,
    }
    can = [what for what, able in asked.items() if able]
    cannot = [what for what, able in asked.items() if not able]
    if described.needs_tool:
        cannot.append("run without the tool that made it")
    return can, cannot


def _table(screen: Screen, title: str, variables: list[Variable], *, most: int) -> None:
    if not variables:
        return
    rows = [[f"  {title}", "type", "start", "unit", "limits", ""]]
    rows += [
        [
            f"  {v.name}",
            _type(v),
            _start(v),
            v.si or "",
            _limits(v),
            _short(v.description or ""),
        ]
        for v in variables[:most]
    ]
    used = [c for c in range(6) if c < 2 or any(row[c] for row in rows[1:])]
    screen.line()
    for number, line in enumerate(columns([[row[c] for c in used] for row in rows])):
        screen.line(line if number else screen.style(line, "dim"))
    if len(variables) > most:
        screen.line(screen.style(f"  and {len(variables) - most} more: --all", "dim"))


def _type(variable: Variable) -> str:
    sizes = f"[{', '.join(map(str, variable.dims))}]" if variable.dims else ""
    tunable = ", tunable" if variable.variability == "tunable" else ""
    return f"{variable.type}{sizes}{tunable}"


def _start(variable: Variable) -> str:
    if not variable.start:
        return ""
    if variable.items and not variable.dims:
        names = {str(number): name for name, number in variable.items.items()}
        return names.get(variable.start[0], variable.start[0])
    texts = variable.start
    if variable.kind == "real":
        texts = [_tidy(text) for text in texts]
    return _short(" ".join(texts), most=24)


def _tidy(text: str) -> str:
    """A number without digits that say nothing: 0.20000000000000000e+00 is 0.2."""
    try:
        return f"{float(text):.10g}"
    except ValueError:
        return text


def _limits(variable: Variable) -> str:
    if variable.items:
        return _short(", ".join(variable.items), most=32)
    if variable.min is not None and variable.max is not None:
        return f"{variable.min:g} to {variable.max:g}"
    if variable.min is not None:
        return f"≥ {variable.min:g}"
    return "" if variable.max is None else f"≤ {variable.max:g}"


def _short(text: str, *, most: int = _LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
