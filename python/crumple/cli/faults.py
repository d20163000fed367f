"""`crumple faults`: the faults of a scene, what could be disturbed where, and what each kind of fault is."""

from __future__ import annotations

from typing import Annotated

import typer

from crumple.cli.run import assignments
from crumple.cli.screen import Screen, columns
from crumple.errors import UsageError
from crumple.faults import KINDS, Kind, fitting


def faults(
    scene: Annotated[
        str | None,
        typer.Argument(metavar="[SCENE]", help="A bundled scene by name, or the path of a scene file."),
    ] = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="Explain each kind of fault.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the scene, or unit.parameter. Repeatable."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> int:
    """List a scene's faults, and what can be disturbed where.

    \b
      crumple faults frontal_barrier
      crumple faults --kinds                              what each kind does, and its parameters
      crumple run frontal_barrier --inject stuck_sensor   run it with one of them
    """
    screen = Screen()
    if kinds:
        _explain(screen)
        return 0
    if scene is None:
        raise UsageError("say of which scene, or --kinds: crumple faults frontal_barrier")
    from crumple.faults_list import to_json
    from crumple.scene import load_scene

    loaded = load_scene(scene, set=assignments(set_ or []))
    if json:
        from crumple.run_folder import to_json as as_text

        screen.line(as_text(to_json(loaded), indent=2))
        return 0
    _list(screen, loaded)
    screen.line()
    _targets(screen, loaded)
    return 0


def _list(screen: Screen, scene: object) -> None:
    from crumple.faults_list import what, when
    from crumple.scene import Scene

    assert isinstance(scene, Scene)
    screen.line(f"{screen.style(scene.name, 'bold')}   {scene.title}")
    screen.line()
    if not scene.faults:
        screen.line("  This scene has no [faults].")
        return
    rows = [["  fault", "on", "what", "when", "id"]]
    for fault in scene.faults:
        rows.append(
            [f"  {fault.name}", fault.on, what(fault, float(scene.period)), when(fault, scene), fault.id]
        )
    for number, line in enumerate(columns(rows)):
        screen.line(line.rstrip() if number else screen.style(line.rstrip(), "dim"))
    for fault in scene.faults:
        tags = [f"{key} {value}" for key, value in fault.tags.items()]
        said = "; ".join(part for part in (fault.doc, ", ".join(tags)) if part)
        if said:
            screen.line(screen.style(f"  {fault.name}: {said}", "dim"))


def _targets(screen: Screen, scene: object) -> None:
    from crumple.faults_list import targets
    from crumple.scene import Scene

    assert isinstance(scene, Scene)
    rows = [["  on", "", "si", "kinds that fit"]]
    for target in targets(scene):
        size = f" {' x '.join(map(str, target.shape))}" if target.shape else ""
        of = f" ({target.kind})" if target.kind not in ("", "real") else ""
        fits = _GROUPS.get(target.kinds, ", ".join(target.kinds))
        rows.append([f"  {target.name}", f"{target.where}{of}{size}", target.si or "", fits])
    for number, line in enumerate(columns(rows)):
        screen.line(line.rstrip() if number else screen.style(line.rstrip(), "dim"))
    used = {row[3] for row in rows[1:]}
    screen.line()
    for kinds, name in _GROUPS.items():
        if name in used:
            _wrapped(screen, f"  {name}: ", ", ".join(kinds))


_GROUPS = {
    tuple(fitting("input")): "numbers",
    tuple(fitting("output", "boolean")): "flags",
    tuple(fitting("output", "enumeration")): "items",
    tuple(fitting("output", "integer")): "whole numbers",
    tuple(fitting("parameter")): "parameters",
    tuple(fitting("unit")): "units",
}


def _wrapped(screen: Screen, head: str, text: str) -> None:
    import textwrap

    width = max(40, min(screen.width, 110))
    for line in textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * len(head)):
        screen.line(line)


def _explain(screen: Screen) -> None:
    for name, kind in KINDS.items():
        screen.line(f"{screen.style(name, 'bold')}   {kind.text}{_where(kind)}")
        rows = [[f"    {key}", text] for key, text in kind.keys.items()]
        for line in columns(rows):
            screen.line(line.rstrip())
    screen.line()
    for line in (
        "x is what comes in; several faults on one value act in this order.",
        "When: from, until, tick, until_tick, duration, when, while, event, probability, manual, off.",
        "For reports: id, tags, doc.",
    ):
        screen.line(screen.style(line, "dim"))


def _where(kind: Kind) -> str:
    if kind.on == ("unit",):
        return "; of units"
    also = [where for where in ("parameter", "unit") if where in kind.on]
    return f"; of ports and {'s and '.join(also)}s" if also else ""
