"""The registry of test FMUs."""

from __future__ import annotations

from dataclasses import replace

from fmus.behaving import behaving
from fmus.faulty_xml import faulty_xml
from fmus.hostile import hostile
from fmus.misbehaving import misbehaving
from fmus.variant import Variant


def _registry() -> dict[str, Variant]:
    variants = [*behaving(), *misbehaving(), *hostile()]
    named = {variant.name: variant for variant in variants}
    variants += faulty_xml(named["units2"], named["units3"])
    registry: dict[str, Variant] = {}
    for v in variants:
        if v.name in registry:
            raise ValueError(f"two test FMUs are named {v.name}")
        registry[v.name] = replace(v, model=replace(v.model, name=v.name, doc=v.doc))
    return registry


VARIANTS: dict[str, Variant] = _registry()
