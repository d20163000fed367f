"""From the bytes of a modelDescription.xml to a plain tree: encoding, form, namespaces, FMI version."""

from __future__ import annotations

import importlib
import math
import re
from typing import Any

import msgspec

from crumple.errors import FmuError

MOST_NOTES = 100


class Notes(msgspec.Struct):
    """Warnings in the order they were found; beyond a hundred they are only counted."""

    texts: list[str] = []
    unsaid: int = 0

    def add(self, text: str, *, line: int | None = None) -> None:
        place = "modelDescription.xml" if not line else f"modelDescription.xml:{line}"
        full = f"{place}: {text}"
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


def parse(xml: bytes, notes: Notes) -> Any:
    """The root element of `xml`, mended where it is not well-formed, without comments and namespaces.

    Entities and document types are refused: FMI needs none, and they are the usual way to hide a bomb.
    Raises FmuError where nothing usable can be read.
    """
    etree = importlib.import_module("lxml.etree")
    if b"<!ENTITY" in xml.replace(b"\0", b""):
        raise FmuError(
            "modelDescription.xml declares XML entities, which FMI does not use and Crumple does not expand."
        )

    def attempt(content: bytes, *, recover: bool) -> Any:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover
        )
        root = etree.fromstring(content, parser)
        return root, parser.error_log

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
        declared = list(root.getroottree().docinfo.internalDTD.iterentities())
        if declared:
            raise FmuError("modelDescription.xml declares XML entities, which Crumple does not expand.")
    return root


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
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def whole(text: str | None) -> int | None:
    """`text` as an integer ("3" and "3.0" are), None where it is none."""
    value = number(text)
    if value is None or not math.isfinite(value) or value != int(value):
        return None
    try:
        return int(text or "")  # beyond 2^53 the float is not the number
    except ValueError:
        return int(value)


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
