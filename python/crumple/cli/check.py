"""`crumple check`: all mistakes of a scene, without loading a binary."""

from __future__ import annotations

from typing import Annotated

import typer

from crumple import wording
from crumple.cli.run import assignments
from crumple.cli.screen import Screen


def check(
    scene: Annotated[
        str, typer.Argument(metavar="SCENE", help="A bundled scene by name, or the path of a scene file.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the scene, or unit.parameter. Repeatable."
        ),
    ] = None,
) -> int:
    """Find all mistakes in a scene without running it.

    Reads the scene, what its FMUs say about themselves, and what its plugins declare. Exit code 2 for
    mistakes.
    """
    from crumple.scene import load_scene

    plan = load_scene(scene, set=assignments(set_ or []))
    screen = Screen()
    for text in plan.warnings:
        screen.line(f"{screen.style('warning', 'warning')}  {text}")
    live = {"sensor": plan.sensors, "actuator": plan.actuators, "rig": plan.rigs, "fault": plan.faults}
    facts = [
        wording.count(len(plan.units), "unit"),
        *(wording.count(len(each), kind) for kind, each in live.items() if each),
        wording.count(len(plan.connections), "connection"),
        wording.count(len(plan.requirements), "requirement"),
        *([wording.count(len(plan.metrics), "metric")] if plan.metrics else []),
        *(["a timing budget"] if plan.timing is not None else []),
        wording.count(plan.stop_tick, "tick"),
    ]
    screen.line(f"{screen.style(plan.name, 'bold')}   {' · '.join(facts)}")
    screen.line("No mistakes.")
    return 0
