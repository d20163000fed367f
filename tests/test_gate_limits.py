"""The gate: how large an FMU may be, and how a user allows more."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bent_fmu import CENTRAL, END, LOCAL, patched, xml_with
from crumple.archive import open_fmu
from crumple.cli.app import invoke
from crumple.description_xml import read_description
from crumple.errors import FmuError, UsageError
from crumple.gate import GateLimits, default_limits, limits_of
from paper_fmu import CONTENT, XML, fmu_bytes, forget, unpack_paper

pytestmark = pytest.mark.usefixtures("fmu_cache")


def figure(content: bytes, limits: GateLimits, tmp_path: Path) -> str:
    """What an FMU of that content is refused for, or "opened"."""
    path = tmp_path / "large.fmu"
    path.write_bytes(content)
    try:
        open_fmu(path, limits=limits)
    except FmuError as error:
        return str(error).removeprefix(f"{path}: ")
    return "opened"


def advice(name: str, more: str, number: str = "") -> str:
    return (
        f'If you trust this FMU, allow more: CRUMPLE_LIMITS="{name}={more}" in the environment, or '
        f"limits=GateLimits({name}={number or more}) in Python."
    )


ELEMENTS = XML.count("<") + XML.count("=")
ZEROS = {"resources/zeros": bytes(65 * 2**20)}
DEEP = xml_with("<ModelStructure>", f"<a>{'<b>' * 50}{'</b>' * 50}</a><ModelStructure>").decode()
LONG = xml_with('"Lag"', f'"{"x" * 5000}"').decode()

# name of the limit: an FMU, the largest limit that refuses it, what is said
CAPS: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "archive": (
        lambda: fmu_bytes({"a": os.urandom(30_000)}).ljust(40_000, b"\0"),
        39_999,
        f"the archive has 40,000 bytes, more than the 39,999 allowed. {advice('archive', '41000', '41_000')}",
    ),
    "members": (
        lambda: fmu_bytes({"a/b/c/d": "x"}),
        7,
        f"the archive holds 8 files and folders, more than the 7 allowed. {advice('members', '9')}",
    ),
    "unpacked": (
        lambda: fmu_bytes({"a": bytes(2**21)}),
        2**21,
        f"the archive would unpack to {2**21 + len(XML) + len(CONTENT):,} bytes, more than the 2,097,152 allowed. "
        f"{advice('unpacked', '3MiB', '3 * 2**20')}",
    ),
    "ratio": (
        lambda: fmu_bytes(ZEROS),
        200,
        "the archive would unpack to 1,023 times its size, like a decompression bomb, more than the 200 allowed. "
        f"{advice('ratio', '1100', '1_100')}",
    ),
    "xml": (
        fmu_bytes,
        len(XML) - 1,
        f"modelDescription.xml has {len(XML)} bytes, more than the {len(XML) - 1} allowed. "
        f"{advice('xml', str(len(XML) // 10 * 10 + 10))}",
    ),
    "elements": (
        fmu_bytes,
        ELEMENTS - 1,
        f"modelDescription.xml has {ELEMENTS} elements and attributes, more than the {ELEMENTS - 1} allowed. "
        f"{advice('elements', str(ELEMENTS + 1))}",
    ),
    "depth": (
        lambda: fmu_bytes(xml=DEEP),
        51,
        f"modelDescription.xml has elements nested 52 deep, more than the 51 allowed. {advice('depth', '53')}",
    ),
    "attribute": (
        lambda: fmu_bytes(xml=LONG),
        4999,
        "modelDescription.xml has an attribute of 5,000 characters, more than the 4,999 allowed. "
        f"{advice('attribute', '5100', '5_100')}",
    ),
    "variables": (
        fmu_bytes,
        1,
        f"modelDescription.xml has 2 variables, more than the 1 allowed. {advice('variables', '3')}",
    ),
}


@pytest.mark.parametrize("name", GateLimits.__struct_fields__)
def test_each_limit_says_what_it_met_and_how_to_raise_it(name: str, tmp_path: Path, fmu_cache: Path) -> None:
    build, limit, message = CAPS[name]
    content = build()
    assert figure(content, limits_of(f"{name}={limit}"), tmp_path) == message
    assert not fmu_cache.exists()
    raised = message.partition('CRUMPLE_LIMITS="')[2].partition('"')[0]
    assert figure(content, limits_of(raised), tmp_path) == "opened"


def test_an_fmu_that_came_in_under_wider_limits_does_not_pass_narrower_ones(tmp_path: Path) -> None:
    content = fmu_bytes({"resources/a": "x" * 5000})
    assert figure(content, GateLimits(), tmp_path) == "opened"
    for forgetful in (False, True):
        if forgetful:
            forget()
        for name, limit in {"members": 3, "unpacked": 5000, "variables": 1, "depth": 2, "xml": 9}.items():
            assert f"more than the {limit:,} allowed" in figure(
                content, limits_of(f"{name}={limit}"), tmp_path
            )
    assert figure(content, GateLimits(members=6), tmp_path) == "opened"


def test_a_bomb_that_overstates_its_packed_size_is_refused(tmp_path: Path) -> None:
    content = fmu_bytes(ZEROS)
    large = struct.pack("<L", 2**24)
    content = patched(patched(content, CENTRAL, 20, large), LOCAL, 18, large)
    assert "reaches beyond the archive's contents" in figure(content, GateLimits(), tmp_path)


@pytest.mark.parametrize("stated", [0, 2])
def test_members_are_counted_and_not_believed(stated: int, tmp_path: Path) -> None:
    content = patched(fmu_bytes({f"{i}": "" for i in range(50)}), END, 10, struct.pack("<H", stated))
    assert "holds 11 files and folders, more than the 10 allowed" in figure(
        content, limits_of("members=10"), tmp_path
    )


def test_a_table_of_members_as_large_as_the_archive_is_not_read(tmp_path: Path) -> None:
    names = {f"{i:04}{'x' * 200}": "" for i in range(50)}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            added = zipfile.ZipInfo(name)
            added.comment = b"c" * 50_000
            file.writestr(added, "")
    said = figure(held.getvalue(), limits_of("members=100"), tmp_path)
    assert (
        said.startswith("the archive's table of members has 2,51")
        and "more than 1,024 for each of the 100" in said
    )


def test_the_parsers_own_limits_are_told_in_the_same_words() -> None:
    deep = xml_with("<ModelStructure>", "<b>" * 300 + "</b>" * 300 + "<ModelStructure>")
    with pytest.raises(FmuError, match=r"elements nested 256 deep, more than the 100 allowed.*depth=260"):
        read_description(deep)
    described = read_description(deep, limits=GateLimits(depth=310))
    assert len(described.variables) == 2
    long = xml_with('"Lag"', f'"{"x" * 11_000_000}"')
    with pytest.raises(
        FmuError, match=r"attribute of 10,000,000 characters, more than the 5,000,000 allowed"
    ):
        read_description(long)
    assert len(read_description(long, limits=GateLimits(attribute=12_000_000)).model_name) == 11_000_000


def test_limits_are_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_limits() == GateLimits()
    monkeypatch.setenv("CRUMPLE_LIMITS", "members=50000, unpacked=20GiB; ratio=1k xml=3MB")
    assert default_limits() == GateLimits(members=50_000, unpacked=20 * 2**30, ratio=1000, xml=3_000_000)
    path = tmp_path / "lag.fmu"
    path.write_bytes(fmu_bytes())
    monkeypatch.setenv("CRUMPLE_LIMITS", "variables=1")
    with pytest.raises(FmuError, match="has 2 variables, more than the 1 allowed"):
        open_fmu(path)
    monkeypatch.delenv("CRUMPLE_LIMITS")
    assert len(open_fmu(path).description.variables) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("member=5", 'CRUMPLE_LIMITS: there is no limit "member". Did you mean "members"?'),
        ("speed=5", 'CRUMPLE_LIMITS: there is no limit "speed". There are: archive, members, unpacked, '),
        (
            "members",
            'CRUMPLE_LIMITS: "members" is no limit. Write a whole number from 1, as in members=50000',
        ),
        ("members=0", '"members=0" is no limit'),
        ("members=-5", '"members=-5" is no limit'),
        ("members=1.5", '"members=1.5" is no limit'),
        ("unpacked=5 GiB", 'there is no limit "GiB"'),
        ("unpacked=5XB", '"unpacked=5XB" is no limit'),
    ],
)
def test_limits_that_cannot_be_read_are_named(
    text: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as refused:
        limits_of(text)
    assert says in str(refused.value)
    monkeypatch.setenv("CRUMPLE_LIMITS", text)
    assert invoke(["info", "vehicle_linear"]) == 2
    assert says in capsys.readouterr().err


def test_limits_in_python_are_whole_numbers() -> None:
    for value in (0, -1, 1.5, True, "5GiB"):
        with pytest.raises(UsageError, match="GateLimits: members is a whole number from 1"):
            GateLimits(members=value)


SCENE = """
crumple = 1
[clock]
period = "1 ms"
stop = "1 s"
[units.car]
fmu = "large.fmu"
"""


@pytest.mark.parametrize(
    "command", ["info large.fmu", "simulate large.fmu", "check scene.toml", "run scene.toml"]
)
def test_every_command_honours_the_limits(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large.fmu").write_bytes(fmu_bytes())
    (tmp_path / "scene.toml").write_text(SCENE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRUMPLE_LIMITS", "members=3")
    assert invoke(command.split()) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "holds 4 files and folders, more than the 3 allowed" in shown
    assert 'CRUMPLE_LIMITS="members=5" in the environment' in shown


# ---- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpack_paper(tmp_path / "unpacked")


def test_the_limits_hold_for_folders(folder: Path) -> None:
    for name, says in {
        "members": "the folder holds 6 files and folders, more than the 5 allowed",
        "unpacked": "the folder holds 1,",
        "xml": "modelDescription.xml has",
        "variables": "has 2 variables, more than the 1 allowed",
    }.items():
        limit = {"members": 5, "variables": 1}.get(name, 50)
        if name != "members":
            open_fmu(folder)  # known by now, and refused all the same
        with pytest.raises(FmuError, match=says):
            open_fmu(folder, limits=limits_of(f"{name}={limit}"))
