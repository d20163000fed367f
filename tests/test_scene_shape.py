"""The shape of a scene: models, JSON Schema, and that the one stands for the other."""

from __future__ import annotations

import copy
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crumple.errors import SceneError
from crumple.scene import bundled_scenes, load_scene, schema
from crumple.scene.model import SceneFile, build_schema
from crumple.scene.shape import fits, prune, shape_faults

BROKEN = Path(__file__).parent / "broken"
GOOD = """
crumple = 1
title = "all that there is"
description = "..."
include = ["a.toml"]

[clock]
period = "100 us"
stop = 0.15
start = "-10 ms"
seed = 3
threads = 2
mode = "realtime"

[parameters]
speed = { default = "57.09 km/h", min = "5 km/h", max = "80 km/h", doc = "at contact" }
mass = 1719
armed = true
table = [[1, 2], [3.5, 4]]

[units.vehicle]
fmu = "vehicle_crush"
start = { speed = "$speed", curve = "$table", mode = "Sport", on = true }
record = "crush_*"
allow_nonfinite = ["crush"]
allow_warnings = true
tell_stop = true
strict = false
isolate = true
step_timeout = "2 s"
limits = { memory = "512 MiB", file_size = 0, processes = false, network = true }

[isolation]
isolate = false
step_timeout = 20
limits.memory = 4_000_000_000

[units.controller]
plugin = "controller.py:Controller"
every = 5
with = { threshold = "1.1 m/s", list = [1, "2 m"] }

[units.sensor]
plugin = "sensor"
period = "1 ms"

[connect]
"controller.acceleration" = "vehicle.acceleration"
"sensor.x" = { from = "vehicle.crush", same_tick = true, scale = 2, offset = -1.5 }

[[record]]
signals = ["vehicle.*"]
every = 2
[[record]]
signals = "controller.fire"
period = "1 ms"

[requirements.head]
metric = "hic15(occupant.head_acceleration)"
max = 700.0
when = "speed > 20 km/h"
doc = "FMVSS 208"

[requirements.crush]
signal = "vehicle.crush"
min = "-1 mm"
max = "0.8 m"
from = 0
until = "150 ms"

[requirements.fire]
signal = "controller.fire"
equals = true
within = 0.1
at = "end"

[requirements.timing]
missed_max = "0.1 %"
slips_max = 0
late_p99_max = "200 us"
age_p99_max = 0.002
doc = "of the bench"

[faults.stuck]
on = "controller.acceleration"
kind = "stuck_at"
value = "10 m/s^2"
from = "12 ms"
until = 0.04
doc = "a loose plug"

[faults.by_hand]
on = "controller.armed"
kind = "bias"
value = true
manual = true

[pacing]
speed = 0.5
strict = true
catch_up = 0
grace = "50 ms"
spin = 0
fifo = false
locked = false

[keys]
secret = "keys/bench.key_secret"

[sensors.front]
zmq = "tcp://10.0.0.7:5555"
bind = false
key = "keys/rig.key"
channels = { acceleration = "m/s^2", on = { kind = "boolean", start = true, substitute = false, si = "1" } }
max_age = "5 ms"
stop_age = 1
policy = "substitute"
queue = true
every = 2
required = false
start_timeout = "3 s"
stale_max = "1 %"
lost_max = 3

[sensors.wheel]
rig = "ecu"
channels.speed = "m/s"

[actuators.squib]
zmq = "tcp://127.0.0.1:5556"
key = ["keys/rig.key", "keys/other.key"]
every = 5

[actuators.squib.channels]
fire = { from = "controller.fire", safe = 0.0, kind = "boolean", same_tick = false }
level = "controller.level"
force = { from = "vehicle.force", si = "N", scale = 2, offset = 0.5 }

[rigs.ecu]
zmq = "ipc:///tmp/rig"
timeout = "2 s"
bind = true
key = "keys/rig.key"

[view]
camera = { zoom = 3 }
"""


def accepted(tree: Any) -> bool:
    """Whether the JSON Schema takes a document."""
    document = schema()
    return fits(tree, document, document["$defs"])


def valid(tree: Any) -> bool:
    """Whether the models take it."""
    try:
        SceneFile.model_validate(tree)
    except ValidationError:
        return False
    return True


