"""Finding plugins: installed ones by entry point, others by file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from crumple import plugins
from crumple.errors import PluginError
from crumple.plugins import available_units, find_unit

UNIT = """
from crumple import Output, Unit
class {name}(Unit):
    y = Output()
    def step(self, now):
        self.y = 1.0
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretends that exactly these plugins are installed: (name, "module:Class") each."""

    def install(*entries: tuple[str, str]) -> None:
        listed = [EntryPoint(name, value, plugins.GROUP) for name, value in entries]
        monkeypatch.setattr(plugins, "entry_points", lambda *, group: listed)
        monkeypatch.setattr(plugins, "_bundled_target", lambda name: None)  # reads the disk itself

    return install


def test_the_bundled_plugins_are_known_by_name() -> None:
    assert {"airbag_controller", "crash_sensor"} <= set(available_units())
    assert find_unit("airbag_controller").__name__ == "AirbagController"


def test_only_the_plugin_that_is_named_is_imported(
    installed: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wanted_plugin.py").write_text(UNIT.format(name="Wanted"))
    (tmp_path / "other_plugin.py").write_text("raise SystemError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    installed(("wanted", "wanted_plugin:Wanted"), ("other", "other_plugin:Other"))
    assert sorted(available_units()) == ["other", "wanted"]
    assert find_unit("wanted").__name__ == "Wanted"
    assert "other_plugin" not in sys.modules


def test_a_plugin_that_pip_installed_takes_the_place_of_a_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plugins._bundled_target("airbag_controller") is not None
    assert plugins._bundled_target("nobody") is None
    folder = tmp_path / "our_controller-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: our-controller\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[crumple.units]\nairbag_controller = our_controller:Ours\n")
    (tmp_path / "our_controller.py").write_text(UNIT.format(name="Ours"))
    monkeypatch.syspath_prepend(tmp_path)
    assert plugins._bundled_target("airbag_controller") is None
    assert find_unit("airbag_controller").__name__ == "Ours"
    assert find_unit("crash_sensor").__name__ == "CrashSensor"


def test_looking_for_plugins_does_not_import_numpy() -> None:
    program = (
        "import sys; from crumple.plugins import available_units; available_units();"
        " print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_name_is_answered_with_the_nearest(installed: Callable[..., None]) -> None:
    installed(("radar", "a:A"), ("lidar", "b:B"))
    with pytest.raises(PluginError, match=r'no plugin "rader" is installed\. Did you mean "radar"\?'):
        find_unit("rader")
    with pytest.raises(PluginError, match=r"There are: lidar, radar\. A file beside the scene is"):
        find_unit("thermometer")
    installed()
    with pytest.raises(PluginError, match="There are: none"):
        find_unit("thermometer")


def test_an_installed_plugin_wins_over_a_bundled_one_and_two_installed_clash(
    installed: Callable[..., None],
) -> None:
    mine, other, bundled = ("radar", "mine:A"), ("radar", "other:A"), ("radar", "crumple.bundled.radar:A")
    installed(bundled, mine)
    assert available_units()["radar"].value == "mine:A"
    installed(mine, other)
    with pytest.raises(PluginError, match=r'two installed plugins are named "radar": mine:A and other:A'):
        available_units()


def test_what_is_no_unit_or_cannot_be_imported_is_refused(installed: Callable[..., None]) -> None:
    installed(("text", "string:Template"), ("gone", "no_such_module:A"))
    with pytest.raises(PluginError, match=r'plugin "text" is .*no subclass of crumple\.Unit'):
        find_unit("text")
    with pytest.raises(PluginError, match=r'"gone" \(no_such_module:A\) cannot be imported: ModuleNotFound'):
        find_unit("gone")


# -- files ------------------------------------------------------------------------------------------


def test_a_class_in_a_file_beside_the_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(UNIT.format(name="One") + UNIT.format(name="Two"))
    assert find_unit("mine.py:Two", beside=tmp_path).__name__ == "Two"
    assert find_unit(f"{tmp_path}/mine.py:One").__name__ == "One"
    monkeypatch.chdir(tmp_path)
    assert find_unit("mine.py:One") is find_unit("mine.py:One", beside=tmp_path)  # imported once


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for folder, name in [("a", "Left"), ("b", "Right")]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(UNIT.format(name=name))
    assert find_unit("mine.py:Left", beside=tmp_path / "a").__name__ == "Left"
    assert find_unit("mine.py:Right", beside=tmp_path / "b").__name__ == "Right"


def test_a_file_with_one_unit_needs_no_class(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(UNIT.format(name="Only"))
    assert find_unit("mine.py", beside=tmp_path).__name__ == "Only"
    (tmp_path / "both.py").write_text(UNIT.format(name="One") + UNIT.format(name="Two"))
    with pytest.raises(PluginError, match=r'both\.py defines 2 units; say which: "both\.py:Class"'):
        find_unit("both.py", beside=tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.py:One", r'plugin file ".*absent\.py" does not exist'),
        ("mine.py:Onne", r'mine\.py has no "Onne"\. Did you mean "One"\?'),
        ("mine.py:Zebra", r'mine\.py has no "Zebra"\. It has: .*One'),
        ("broken.py:One", r"broken\.py cannot be imported: SyntaxError: .*\(line 2\)"),
        ("raising.py:One", r"raising\.py cannot be imported: ZeroDivisionError"),
        ("mine.py:Output", r"no subclass of crumple\.Unit"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(UNIT.format(name="One"))
    (tmp_path / "broken.py").write_text("x = 1\nclass One(:\n")
    (tmp_path / "raising.py").write_text("1 / 0\n")
    with pytest.raises(PluginError, match=message):
        find_unit(name, beside=tmp_path)


def test_a_file_that_failed_is_tried_again_once_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("1 / 0\n")
    with pytest.raises(PluginError):
        find_unit("mine.py:One", beside=tmp_path)
    file.write_text(UNIT.format(name="One"))
    assert find_unit("mine.py:One", beside=tmp_path).__name__ == "One"
