"""Write tests/fuzz/corpus anew: small FMUs and descriptions, honest and not, from which the fuzzer starts.

    python tests/fuzz/make_corpus.py

Inputs that the fuzzer found stand in corpus/found-* and are kept as they are.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

if __package__:
    from fuzz.targets import RECIPE, VALID
else:
    from targets import RECIPE, VALID

HERE = Path(__file__).parent
STAMP = (2026, 1, 1, 0, 0, 0)

FMI3 = b"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="3.0" modelName="M" instantiationToken="t">
<CoSimulation modelIdentifier="m" canGetAndSetFMUState="true" fixedInternalStepSize="0.1" hasEventMode="true"/>
<UnitDefinitions><Unit name="km/h"><BaseUnit m="1" s="-1" factor="0.27"/><DisplayUnit name="m/s" factor="2"/></Unit>
</UnitDefinitions>
<TypeDefinitions><EnumerationType name="E"><Item name="a" value="1"/><Item name="b" value="-7"/></EnumerationType>
<Float64Type name="V" unit="km/h" min="0" max="300"/></TypeDefinitions>
<LogCategories><Category name="logAll"/></LogCategories>
<DefaultExperiment startTime="0" stopTime="1" tolerance="1e-4" stepSize="0.1"/>
<ModelVariables>
<Float64 name="time" valueReference="0" causality="independent" variability="continuous"/>
<UInt64 name="n" valueReference="1" causality="structuralParameter" variability="fixed" start="3"/>
<Float64 name="u" valueReference="2" causality="input" declaredType="V" start="1 2 3">
<Dimension valueReference="1"/></Float64>
<Float64 name="y" valueReference="3" causality="output"><Dimension start="2"/>
<Alias name="z" description="d"/></Float64>
<Enumeration name="e" valueReference="4" causality="parameter" variability="tunable" declaredType="E" start="1"/>
<String name="s" valueReference="5" causality="parameter" variability="fixed"><Start value="a b"/></String>
<Binary name="b" valueReference="6" causality="output" mimeType="x/y"><Start value="00ff"/></Binary>
<Boolean name="q" valueReference="7" causality="local" start="true"/>
<Clock name="c" valueReference="8" causality="input" intervalVariability="triggered"/>
<Int8 name="i" valueReference="9" causality="output" clocks="8" initial="exact" start="-1"/>
</ModelVariables>
<ModelStructure><Output valueReference="3" dependencies="2" dependenciesKind="dependent"/>
<InitialUnknown valueReference="3"/></ModelStructure>
</fmiModelDescription>"""

FMI2 = b"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="M" guid="g" numberOfEventIndicators="0" generationTool="t">
<ModelExchange modelIdentifier="me"/><CoSimulation modelIdentifier="m" canGetAndSetFMUstate="true">
<SourceFiles><File name="m.c"/></SourceFiles></CoSimulation>
<UnitDefinitions><Unit name="K"><BaseUnit K="1" offset="0"/></Unit></UnitDefinitions>
<TypeDefinitions><SimpleType name="E"><Enumeration><Item name="a" value="1"/></Enumeration></SimpleType>
</TypeDefinitions>
<DefaultExperiment stopTime="1"/>
<ModelVariables>
<ScalarVariable name="u" valueReference="0" causality="input"><Real start="0" unit="K"/></ScalarVariable>
<ScalarVariable name="p" valueReference="1" causality="parameter" variability="fixed">
<Integer start="1"/></ScalarVariable>
<ScalarVariable name="y" valueReference="2" causality="output" initial="calculated">
<Real derivative="1"/></ScalarVariable>
<ScalarVariable name="b" valueReference="3" variability="discrete"><Boolean start="true"/></ScalarVariable>
<ScalarVariable name="s" valueReference="4" causality="parameter" variability="tunable">
<String start=" "/></ScalarVariable>
<ScalarVariable name="e" valueReference="5" variability="discrete"><Enumeration declaredType="E"/></ScalarVariable>
</ModelVariables>
<ModelStructure><Outputs><Unknown index="3" dependencies="1 2"/></Outputs>
<InitialUnknowns><Unknown index="3" dependencies=""/></InitialUnknowns></ModelStructure>
</fmiModelDescription>"""


SCHEMA = b' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="/dev/zero"'


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive, the same at each call."""
    held = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w") as file:
        warnings.simplefilter("ignore")
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, content, compress_type=method)
    return held.getvalue()