def test_the_schema_that_is_shipped_is_that_of_the_models() -> None:
    assert schema() == build_schema(), "run: python -m crumple.scene.model > python/crumple/scene/schema.json"


def test_a_scene_with_everything_is_accepted() -> None:
    tree = tomllib.loads(GOOD)
    assert accepted(tree)
    assert valid(tree)
    assert shape_faults(tree) == []


def test_every_key_is_described() -> None:
    document = schema()
    for table in [document, *document["$defs"].values()]:
        for key, of_key in table.get("properties", {}).items():
            assert of_key.get("description") or key == "clock", key


def test_only_keywords_that_are_looked_at_are_used() -> None:
    looked_at = (
        "$defs $ref additionalProperties anyOf const enum items maximum minimum minProperties oneOf pattern"
    )
    looked_at += " patternProperties properties required type"
    for_readers = "$schema default description title"

    def used(node: Any, names: bool = False) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from used(item)
        elif isinstance(node, dict):
            for key, value in node.items():
                if not names:
                    yield key
                are_names = not names and key in ("$defs", "properties", "patternProperties")
                yield from used(value, are_names)

    assert set(used(schema())) <= {*looked_at.split(), *for_readers.split()}


def test_the_schema_is_valid_and_says_the_same_elsewhere() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    assert validator.is_valid(tomllib.loads(GOOD))
    for path in bundled_scenes().values():
        assert validator.is_valid(tomllib.loads(path.read_text(encoding="utf-8"))), path.name
    for path in BROKEN.glob("shape_*.toml"):
        assert not validator.is_valid(tomllib.loads(path.read_text(encoding="utf-8"))), path.name


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield (*path, key)
            yield from _places(value, (*path, key))


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3) | st.just(2**63) | st.just(2**63 - 1),
    st.floats(),
    st.sampled_from(
        ["", "1 ms", "x.y", "end", "a b", "1.5 kg", "60 Hz", "tank.*", "tank.level", "a\n", "[1]", "2 GiB"]
    ),
    st.lists(st.integers() | st.text(max_size=2), max_size=2),
    st.dictionaries(
        st.sampled_from(["from", "default", "fmu", "x", "a b", "a.b"]), st.integers(), max_size=2
    ),
)
Edit = tuple[tuple[Any, ...], str, Any]


def _edits(text: str) -> st.SearchStrategy[list[Edit]]:
    """Keys to be changed, taken out and added."""
    places = st.sampled_from(list(_places(tomllib.loads(text))))
    acts = st.sampled_from(["set", "remove", "add"])
    return st.lists(st.tuples(places, acts, _VALUES), min_size=1, max_size=3)


def _edited(text: str, edits: list[Edit]) -> dict[str, Any]:
    tree = copy.deepcopy(tomllib.loads(text))
    for path, act, value in edits:
        node: Any = tree
        try:
            for part in path[:-1]:
                node = node[part]
            if act == "set":
                node[path[-1]] = copy.deepcopy(value)
            elif act == "remove":
                del node[path[-1]]
            else:
                node["from"] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    return tree


@settings(max_examples=200, deadline=None)
@given(_edits(GOOD))
def test_what_the_schema_accepts_the_models_accept(edits: list[Edit]) -> None:
    tree = _edited(GOOD, edits)
    if accepted(tree):
        assert valid(tree)


@settings(max_examples=150, deadline=None)
@given(_edits(GOOD))
def test_without_its_faults_a_document_has_no_others_but_missing_keys(edits: list[Edit]) -> None:
    tree = _edited(GOOD, edits)
    prune(tree, shape_faults(tree))
    assert all("missing" in fault.text or "empty" in fault.text for fault in shape_faults(tree))


def _toml(value: Any) -> str:
    """A value in TOML. None cannot be said, and becomes a date."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "2026-11-21"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


SECRET = Path(tempfile.mkdtemp(prefix="crumple-keys-")) / "bench.key_secret"
WHOLE = f"""
crumple = 1
title = "a tank"

[clock]
period = "1 ms"
stop = "1 s"
mode = "realtime"

[parameters]
height = {{ default = "2 m", min = "1 m", max = "300 cm" }}
steps = 2
age = "5 ms"

