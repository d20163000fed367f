"""Faults while a run goes on: what is injected from outside, and what is told of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crumple.errors import UsageError

if TYPE_CHECKING:
    from crumple.run_folder import RunFolder
    from crumple.scene import Scene
    from crumple.tape import Command
    from crumple.world import World

_MOST_TOLD = 200  # events of one fault, which may come and go at every tick


def injections(given: Sequence[str], scene: Scene) -> list[Command]:
    """What `--inject NAME` and `--inject NAME@12ms` mean, in the order of their ticks.

    Without a time, a fault that says when it acts does so then, and any other acts from the start.
    Raises UsageError for a name that is no fault of the scene, and for a time that is not within the run.
    """
    from crumple.scene.clock import TimeError, exact_time, time_text
    from crumple.scene.text import did_you_mean, listed
    from crumple.tape import Command

    names = [fault.name for fault in scene.faults]
    commands = []
    for text in given:
        name, at, time = text.partition("@")
        if name not in names:
            near = did_you_mean(name, names) or (f" There are: {listed(names)}." if names else "")
            raise UsageError(f'--inject {text}: this scene has no fault "{name}".{near}')
        if not at:
            commands.append(Command(0, "arm", {"fault": name}))
            continue
        try:
            moment = exact_time(time)
        except TimeError as error:
            raise UsageError(f"--inject {text}: {error}") from None
        if not scene.start <= moment < scene.stop:
            run = f"the run goes from {time_text(scene.start)} to {time_text(scene.stop)}"
            raise UsageError(f"--inject {text}: {run}.")
        tick = math.ceil((moment - scene.start) / scene.period)
        commands.append(Command(tick, "inject", {"fault": name}))
    return sorted(commands, key=lambda command: command.tick)


def recorded(world: World, scene: Scene, commands: Sequence[Command]) -> list[str]:
    """The signals that tell of faults and are worth recording: not those of faults that are off."""
    named = {str(command.args.get("fault")) for command in commands}
    asleep = {fault.name for fault in scene.faults if fault.off} - named
    return [name for name in world.fault_signals() if name.split(".")[1] not in asleep]


class FaultLog:
    """When the faults of a run began and were over: for events.jsonl and the verdict."""

    def __init__(self, scene: Scene, world: World, folder: RunFolder) -> None:
        self._scene, self._world, self._folder = scene, world, folder
        self._times: dict[str, list[dict[str, float]]] = {fault.name: [] for fault in scene.faults}
        self._told: dict[str, int] = {}

    def tell(self) -> None:
        """Write down what has happened since the last call."""
        if not self._times:
            return
        for name, tick, began in self._world.take_fault_events():
            t = float(self._scene.start + tick * self._scene.period)
            times = self._times[name]
            told = self._told[name] = self._told.get(name, 0) + 1
            if began and len(times) < _MOST_TOLD:
                times.append({"from": t})
            elif not began and times and "until" not in times[-1]:
                times[-1]["until"] = t
            if told > 2 * _MOST_TOLD:
                continue
            self._folder.event("fault", fault=name, do="begins" if began else "ends", tick=tick, t=t)
            if told == 2 * _MOST_TOLD:
                text = f"fault {name} comes and goes; no more of it is told here, and all is in its signals"
                self._folder.event("warning", text=text)

    def to_json(self) -> list[dict[str, Any]]:
        """For the verdict: each fault with what it is for, and when it acted."""
        found = []
        for fault in self._scene.faults:
            facts: dict[str, Any] = {"name": fault.name, "on": fault.on, "kind": fault.kind}
            facts |= {key: value for key in ("id", "doc") if (value := getattr(fault, key))}
            if fault.tags:
                facts["tags"] = dict(fault.tags)
            found.append({**facts, "acted": self._times[fault.name]})
        return found
