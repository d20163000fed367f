"""From the bytes of a modelDescription.xml to a plain tree: encoding, form, namespaces, FMI version."""

from __future__ import annotations

import importlib
import math
import re
from typing import Any

import msgspec

from crumple.errors import FmuError
from crumple.gate import GateLimits

MOST_NOTES = 100
LONGEST_NOTE = 600  # characters: it may quote what the XML says
LARGEST = 2**63 - 1
MOST_ATTRIBUTES = 1000  # of one element: beyond, reading them takes longer than there is time
# of these there is one; readers differ in what they make of a second
ONCE = (
    "ModelVariables",
    "ModelStructure",
    "TypeDefinitions",
    "UnitDefinitions",
    "LogCategories",
    "DefaultExperiment",
)
# the XML parser stops at these on its own, unless it is told that the file is meant to be huge
PARSER_DEPTH, PARSER_ATTRIBUTE = 256, 10_000_000
# encodings in which the byte of "<" stands for nothing else before one, so that what is refused can be seen
ENCODINGS = (
    r"utf-?(8|16(le|be)?)|(us-)?ascii|iso[-_]?8859-?\d+|latin-?[19]|(windows-|cp)(874|125\d|437|850|932|936|949|950)"
    r"|shift[-_]jis|gb(2312|k|18030)|big5|euc-(jp|kr|tw)|koi8-[ru]"
)


class Notes(msgspec.Struct):
    """Warnings in the order they were found; beyond a hundred they are only counted."""

    texts: list[str] = []
    unsaid: int = 0

    def add(self, text: str, *, line: int | None = None) -> None:
        place = "modelDescription.xml" if not line else f"modelDescription.xml:{line}"
        full = f"{place}: {legible(text)}"
        if full in self.texts:
            return
        if len(self.texts) < MOST_NOTES:
            self.texts.append(full)
        else:
            self.unsaid += 1

    def all(self) -> list[str]:
        return self.texts + (
            [f"modelDescription.xml: and {self.unsaid} more of the kind."] if self.unsaid else []
        )