[units.tank]
fmu = "{BROKEN / "tank"}"
start = {{ height = "$height", "outer.mode" = "Open" }}
record = "wall.*"
every = "$steps"
tell_stop = true
isolate = true
limits = {{ memory = "512 MiB", network = false }}

[isolation]
step_timeout = "2 s"
limits = {{ file_size = 1000 }}

[units.sensor]
plugin = "{BROKEN / "parts.py"}:Sensor"
period = "2 ms"

[units.controller]
plugin = "{BROKEN / "parts.py"}:Controller"
with = {{ threshold = "4 km/h", armed = false }}

[connect]
"controller.acceleration" = "sensor.reading"
"sensor.acceleration" = "front.acceleration"
"squib.hand" = {{ from = "front.acceleration", same_tick = false }}
"sensor.wheels" = {{ from = "sensor.speeds", same_tick = false }}
"sensor.mass" = {{ from = "tank.level", scale = 2, same_tick = true }}

[[record]]
signals = ["tank.*", "tank.wall.stress"]
every = 2

[requirements.level]
signal = "tank.level"
max = "2 m"
min = 0
from = "0.1 s"
until = "0.2 s"
when = "height > 1 m"

[requirements.reading]
metric = "max(cfc60(sensor.reading))"
equals = "1 g"
within = "0.1 g"

[requirements.timing]
missed_max = "1 %"
age_p99_max = "$age"

[pacing]
speed = 2
grace = "$age"

[sensors.front]
zmq = "tcp://127.0.0.1:5555"
channels = {{ acceleration = "m/s^2", gear = {{ kind = "integer", start = 1 }} }}
max_age = "$age"
stop_age = "1 s"
policy = "substitute"

[actuators.squib]
zmq = "tcp://*:5556"
bind = true
key = ["{BROKEN / "peer.key"}"]

[actuators.squib.channels]
fire = {{ from = "controller.fire", safe = 1 }}
level = "tank.level"
speed = "sensor.speeds[1]"
hand = {{ si = "m/s^2" }}

[faults.stuck]
on = "sensor.acceleration"
kind = "stuck_at"
value = "1 g"
from = "12 ms"
until = "40 ms"

[faults.bent]
on = "squib.level"
kind = "bias"
value = "1 mm"
manual = true

[keys]
secret = "{SECRET}"
"""


@pytest.fixture(autouse=True, scope="module")
def keys() -> Iterator[None]:
    SECRET.write_text(
        'curve\n    public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"\n'
        '    secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"\n'  # the test vectors of libzmq's manual
    )
    SECRET.chmod(0o600)
    yield
    shutil.rmtree(SECRET.parent)


def test_the_scene_to_be_edited_is_whole(tmp_path: Path) -> None:
    (tmp_path / "whole.toml").write_text(WHOLE, encoding="utf-8")
    scene = load_scene(tmp_path / "whole.toml")
    assert len(scene.requirements) == 2
    assert (len(scene.sensors), len(scene.actuators), len(scene.faults)) == (1, 1, 2)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_edits(WHOLE))
def test_no_document_does_worse_than_a_scene_error(edits: list[Edit], tmp_path: Path) -> None:
    """Whatever stands in the file: mistakes, each in a line of the file, and never a crash."""
    tree = _edited(WHOLE, edits)
    text = "\n".join(f"{_text(key)} = {_toml(value)}" for key, value in tree.items() if key != "include")
    path = tmp_path / "edited.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        scene = load_scene(path)
    except SceneError as error:
        lines = text.count("\n") + 1
        assert error.mistakes
        assert all(m.line is not None and 1 <= m.line <= lines for m in error.mistakes)
    else:
        assert scene.stop_tick >= 1


_SETTINGS = st.dictionaries(
    st.sampled_from(
        ["height", "steps", "tank.height", "tank.level", "controller.threshold", "controller.armed", "x", "."]
    ),
    _VALUES | st.text(max_size=4),
    min_size=1,
    max_size=3,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=_SETTINGS)
def test_nothing_that_is_set_does_worse_than_a_scene_error(given_: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "whole.toml"
    path.write_text(WHOLE, encoding="utf-8")
    try:
        load_scene(path, set=given_)
    except SceneError as error:
        assert all(m.where.startswith("--set ") and m.line is None for m in error.mistakes)
