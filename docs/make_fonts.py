"""Makes the viewer's fonts, "Crumple Sans": a small part of Inter 4.1, under its licence.

    pip install fonttools fontpkg-inter==4.1.post1
    python docs/make_fonts.py [FOLDER]

Inter has no reserved font name, so that a part of it may have another. What is made: three weights for text
(optical size 14) and one for display (28); Latin, Greek, arrows, and the signs of measurement. Figures, plus and
minus are the tabular ones, since a font library that cannot switch features would take the proportional ones,
and figures would jump. Kerning is kept, hints are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fontpkg_inter
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

FAMILY = "Crumple Sans"
HERE = Path(__file__).resolve().parents[1] / "python" / "crumple" / "view" / "fonts"
WEIGHTS = {"Regular": (14, 400), "Medium": (14, 500), "SemiBold": (14, 600), "Display": (28, 600)}
TABULAR = "0123456789+−"
RANGES = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0x17F),  # Latin-1, Latin Extended-A
    (0x218, 0x21B),
    (0x384, 0x3CE),  # Greek
    (0x2010, 0x2027),  # dashes, quotes, dots
    (0x2030, 0x203A),
    (0x2070, 0x209C),  # super- and subscripts
    (0x2190, 0x2199),  # arrows
)
SIGNS = " \u202f\u2009\u200b€™Ωµ∂∆∏∑−∕∙√∞∫≈≠≤≥◊●○■□▲▼◀▶✓✗…"
EPOCH = 2_082_844_800  # of the time stamps in a font, 1904, before that of Unix [s]


def characters(font: TTFont) -> set[int]:
    """What is kept, as far as the font has it."""
    wanted = {code for first, last in RANGES for code in range(first, last + 1)} | {ord(c) for c in SIGNS}
    return wanted & set(font.getBestCmap())


def point_to_tabular_figures(font: TTFont) -> None:
    """Has the character map name the tabular figures, plus and minus."""
    gsub = font["GSUB"].table
    (tnum, *_) = [record.Feature for record in gsub.FeatureList.FeatureRecord if record.FeatureTag == "tnum"]
    into: dict[str, str] = {}
    for index in tnum.LookupListIndex:
        for part in gsub.LookupList.Lookup[index].SubTable:
            into |= getattr(part, "ExtSubTable", part).mapping
    for table in font["cmap"].tables:
        if table.isUnicode():
            for character in TABULAR:
                name = table.cmap.get(ord(character))
                if name is not None:
                    table.cmap[ord(character)] = into.get(name, name)


def rename(font: TTFont, style: str) -> None:
    """Gives it the name it has here; copyright and licence stay."""
    names = font["name"]
    names.names = [record for record in names.names if record.nameID in (0, 8, 9, 11, 13, 14)]
    joined = f"{FAMILY.replace(' ', '')}-{style}"
    told = {1: f"{FAMILY} {style}", 2: "Regular", 3: f"{joined};4.1", 4: f"{FAMILY} {style}", 6: joined}
    told |= {5: "Version 4.1", 10: "Part of Inter 4.1", 16: FAMILY, 17: style}
    for number, text in told.items():
        names.setName(text, number, 3, 1, 0x409)


def make(source: Path, style: str, target: Path) -> None:
    """Writes one of them. The same source gives the same bytes."""
    optical, weight = WEIGHTS[style]
    font = TTFont(source, recalcTimestamp=False)
    instancer.instantiateVariableFont(font, {"opsz": optical, "wght": weight}, inplace=True)
    point_to_tabular_figures(font)
    options = subset.Options(
        layout_features=["kern"],
        hinting=False,
        name_IDs=["*"],
        notdef_outline=True,
        glyph_names=False,
    )
    options.drop_tables += ["STAT", "MVAR", "HVAR", "avar", "DSIG", "meta"]
    cut = subset.Subsetter(options)
    cut.populate(unicodes=characters(font))
    cut.subset(font)
    rename(font, style)
    font["head"].modified = font["head"].created
    font.save(target)


def main(folder: Path) -> None:
    """Writes all fonts and their licence."""
    folder.mkdir(parents=True, exist_ok=True)
    package = Path(fontpkg_inter.__file__).parent
    for style in WEIGHTS:
        target = folder / f"CrumpleSans-{style}.ttf"
        make(package / "files" / "Inter[opsz,wght].ttf", style, target)
        print(f"{target.name}  {target.stat().st_size:,} bytes")
    (folder / "OFL.txt").write_bytes((package / "LICENSE").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
