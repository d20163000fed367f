"""FMUs of paper: descriptions and archives for tests that never load a library."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from crumple import archive
from crumple.archive import platform_folders
from crumple.description import Description, Variable

XML = """<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="Lag" guid="{8c4e810f}">
  <CoSimulation modelIdentifier="lag" canHandleVariableCommunicationStepSize="true"/>
  <ModelVariables>
    <ScalarVariable name="u" valueReference="0" causality="input"><Real start="0"/></ScalarVariable>
    <ScalarVariable name="x" valueReference="1" causality="output"><Real/></ScalarVariable>
  </ModelVariables>
  <ModelStructure><Outputs><Unknown index="2" dependencies="1"/></Outputs></ModelStructure>
</fmiModelDescription>
"""
HERE = platform_folders("2.0")[0]
SUFFIX = {"linux": ".so", "darwin": ".dylib"}.get(sys.platform, ".dll")
LIBRARY = f"binaries/{HERE}/lag{SUFFIX}"
CONTENT = b"\x7fELF: nothing here is ever loaded" * 40


def fmu_bytes(
    members: dict[str, bytes | str] | None = None, *, xml: str | bytes = XML, library: str = LIBRARY
) -> bytes:
    """An FMU as bytes: description, library and `members` (a name that ends in "/" is a folder)."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("modelDescription.xml", xml)
        if library:
            file.writestr(library, CONTENT)
        for name, content in (members or {}).items():
            file.writestr(name, content)
    return held.getvalue()


def write_fmu(folder: Path, content: bytes, name: str = "odd.fmu") -> Path:
    """These bytes as a file in `folder`."""
    path = folder / name
    path.write_bytes(content)
    return path


def unpack_paper(folder: Path) -> Path:
    """An FMU of paper, unpacked into `folder`."""
    with zipfile.ZipFile(io.BytesIO(fmu_bytes({"resources/a": "x"}))) as file:
        file.extractall(folder)
    return folder


def forget() -> None:
    """What a fresh process would know of FMUs: nothing."""
    archive._seen.clear()


# ---- descriptions

COSIM2 = '<CoSimulation modelIdentifier="m"/>'
COSIM3 = '<CoSimulation modelIdentifier="m"/>'


def fmi2(
    variables: str, *, before: str = COSIM2, structure: str = "<ModelStructure/>", attributes: str = ""
) -> bytes:
    """An FMI 2 description with these ScalarVariables, the first of which stands in line 5."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="M" guid="{{g}}"{attributes}>
{before}
<ModelVariables>
{variables}
</ModelVariables>
{structure}
</fmiModelDescription>""".encode()


TIME3 = '<Float64 name="time" valueReference="0" causality="independent" variability="continuous"/>'


def fmi3(
    variables: str, *, before: str = COSIM3, structure: str = "<ModelStructure/>", version: str = "3.0"
) -> bytes:
    """An FMI 3 description with these variables after "time"."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="{version}" modelName="M" instantiationToken="t">
{before}
<ModelVariables>
{TIME3}
{variables}
</ModelVariables>
{structure}
</fmiModelDescription>""".encode()


def real(name: str, ref: int, rest: str = "", inner: str = "") -> str:
    """An FMI 2 Real: `rest` are attributes of the variable, `inner` those of its type."""
    return f'<ScalarVariable name="{name}" valueReference="{ref}" {rest}><Real {inner}/></ScalarVariable>'


SPEED = real("u", 0, 'causality="input"', 'start="0"')
OUT = real("y", 1, 'causality="output"')


def outputs2(unknowns: str) -> str:
    """An FMI 2 ModelStructure with these outputs."""
    return f"<ModelStructure><Outputs>{unknowns}</Outputs></ModelStructure>"


def only(described: Description) -> Variable:
    """The one variable that is there."""
    (variable,) = described.variables
    return variable
