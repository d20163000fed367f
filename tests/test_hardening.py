"""What hostile or careless units, FMUs and callers do, and what Crumple makes of it."""

from __future__ import annotations

import gc
import json
import locale
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.cli.app import invoke
from crumple.errors import StepError, UsageError
from crumple.fmu import Fmu
from crumple.simulation import simulate
from crumple.unit import Input, Moment, Output, Unit
from crumple.world import World
from fmu_build import binaries_folder, build_fmu, c_compiler, library_suffix

H = 0.125  # [s], and a power of two: sums of it are exact


class Adder(Unit):
    """Adds one to each element, and keeps all arrays that it was shown."""

    x = Input("1", shape=3)
    y = Output("1", shape=3)

    def reset(self) -> None:
        self.kept: list[Any] = []

    def step(self, now: Moment) -> None:
        self.y[:] = self.x + 1.0
        self.kept += [self.x, self.x[1:], self.y]


class Caller(Unit):
    """Calls `act` in its step."""

    y = Output("1")
    act: Any = None

    def step(self, now: Moment) -> None:
        self.y = now.t
        Caller.act()


def world_of(*units: Any, **options: Any) -> World:
    """A world of units named u0, u1, ..."""
    world = World(period=H, **options)
    for i, unit in enumerate(units):
        world.add(f"u{i}", unit)
    return world


# ---- arrays of a plugin


def test_arrays_that_a_plugin_keeps_outlive_the_world() -> None:
    unit = Adder()
    world = world_of(unit, Adder())
    world.connect("u1.y", "u0.x")
    world.reset()
    world.step(2)
    kept = unit.kept
    assert kept[0].tolist() == [1.0, 1.0, 1.0]
    del world
    gc.collect()
    refill = [np.full(6, 7.0) for _ in range(1000)]  # takes the place of what was freed
    assert (kept[0].tolist(), kept[1].tolist(), kept[2].tolist()) == ([1.0] * 3, [1.0] * 2, [2.0] * 3)
    kept[2][:] = 5.0  # and may be written without harm
    assert refill[0][0] == 7.0


def test_a_plugin_in_a_second_world_sees_the_inputs_of_that_one() -> None:
    unit = Adder()
    first, second = world_of(unit), world_of(unit)
    for world, value in ((first, 1.0), (second, 10.0)):
        world.reset()
        world["u0.x"] = [value] * 3
        world.step()
        assert world["u0.y"].tolist() == [value + 1.0] * 3
    first.step()  # the instance still holds what the second world gave it
    assert first["u0.y"].tolist() == [2.0] * 3


def test_a_restored_world_shows_a_plugin_the_arrays_of_then() -> None:
    unit = Adder()
    world = world_of(unit)
    world.reset()
    world["u0.x"] = [1.0, 2.0, 3.0]
    world.step()
    snapshot = world.snapshot()
    world["u0.x"] = [4.0, 5.0, 6.0]
    world.step()
    world.restore(snapshot)
    assert (unit.x.tolist(), unit.y.tolist()) == ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])


# ---- calls that come at the wrong time


@pytest.mark.parametrize("call", ["step", "reset", "end", "snapshot"])
def test_a_unit_cannot_drive_its_own_world_from_within_a_step(call: str) -> None:
    world = world_of(Caller)
    world.reset()
    Caller.act = getattr(world, call)
    with pytest.raises(
        StepError, match=rf"UsageError: {call}\(\): the world is in the middle of another call"
    ):
        world.step(3)
    assert world.tick == 0
    Caller.act = lambda: world["u0.y"]  # reading is no harm
    world.reset()
    world.step(3)
    assert world.tick == 3


