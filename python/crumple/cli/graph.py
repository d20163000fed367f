"""`crumple graph`: what a scene is made of, as text or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crumple.cli.run import assignments
from crumple.cli.screen import Screen


def graph(
    scene: Annotated[str, typer.Argument(help="A bundled scene by name, or the path of a scene file.")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the scene, or unit.parameter. Repeatable."
        ),
    ] = None,
    svg: Annotated[str | None, typer.Option(metavar="FILE", help="Write a picture.")] = None,
    dot: Annotated[str | None, typer.Option(metavar="FILE", help="Write Graphviz's language.")] = None,
) -> int:
    """Show a scene's units, connections, waves, and where a tick of delay sits.

    Units of one wave do not wait for each other. A connection arrives one tick later, unless the scene marks
    it same_tick. No FMU is loaded.
    """
    from crumple.graph import scene_graph, to_dot, to_text
    from crumple.scene import load_scene

    drawn = scene_graph(load_scene(scene, set=assignments(set_ or [])))
    screen = Screen()
    if svg is not None:
        from crumple.graph_svg import to_svg

        Path(svg).write_text(to_svg(drawn), encoding="utf-8")
        screen.line(svg)
    if dot is not None:
        Path(dot).write_text(to_dot(drawn), encoding="utf-8")
        screen.line(dot)
    if svg is None and dot is None:
        lines = to_text(drawn)
        screen.line(screen.style(drawn.name, "bold") + lines[0][len(drawn.name) :])
        screen.line(screen.style(lines[1], "dim"))
        for line in lines[2:]:
            screen.line(line)
    return 0