def legible(text: str) -> str:
    """`text` short enough to read, and without what an FMU could write on a terminal in our name."""
    if len(text) > LONGEST_NOTE:
        text = f"{text[:LONGEST_NOTE]}..."
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def parse(xml: bytes, notes: Notes, limits: GateLimits) -> Any:
    """The root element of `xml`, mended where it is not well-formed.

    Document types are refused, and entities with them: FMI needs none, and they are the usual way to hide a bomb.
    Raises FmuError where nothing usable can be read, and where more is there than `limits` allow.
    """
    etree = importlib.import_module("lxml.etree")
    limits.check(xml=len(xml), elements=count_elements(xml))
    _refuse_forms(xml)
    huge = limits.depth >= PARSER_DEPTH or limits.attribute >= PARSER_ATTRIBUTE

    def attempt(content: bytes, *, recover: bool) -> Any:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=huge, recover=recover
        )
        try:
            return etree.fromstring(content, parser), parser.error_log
        finally:
            _refuse_size(parser.error_log, limits)

    root = None
    bare = xml.lstrip()
    if bare[:1] == b"<" and len(bare) < len(xml):
        notes.add("begins with blanks, where XML begins with '<'.")
        xml = bare
    try:
        root, _ = attempt(xml, recover=False)
    except etree.XMLSyntaxError as error:
        first = error
        mended = _as_utf8(xml)
        if mended is not None:
            notes.add("is not in the encoding that it claims; read as Windows-1252.")
            xml = mended
        try:
            root, log = attempt(xml, recover=True)
        except etree.XMLSyntaxError:
            root, log = None, []
        if mended is None or log:
            fault = log[0] if root is not None and log else None
            text, line = (fault.message, fault.line) if fault is not None else (first.msg, first.lineno)
            notes.add(f"is not well-formed: {str(text).strip()}. Read as far as that allows.", line=line)
        if root is None:
            raise FmuError(f"modelDescription.xml is not XML: {first.msg}.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _document_type()
    return root


def count_elements(xml: bytes) -> int:
    """Elements and attributes in `xml`, at most: a bound on what parsing it takes."""
    return xml.count(b"<") + xml.count(b"=")


def sizes(root: Any, limits: GateLimits) -> dict[str, int]:
    """Depth, longest attribute and variables of the tree under `root`. Raises FmuError for what is too much."""
    etree = importlib.import_module("lxml.etree")
    depth = deepest = longest = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        deepest = max(deepest, depth)
        if len(element.attrib) > MOST_ATTRIBUTES:
            raise FmuError(
                f"modelDescription.xml:{element.sourceline}: <{element.tag}> has {len(element.attrib):,} attributes. "
                f"No element of FMI has more than {MOST_ATTRIBUTES:,}; the FMU is refused."
            )
        for value in element.attrib.values():
            longest = max(longest, len(value))
    variables = root.find("ModelVariables")
    count = 0 if variables is None else len(variables) + len(variables.findall("*/Alias"))
    found = {"depth": deepest, "attribute": longest, "variables": count}
    limits.check_all(found)
    return found


def _refuse_forms(xml: bytes) -> None:
    """Raise for what FMI never needs: a document type, and encodings in which one could hide."""
    head = xml[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    stated = re.match(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]*)["']""", head)
    name = stated[1].decode("latin-1") if stated is not None else "utf-8"
    if head[:4] == b"\x4c\x6f\xa7\x94":
        name = "EBCDIC"
    if re.fullmatch(ENCODINGS, name, re.IGNORECASE) is None:
        raise FmuError(
            f'modelDescription.xml is in the encoding "{name[:40]}", which FMI does not allow. Write UTF-8.'
        )
    bare = xml.replace(b"\0", b"")  # UTF-16
    if b"<!DOCTYPE" in bare or b"<!ENTITY" in bare:
        raise _document_type()


def _document_type() -> FmuError:
    return FmuError(
        "modelDescription.xml declares a document type or XML entities, which FMI does not use and Crumple does not "
        "read; the FMU is refused."
    )


def _refuse_size(log: Any, limits: GateLimits) -> None:
    """Raise where the XML parser stopped at a limit of its own."""
    for entry in log:
        if "XML_PARSE_HUGE" in entry.message or entry.type_name == "ERR_RESOURCE_LIMIT":
            if "depth" in entry.message.lower():
                limits.check(depth=max(PARSER_DEPTH, limits.depth + 1))
            limits.check(attribute=max(PARSER_ATTRIBUTE, limits.attribute + 1))


def plain(root: Any, notes: Notes) -> None:
    """Drop comments, processing instructions and namespaces from the tree under `root`, in place."""
    etree = importlib.import_module("lxml.etree")
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    if root.tag.startswith("{"):
        notes.add(f"its elements are in the namespace {root.tag[1:].split('}')[0]}; ignored.")
        for element in root.iter():
            if element.tag.startswith("{"):
                element.tag = element.tag.split("}", 1)[1]
        etree.cleanup_namespaces(root)  # or the names are put back into it when written
    for element in list(root.iter()):
        # a prefix that is declared nowhere survives recovery as part of the name, and cannot be written again
        for name in [n for n in element.attrib if ":" in n and not n.startswith("{")]:
            notes.add(f'attribute "{name}" is ignored.', line=element.sourceline)
            del element.attrib[name]
        if ":" in element.tag and not element.tag.startswith("{") and element is not root:
            notes.add(f"<{element.tag}> is ignored.", line=element.sourceline)
            element.getparent().remove(element)
    sections: set[str] = set()
    for element in list(root):
        if element.tag in ONCE and element.tag in sections:
            notes.add(f"a second <{element.tag}> is ignored.", line=element.sourceline)
            root.remove(element)
        sections.add(element.tag)
    if root.tag != "fmiModelDescription":
        raise FmuError(f"modelDescription.xml is no model description: it opens with <{root.tag}>.")


def settle_version(root: Any, notes: Notes) -> int:
    """FMI's major version (1, 2, 3); the attribute is set to what FMPy accepts.

    Raises FmuError for a version that is not known.
    """
    stated = root.get("fmiVersion")
    text = (stated or "").strip()
    if not text:
        guess = "3.0" if root.get("instantiationToken") is not None else "2.0"
        notes.add(f"has no fmiVersion; read as {guess}.", line=root.sourceline)
        text = guess
    match = re.fullmatch(r"([123])(?:\.(\d+)(.*))?", text)
    if match is None:
        raise FmuError(
            f'modelDescription.xml says fmiVersion="{text}"; FMI 2.0 and 3.0 can be run, 1.0 can be shown.'
        )
    major = int(match[1])
    settled = f"{major}.{match[2] or 0}" if major == 3 else f"{major}.0"
    legal = text == settled or (major == 3 and re.fullmatch(r"\.\d+", match[3] or "") is not None)
    if stated and not legal:
        notes.add(f'fmiVersion="{stated}" is read as {settled}.', line=root.sourceline)
    root.set("fmiVersion", settled)
    return major


def number(text: str | None) -> float | None:
    """`text` as a number, None where it is none."""
    if text is None or "_" in text:  # Python would read 1_000
        return None
    try:
        return float(text)
    except ValueError:
        return None


def whole(text: str | None) -> int | None:
    """`text` as an integer of 64 bits ("3" and "3.0" are), None where it is none."""
    value = number(text)
    if value is None or not math.isfinite(value) or value != int(value):
        return None
    try:
        found = int(text or "")  # beyond 2^53 the float is not the number
    except ValueError:
        found = int(value)
    return found if -LARGEST - 1 <= found <= LARGEST else None


def digits(text: str | None) -> int | None:
    """`text` as a count, written in plain digits; None where it is none, or larger than any."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _as_utf8(xml: bytes) -> bytes | None:
    """`xml` re-coded where its bytes are not the UTF-8 that it claims; None where that is not the fault."""
    head = xml[:200].lower()
    claimed = re.search(rb"encoding\s*=\s*[\"']([\w.-]+)", head)
    if claimed is not None and claimed[1] not in (b"utf-8", b"utf8"):
        return None
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    try:
        xml.decode("utf-8")
    except UnicodeDecodeError:
        return xml.decode("cp1252", errors="replace").encode("utf-8")
    return None