def inputs() -> dict[str, bytes]:
    """The corpus by name."""
    fmu = {"modelDescription.xml": VALID, "binaries/linux64/m.so": b"\x7fELF", "resources/t.txt": b"1 2 3"}
    good = packed(fmu)
    entity = b'<!DOCTYPE a [<!ENTITY x "y">]>'
    zip64 = bytearray(good)
    end = zip64.rfind(b"PK\5\6")
    count, size, start = struct.unpack_from("<H2L", zip64, end + 10)
    zip64[end:end] = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    zip64[end + 56 : end + 56] = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    return {
        "fmi1.xml": FMI2.replace(b'"2.0"', b'"1.0"'),
        "fmi2.xml": FMI2,
        "fmi3.xml": FMI3,
        "prefixed.xml": VALID.replace(b"<fmiM", b"<x:fmiM")
        .replace(b" fmiV", b' xmlns:x="u" fmiV')
        .replace(b"</fmi", b"</x:fmi"),
        "utf16.xml": VALID.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "latin.xml": VALID.replace(b'"M"', '"µ°"'.encode("cp1252")),
        "broken.xml": FMI2[:-200],
        "entity.xml": VALID.replace(b"<fmi", entity + b"<fmi", 1),
        "deep.xml": VALID.replace(b"<ModelStructure>", b"<a>" * 80 + b"</a>" * 80 + b"<ModelStructure>"),
        "outside.xml": VALID.replace(b'"m"', b'"../m"'),
        "shared.xml": FMI2.replace(b'dependencies="1 2"', b'dependencies="' + b"1 " * 300 + b'"'),
        # these were found by the fuzzer, or by looking where it was
        "nameless.xml": FMI3.replace(b'<Item name="a"', b"<Item").replace(b'<Alias name="z"', b"<Alias"),
        "sections.xml": VALID.replace(
            b"</ModelS", b"</ModelStructure><ModelStructure><Outputs><Unknown/></Outputs></ModelS"
        ),
        "digits.xml": FMI3.replace(b'Reference="2"', 'Reference="²"'.encode()).replace(
            b'start="2"', 'start="²"'.encode()
        ),
        "wide.xml": FMI2.replace(b'Reference="3"', b'Reference="99999999999999999999"').replace(
            b'"1"/>', b'"1e400"/>'
        ),
        "version.xml": VALID.replace(b'"1.0"', b'"2.1"'),
        "instance.xml": VALID.replace(b" fmiV", SCHEMA + b" fmiV"),
        "plain.fmu": good,
        "stored.fmu": packed(fmu, zipfile.ZIP_STORED),
        "zip64.fmu": bytes(zip64),
        "cut.fmu": good[:-30],
        "comment.fmu": good[:-2] + b"\x04\x00note",
        "twice.fmu": good[: good.rfind(b"PK\1\2")] + good,
        "up.fmu": packed(fmu | {"../evil": b"x"}),
        "same.fmu": packed(fmu | {"resources/T.txt": b"x"}),
        "backslash.fmu": packed(fmu | {"resources\\deep\\x": b"x"}),
        "ratio.fmu": packed(fmu | {"resources/zeros": bytes(500_000)}),
        "large.fmu": packed(fmu | {"resources/zeros": bytes(2_000_000)}),
        "recipe-1": RECIPE + bytes(range(64)),
        "recipe-2": RECIPE + bytes([3, 7, *range(200, 0, -3)]),
        "recipe-3": RECIPE + bytes([1, 2, 0, 0, 1, 1, 0, 0, 0, 1] * 20),
    }


def main() -> None:
    """Write the files."""
    folder = HERE / "corpus"
    folder.mkdir(exist_ok=True)
    made = inputs()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    words = (HERE / "words.txt").read_text(encoding="utf-8").split()
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in words]
    (HERE / "words.dict").write_text("".join(lines))
    print(f"{len(made)} files, {sum(map(len, made.values())):,} bytes")


if __name__ == "__main__":
    main()