def test_two_threads_cannot_step_one_world_at_a_time() -> None:
    world = world_of(Fmu(build_fmu("plain2")), threads=1)
    world.reset()
    refused: list[BaseException] = []

    def step() -> None:
        try:
            for _ in range(20):
                world.step(10_000)
        except UsageError as error:
            refused.append(error)

    threads = [threading.Thread(target=step) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("in the middle of another call" in str(error) for error in refused)
    assert world.tick == world["u0.n"] > 0  # no step was lost or done twice
    world.step()


def test_a_snapshot_fits_only_a_world_of_the_same_units_and_clock() -> None:
    def adders(*names: str, period: Any = H, start: float = 0.0) -> World:
        world = World(period=period, start=start)
        for name in names:
            world.add(name, Adder)
        world.reset()
        return world

    first = adders("a", "b")
    first["a.x"] = [1.0, 2.0, 3.0]
    first.step(2)
    snapshot = first.snapshot()
    twin = adders("a", "b")
    twin.restore(snapshot)
    twin.step(2)
    first.step(2)
    assert (twin.tick, twin.digest()) == (4, first.digest())
    for other in (adders("a", "c"), adders("a", "b", period=2 * H), adders("a", "b", start=1.0)):
        with pytest.raises(UsageError, match="a world of other units, or of another period or start"):
            other.restore(snapshot)
        other.step()  # untouched


# ---- recording


def test_a_recording_that_was_closed_takes_no_more_and_holds_nothing_up(tmp_path: Path) -> None:
    world = world_of(Adder)
    world.record(tmp_path / "signals")
    world.reset()
    world.step(5)
    world.end()
    world.reset()
    world.step(200_000)  # more rows than wait for a writer that is gone
    assert len(np.load(tmp_path / "signals.npy")) == 6


@contextmanager
def decimal_comma() -> Iterator[None]:
    """Within, C writes 0,5. Skips where no such locale is installed."""
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "nl_NL.UTF-8", "sv_SE.UTF-8"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
            break
        except locale.Error:
            continue
    else:
        pytest.skip("no locale with a decimal comma is installed")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


class Text(Unit):
    """Says the time."""

    said = Output(kind="string")

    def step(self, now: Moment) -> None:
        self.said = f"{now.tick}"
        if now.tick == 4:
            raise ValueError("enough")


def test_a_locale_that_an_fmu_left_behind_changes_no_file_and_no_message(tmp_path: Path) -> None:
    world = world_of(Text)
    recorder = world.record(tmp_path / "signals")
    with decimal_comma():
        world.reset()
        with pytest.raises(StepError, match=r"at t = 0\.5 s \(tick 4\)"):
            world.step(8)
        recorder.close()
    lines = [json.loads(line) for line in (tmp_path / "signals.jsonl").read_text().splitlines()]
    assert [line["t"] for line in lines] == [0.0, 0.125, 0.25, 0.375, 0.5]


# ---- FMUs


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_fmu_that_shows_nothing_before_its_first_step_runs_alone(fmi: int) -> None:
    table = simulate(build_fmu(f"shy{fmi}"), stop=1.0, step=H)
    assert table["y"].tolist() == [H * n for n in range(9)]
    world = world_of(Fmu(build_fmu(f"plain{fmi}")), Fmu(build_fmu(f"shy{fmi}")))
    world.connect("u0.y", "u1.u")  # nobody needs its outputs before the first step
    world.reset()
    world.step(2)
    assert world["u1.y"] == 0.0 * H + H * H
    other = world_of(Fmu(build_fmu(f"plain{fmi}")), Fmu(build_fmu(f"shy{fmi}")))
    other.connect("u1.y", "u0.u")  # but here u0 does
    with pytest.raises(StepError, match="no value is known before the first step"):
        other.reset()


@pytest.mark.parametrize("fmi", [2, 3])
def test_what_is_no_number_before_the_first_step_is_not_passed_on(fmi: int) -> None:
    world = world_of(Fmu(build_fmu(f"unsure{fmi}")), Fmu(build_fmu(f"plain{fmi}")))
    world.connect("u0.y", "u1.u")
    world.reset()
    assert world["u0.y"] == 0.0  # known once initialization is over
    world.step(3)
    assert (world["u0.y"], world["u1.y"]) == (3 * H, (0.0 + H + 2 * H) * H)


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_fmu_without_terminate_and_free_runs(fmi: int) -> None:
    world = world_of(Fmu(build_fmu(f"no_end{fmi}")))
    for _ in range(2):
        world.reset()
        world.step(8)
        assert world["u0.y"] == 1.0
        world.end()


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_warning_says_how_to_allow_it(fmi: int) -> None:
    world = world_of(Fmu(build_fmu(f"step_warning{fmi}")))
    world.reset()
    with pytest.raises(StepError, match=r"Where that is harmless, allow its warnings\."):
        world.step(4)


# an FMU in Python takes the lock of the interpreter in whose process it is: ours
INTERPRETER = """
import sys
from crumple import Fmu, Output, Unit, World

class Idle(Unit):
    y = Output("1")
    def step(self, now): self.y = now.t

for plugins in (0, 1):
    world = World(period=0.125, threads=2, _everywhere=True)
    for i in range(3):
        world.add(f"u{i}", Fmu(sys.argv[1]))
    for i in range(plugins):
        world.add(f"p{i}", Idle)
    for _ in range(2):
        world.reset()
        world.step(8)
        assert [world[f"u{i}.y"] for i in range(3)] == [1.0] * 3
    assert {view.thread for view in world.unit_views()} == {0}
    del world
print("done")
"""


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_fmu_that_runs_python_stays_on_the_thread_that_holds_the_interpreter(fmi: int) -> None:
    path = str(build_fmu(f"takes_gil{fmi}"))
    command = [sys.executable, "-c", INTERPRETER, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def edited(name: str, folder: Path, *edits: tuple[str, str]) -> Path:
    """A copy of a test FMU with replacements in its description."""
    path = folder / "edited.fmu"
    with zipfile.ZipFile(build_fmu(name)) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry == "modelDescription.xml":
                text = content.decode()
                for was, becomes in edits:
                    assert was in text, was
                    text = text.replace(was, becomes, 1)
                content = text.encode()
            new.writestr(entry, content)
    return path


def test_of_two_variables_of_one_name_the_first_counts(tmp_path: Path) -> None:
    twice = '<ScalarVariable name="y" valueReference="3" causality="output"><Real/></ScalarVariable>'
    path = edited("plain2", tmp_path, ("</ModelVariables>", f"{twice}</ModelVariables>"))
    table = simulate(path, stop=1.0, step=H)
    assert table.dtype.names == ("time", "y", "n")
    assert table["y"][-1] == 1.0
    world = world_of(Fmu(path))
    assert [port.name for port in world.outputs("u0")] == ["y", "n"]


def test_a_start_value_that_is_no_number_is_left_to_the_fmu(tmp_path: Path) -> None:
    path = edited("plain2", tmp_path, ('<Real start="1"', '<Real start="1.#QNAN"'))
    assert any("1.#QNAN" in text for text in Fmu(path).description.warnings)
    assert simulate(path, stop=1.0, step=H)["y"][-1] == 1.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names libraries as Linux does")
def test_libraries_beside_the_fmus_own_are_found(tmp_path: Path) -> None:
    (tmp_path / "needed.c").write_text("double needed(void) { return 1.0; }\n")
    for name, flags in (("libneeded.so", ["needed.c"]), ("libfirst.so", ["needed.c", "-L.", "-lneeded"])):
        command = [*c_compiler().split(), "-shared", "-fPIC", "-Wl,--no-as-needed", f"-Wl,-soname,{name}"]
        subprocess.run([*command, "-o", name, *flags], cwd=tmp_path, check=True)
    source = Path(__file__).parent / "fmus" / "odd2.c"
    include = Path(__file__).parents[1] / "cpp" / "include"
    own = f"plain2{library_suffix()}"
    command = [*c_compiler().split(), "-shared", "-fPIC", "-DODD=0", f"-I{include}", str(source), "-o", own]
    subprocess.run(
        [*command, "-pthread", "-Wl,--no-as-needed", "-L.", "-lfirst", "-lneeded", "-lm"],
        cwd=tmp_path,
        check=True,
    )
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(build_fmu("plain2")) as archive:
        archive.extractall(folder)
    (library,) = (folder / "binaries" / binaries_folder(2)).iterdir()
    shutil.copy(tmp_path / own, library)
    for name in ("libneeded.so", "libfirst.so"):
        shutil.copy(tmp_path / name, library.parent)
    world = world_of(Fmu(folder))
    world.reset()
    world.step(8)
    assert world["u0.y"] == 1.0


# ---- what units print

SCENE = """
crumple = 1
[clock]
period = "125 ms"
stop = "1 s"
[units.fmu]
fmu = "{fmu}"
[units.plugin]
plugin = "talker.py:Talker"
"""
TALKER = """
import os
from crumple import Output, Unit

class Talker(Unit):
    y = Output("1")
    def step(self, now):
        print("a word of the plugin")
        os.write(1, b"a word past Python\\n")
        self.y = now.t
"""


def test_what_units_print_does_not_spoil_the_json(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scene.toml").write_text(SCENE.format(fmu=build_fmu("prints2")))
    (tmp_path / "talker.py").write_text(TALKER)
    monkeypatch.chdir(tmp_path)
    assert invoke(["run", "scene.toml", "--json"]) == 0
    os.write(1, b"")
    shown = capfd.readouterr()
    assert json.loads(shown.out)["verdict"] == "done"
    for word in ("a word of the plugin", "a word past Python"):
        assert word in shown.err
    # what an FMU prints in its worker is kept, and told once
    (events,) = tmp_path.glob("runs/*/events.jsonl")
    texts = [json.loads(line).get("text", "") for line in events.read_text().splitlines()]
    assert any('the last line: "a word on standard output"' in text for text in texts)
