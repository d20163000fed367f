"""The gate: what no description may hold, and that reading one ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bent_fmu import BEGIN, xml_with
from crumple import archive as opening
from crumple.archive import open_fmu
from crumple.description_xml import read_description
from crumple.errors import FmuError
from crumple.gate import GateLimits
from paper_fmu import XML, fmi3, fmu_bytes

pytestmark = pytest.mark.usefixtures("fmu_cache")


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
NO_TYPE = (
    "modelDescription.xml declares a document type or XML entities, which FMI does not use and Crumple does not read; "
    "the FMU is refused."
)
NO_NAME = "is no plain file name: the library would be looked for outside the FMU. The FMU is refused."

BAD_XML: dict[str, tuple[bytes, str]] = {
    "billion laughs": (
        xml_with(BEGIN, f'<!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]>{BEGIN}').replace(b'"Lag"', b'"&l9;"'),
        NO_TYPE,
    ),
    "external entity": (
        xml_with(BEGIN, f'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>{BEGIN}').replace(
            b"Lag", b"&x;"
        ),
        NO_TYPE,
    ),
    "external document type": (xml_with(BEGIN, f'<!DOCTYPE l SYSTEM "http://host/x.dtd">{BEGIN}'), NO_TYPE),
    "document type in UTF-16": (
        xml_with(BEGIN, f"<!DOCTYPE l>{BEGIN}").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        NO_TYPE,
    ),
    "document type in a file that is not well-formed": (
        b"<" + xml_with(BEGIN, f"<!DOCTYPE l>{BEGIN}"),
        NO_TYPE,
    ),
    "document type in UTF-7": (
        xml_with(BEGIN, f"+ADwAIQ-DOCTYPE l>{BEGIN}").replace(b"UTF-8", b"UTF-7"),
        'modelDescription.xml is in the encoding "UTF-7", which FMI does not allow. Write UTF-8.',
    ),
    "EBCDIC": (
        XML.encode("cp037"),
        'modelDescription.xml is in the encoding "EBCDIC", which FMI does not allow. Write UTF-8.',
    ),
    **{
        f"model identifier {name}": (xml_with('"lag"', f'"{name}"'), f"modelIdentifier {name!r} {NO_NAME}")
        for name in ("../lag", "a/b", "a\\b", "C:lag", "..", "/etc/lag")
    },
    "model identifier that is hidden": (
        xml_with('"lag"', '"lag&#x202e;"'),
        f"modelIdentifier 'lag\\u202e' {NO_NAME}",
    ),
    "model identifier that is long": (
        xml_with('"lag"', f'"{"m" * 241}"'),
        f"modelIdentifier '{'m' * 80}...' {NO_NAME}",
    ),
    "identifier of model exchange": (
        xml_with("<CoSim", '<ModelExchange modelIdentifier="../x"/><CoSim'),
        f"modelIdentifier '../x' {NO_NAME}",
    ),
}


@pytest.mark.parametrize("attack", BAD_XML)
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_hostile_description_is_refused(
    attack: str, as_folder: bool, tmp_path: Path, fmu_cache: Path
) -> None:
    xml, message = BAD_XML[attack]
    path = tmp_path / "odd"
    if as_folder:
        path.mkdir()
        (path / "modelDescription.xml").write_bytes(xml)
    else:
        path.write_bytes(fmu_bytes(xml=xml))
    with pytest.raises(FmuError) as refused:
        open_fmu(path)
    assert str(refused.value) == f"{path}: {message}"
    assert not fmu_cache.exists() or list((fmu_cache / "fmu").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
@pytest.mark.parametrize("count", [1, 30_000])
def test_a_schema_or_a_part_elsewhere_is_not_looked_for(count: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # who opens it waits for ever
    code = (
        "import sys; from crumple.description_xml import read_description; "
        "print(len(read_description(sys.stdin.buffer.read()).variables))"
    )
    schema = "http://www.w3.org/2001/XMLSchema-instance"
    xml = (
        xml_with(
            BEGIN,
            f'{BEGIN} xmlns:i="{schema}" i:schemaLocation="x {pipe}" i:noNamespaceSchemaLocation="{pipe}"',
        )
        .replace(b"<fmi", f'<?xml-stylesheet href="{pipe}"?><fmi'.encode(), 1)
        .replace(b"<ModelS", b"<a/>" * count + b"<ModelS")
        .replace(
            b"<ModelS",
            f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{pipe}"/><ModelS'.encode(),
        )
    )
    environment = os.environ | {"PYTHONPATH": str(Path(opening.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=xml, env=environment, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"2\n"


def test_names_that_many_variables_share_are_no_bomb() -> None:
    many = "".join(
        f'<ScalarVariable name="{i}" valueReference="{i}"><Real unit="{"m" * 40_000}"/></ScalarVariable>'
        for i in range(3)
    )
    xml = xml_with("<ModelVariables>", f"<ModelVariables>{many}")
    assert len(read_description(xml).variables) == 5
    shared = "".join(
        f'<ScalarVariable name="{i}" valueReference="{i}"><Real declaredType="T"/></ScalarVariable>'
        for i in range(200)
    )
    types = (
        f'<TypeDefinitions><SimpleType name="T"><Real unit="{"m" * 40_000}"/></SimpleType></TypeDefinitions>'
    )
    xml = xml_with("<ModelVariables>", f"{types}<ModelVariables>{shared}")
    with pytest.raises(
        FmuError, match="when types and dependencies are filled in: more than 4 times the 100,000"
    ):
        read_description(xml, limits=GateLimits(xml=100_000))


def many(count: int, element: str) -> str:
    """`element` so many times, with its number in place of #."""
    return "".join(element.replace("#", str(i)) for i in range(count))


ALIAS, DISPLAY, NOTHING = '<Alias name="a#"/>', '<DisplayUnit name="d#"/>', ' a#=""'
SLOW: dict[str, Callable[[], bytes]] = {
    # in each of these, something once looked at all of them for each of them
    "aliases of one variable": lambda: fmi3(
        f'<Float64 name="y" valueReference="1">{many(20_000, ALIAS)}</Float64>'
    ),
    "display units": lambda: xml_with(
        "<ModelVariables>",
        f'<UnitDefinitions><Unit name="m">{many(40_000, DISPLAY)}</Unit></UnitDefinitions>'
        "<ModelVariables>"
        + many(
            10_000,
            '<ScalarVariable name="v#" valueReference="#"><Real unit="m" displayUnit="d"/></ScalarVariable>',
        ),
    ),
    "attributes": lambda: xml_with("<ModelStructure>", f"<a {many(60_000, NOTHING)}/><ModelStructure>"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_reading_takes_no_longer_than_the_limits_allow(kind: str) -> None:
    began = time.process_time()
    try:
        read_description(SLOW[kind]())
    except FmuError as error:
        assert "<a> has 60,000 attributes" in str(error)
    assert time.process_time() - began < 15, (
        "each took a minute and more, and a few times the size takes hours"
    )


def test_many_faults_of_a_large_file_are_read_as_a_stream() -> None:
    """Each fault that is found in a tree costs a walk over what is before it: here, hours for the largest file."""
    variable = '<ScalarVariable name="v#" valueReference="#" odd="1" strange="1"><Real/></ScalarVariable>'
    for count, lines in ((3000, False), (30, True)):
        xml = xml_with("<ModelVariables>", f"<ModelVariables>\n{many(count, variable)}")
        said = [w for w in read_description(xml).warnings if "Element 'ScalarVariable'" in w]
        assert len(said) >= 1
        assert all(w.startswith("modelDescription.xml:5: ") == lines for w in said), said[:3]
