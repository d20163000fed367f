"""`crumple info SCENE`: what a scene is, what can be set in it, and what it tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import wording
from crumple.cli.screen import Screen, columns
from crumple.cli.summary import counted_facts, show_header

if TYPE_CHECKING:
    from crumple.scene import Scene
    from crumple.scene.plan import ParameterPlan


def is_scene(name: str) -> bool:
    """Whether a name means a scene and nothing else: a file of scenes, or a bundled one that is no bundled FMU."""
    from crumple.fmu import bundled_fmus
    from crumple.scene import bundled_scenes

    if name.endswith(".toml"):
        return True
    return name in bundled_scenes() and name not in bundled_fmus() and not Path(name).exists()


def show_scene(screen: Screen, name: str, *, json: bool) -> None:
    """Show it. Raises SceneError where it has mistakes."""
    from crumple.scene import load_scene

    scene = load_scene(name)
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(scene_as_json(scene), indent=2))
        return
    units = scene.units.values()
    facts = counted_facts(
        units=len(scene.units),
        fmus=sum(unit.archive is not None for unit in units),
        plugins=sum(unit.plugin is not None for unit in units),
    )
    facts += [wording.time(float(scene.period)), wording.time(float(scene.stop))]
    show_header(screen, scene.name, scene.title, facts)
    if scene.description:
        screen.wrapped(" ".join(scene.description.split()), indent=0)
    for head, rows in _tables(scene):
        if rows:
            screen.line()
            for number, line in enumerate(columns([head, *rows], most=60)):
                screen.line(screen.cut(line) if number else screen.style(line, "dim"))


def scene_as_json(scene: Scene) -> dict[str, Any]:
    """The same in plain values."""
    return {
        "name": scene.name,
        "title": scene.title,
        "path": str(scene.path),
        "parameters": [
            {
                "name": name,
                "default": _default(plan)[0],
                "si": _default(plan)[1],
                **_limits(plan),
                "doc": plan.doc,
            }
            for name, plan in scene.declared.items()
        ],
        "derived": dict(scene.derived),
        "requirements": [
            {"name": r.name, "what": r.what, "when": r.when, "doc": r.doc} for r in scene.requirements
        ],
        "metrics": [{"name": m.name, "what": m.what, "si": m.si, "doc": m.doc} for m in scene.metrics],
        "faults": [{"name": f.name, "on": f.on, "kind": f.kind, "doc": f.doc} for f in scene.faults],
    }


def _tables(scene: Scene) -> list[tuple[list[str], list[list[str]]]]:
    parameters = [
        [f"  {name}", str(_default(plan)[0]), _default(plan)[1], _range(plan), plan.doc]
        for name, plan in scene.declared.items()
    ]
    derived = [
        [f"  {name}", str(_split(value)[0]) if isinstance(value, bool) else str(value)]
        for name, value in scene.derived.items()
    ]
    required = [
        [f"  {each.name}", each.what, f"when {each.when}" if each.when else "", each.doc]
        for each in scene.requirements
    ]
    metrics = [[f"  {each.name}", each.si, each.what, each.doc] for each in scene.metrics]
    faults = [[f"  {each.name}", each.kind, each.on, each.doc] for each in scene.faults]
    return [
        (["  parameter", "default", "unit", "values"], parameters),
        (["  derived", "by default"], derived),
        (["  requirement", "on"], required),
        (["  metric", "unit", "value"], metrics),
        (["  fault", "kind", "on"], faults),
    ]


def _default(plan: ParameterPlan) -> tuple[Any, str]:
    """The default as a plain number, and its unit, where it has one."""
    if plan.si is not None:
        return plan.default, "" if plan.si == "1" else plan.si
    return _split(plan.default)


def _split(value: Any) -> tuple[Any, str]:
    from crumple.scene.values import split_quantity

    quantity = split_quantity(value) if isinstance(value, str) else None
    if quantity is not None and quantity[1]:
        return quantity[0], quantity[1]
    return ("true" if value else "false") if isinstance(value, bool) else value, ""


def _limits(plan: ParameterPlan) -> dict[str, Any]:
    limits: dict[str, Any] = {
        key: getattr(plan, key) for key in ("min", "max") if getattr(plan, key) is not None
    }
    return limits if plan.choices is None else {**limits, "choices": list(plan.choices)}


def _range(plan: ParameterPlan) -> str:
    if plan.choices is not None:
        return ", ".join(str(choice) for choice in plan.choices)
    own = _default(plan)[1]
    low, high = (
        "" if limit is None else str(_split(limit)[0] if _split(limit)[1] in ("", own) else limit)
        for limit in (plan.min, plan.max)
    )
    if low and high:
        return f"{low} to {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""
