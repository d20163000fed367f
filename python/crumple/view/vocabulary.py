"""The words of the [view] table: every shape with its keys, as data. Checks, schema and guide are made of them.

Kinds of keys, by what their value is:

    length, angle, number, temperature, time, any   a number, a quantity or a formula, in this unit of measure
    condition     a formula such as "controller.fire > 0.5"
    point         [x, y]            points      an array of these            range    [least, most]
    each          a text with {n} or {i}, read once for each cell
    words         { word = condition, ... }: the first that holds            colours  the same, of colours
    curves        { name = formula, ... }   numbers  [least, most], plain numbers
    marks         { name = value, ... }     zones { colour = [least, most], ... }
    text, flag, colour, si, shape (the name of another), file, and choices "one|other"
"""

from __future__ import annotations

from typing import Any, NamedTuple

COLOURS = (
    *("text", "text_2", "text_3", "accent", "pass", "at_risk", "fail", "inconclusive", "error", "holding"),
    *("fault", "live", "stale", "signal_1", "signal_2", "signal_3", "signal_4", "signal_5", "signal_6"),
    *("body", "body_edge", "glass", "ground", "structure", "dummy", "belt", "airbag", "ghost"),
    *("window", "panel", "raised", "hairline", "grid"),
)

# Unit in which formulas of a kind are computed; "any": the shape's own si, or base units.
UNITS: dict[str, str | None] = {
    "length": "m",
    "angle": "rad",
    "number": "1",
    "temperature": "degC",
    "time": "s",
    "condition": "1",
    "any": None,
}


class Key(NamedTuple):
    """A key of a table: its kind, what it is where it is not written (None: absent), and what it means."""

    kind: str
    default: Any
    doc: str
    required: bool = False


class Kind(NamedTuple):
    """A shape: what it is in one line, its own keys, and whether those of every body belong to it, too."""

    doc: str
    keys: dict[str, Key]
    body: bool = True


def _must(kind: str, doc: str) -> Key:
    return Key(kind, None, doc, True)


PLACED = {
    "x": Key("length", 0, "where it is, to the right"),
    "y": Key("length", 0, "where it is, upwards"),
    "angle": Key("angle", 0, "how far it is turned, to the left"),
    "on": Key("shape", None, "the shape that carries it: x, y and angle are then relative to that one"),
}
SEEN = {
    "visible": Key("condition", None, "drawn only where this holds"),
    "source": Key("text", None, "the live input that it stands for; by default the inputs of its formulas"),
    "count": Key(
        "count", None, "draw so many of it: {n} in texts counts from 1, {i} from 0, {next} is {n} + 1"
    ),
}
INKED = {
    "colour": Key("colour", None, 'of the palette, as in "body" or "signal_2", or "#RRGGBB"'),
    "colours": Key("colours", None, "the first whose condition holds takes the place of colour"),
}
BODY = {
    **INKED,
    "edge": Key("colour", None, "colour of the outline"),
    "heat": Key("temperature", None, "temperature that colours it, by the scale that the picture then shows"),
    "alpha": Key("number", 1, "1 covers what is behind, 0 does not"),
}
_VALUE = {
    "value": Key("any", None, "the figure"),
    "si": Key("si", None, "unit of measure of the figure; by default the signal's own"),
    "decimals": Key("count", None, "of the figure; by default those of its unit"),
}
_ENDS = {"from": _must("point", "one end"), "to": _must("point", "the other end"), "on": PLACED["on"]}

SHAPES: dict[str, Kind] = {
    "box": Kind(
        "A rectangle about its middle.",
        {
            "width": _must("length", "along x"),
            "height": _must("length", "along y"),
            "corner": Key("length", 0, "radius of the corners"),
        },
    ),
    "circle": Kind("A disc.", {"radius": _must("length", "of the disc")}),
    "polygon": Kind(
        "Any outline.",
        {
            "points": _must("points", "its corners, at least three"),
            "smooth": Key("flag", False, "a curve through the points instead of straight lines"),
        },
    ),
    "capsule": Kind(
        "A bar with round ends about its middle, along x.",
        {"length": _must("length", "from end to end"), "radius": _must("length", "of the ends")},
    ),
    "image": Kind(
        "A picture from a file, about its middle.",
        {
            "file": _must("file", "PNG or JPEG, from the scene's folder"),
            "width": _must("length", "along x"),
            "height": Key("length", None, "along y; by default as the picture has it"),
        },
    ),
    "vehicle": Kind(
        "A sedan from the side, facing right. x is its undamaged front bumper.",
        {
            "length": Key("length", "4.896 m", "from bumper to bumper"),
            "height": Key("length", "1.46 m", "of the roof"),
            "crush": Key("length", 0, "how much shorter the front is"),
            "firewall": Key("length", "1.45 m", "behind the bumper; from there on nothing is crushed"),
            "wheel_angle": Key("angle", 0, "how far the wheels have turned"),
            "cutaway": Key("flag", True, "cut the cabin away, so that the occupant is seen"),
            "ghost": Key("flag", True, "show the front as it was"),
        },
    ),
    "car_top": Kind(
        "A car from above, facing right. x, y is the middle of its front bumper.",
        {
            "length": Key("length", "4.358 m", "from bumper to bumper"),
            "width": Key("length", "1.815 m", "without mirrors"),
            "steer": Key("angle", 0, "of the front wheels"),
            "braking": Key("condition", None, "the brake lights are on"),
        },
    ),
    "pedestrian": Kind(
        "A walker from above, facing right.",
        {"stride": Key("angle", 0, "phase of the legs"), "height": Key("length", "1.8 m", "of the person")},
    ),
    "dummy": Kind(
        "A seated driver from the side. x, y is the hip; on a vehicle, where the driver's seat is.",
        {
            "torso": Key("length", 0, "forward travel of the torso against the cabin"),
            "head": Key("length", 0, "forward travel of the head against the cabin"),
            "size": Key("number", 1, "1 is a man of 1.75 m"),
        },
    ),
    "airbag": Kind(
        "The bag of a steering wheel, pressed in where head and chest are.",
        {
            "fill": Key("number", 1, "0 folded, 1 full"),
            "driver": Key("shape", None, "the dummy that presses into it"),
            "size": Key("length", "0.70 m", "across, when full"),
        },
    ),
    "belt": Kind(
        "Shoulder and lap belt over a dummy.",
        {
            "driver": _must("shape", "the dummy that wears it"),
            "force": Key("any", None, "drawn thicker up to the highest force of force_max"),
            "force_max": Key("any", None, "force at which it is thickest"),
        },
    ),
    "cells": Kind(
        "Cells in rows, coloured by temperature, each with its figure. x, y is the middle of the first.",
        {
            "temperatures": _must("each", 'of each cell: "pack.temperature_{n}" or "pack.temperature[{i}]"'),
            "cells": _must("count", "how many"),
            "columns": Key("count", None, "in a row; by default all"),
            "pitch": _must("length", "from middle to middle"),
            "radius": _must("length", "of a cell"),
            "name": Key("text", "cell {n}", "above each"),
            "words": Key("each", None, "below each, the first whose condition holds, with {n} and {i}"),
            "glyphs": Key(
                "glyphs", None, "state by word: pass, at_risk, fail, inconclusive, error or holding"
            ),
            "vented": Key("each", None, "condition for the vent lines"),
            "case": Key("flag", True, "draw the case around them"),
        },
    ),
    "spring": Kind(
        "A spring between two points.",
        {
            **_ENDS,
            "turns": Key("count", 8, "how many"),
            "width": Key("length", "0.1 m", "across"),
            **INKED,
        },
        body=False,
    ),
    "coupling": Kind(
        "A line whose width is what flows, in the colour of its hotter end, with figure and arrow.",
        {
            **_ENDS,
            "flow": _must("any", "from the first end to the second"),
            "flow_max": _must("any", "the flow at which the line is thickest"),
            "heat": Key("temperature", None, "temperature of its hotter end"),
            "si": _VALUE["si"],
            "decimals": _VALUE["decimals"],
            "visible": Key("condition", None, "drawn only where this holds"),
        },
        body=False,
    ),
    "trail": Kind(
        "Where a point was, fading.",
        {
            "x": _must("length", "of the point, over ground"),
            "y": Key("length", 0, "of the point, over ground"),
            "duration": Key("time", "1 s", "how far back it goes"),
            "width": Key("number", 2, "of the line, in pixels of a window of 1280 x 720"),
            **INKED,
        },
        body=False,
    ),
    "path": Kind(
        "A line through points, or a lane around it.",
        {
            "points": _must("points", "at least two"),
            "on": PLACED["on"],
            "lane": Key("length", None, "width of the lane: filled softly, its sides dashed"),
            "dash": Key(
                "length", None, "length of a dash and of the gap behind it; without, the line is whole"
            ),
            "gap": Key("length", None, "between dashes, where it is not as long as they are"),
            "width": Key("length", None, "of the line; by default a thin one"),
            **INKED,
        },
        body=False,
    ),
    "sensor_cone": Kind(
        "What a sensor can see, from where it is, facing right. In stale colour where its input is silent.",
        {
            "range": _must("length", "how far it sees"),
            "aperture": _must("angle", "from side to side"),
            "arcs": Key("length", None, "distance from one range arc to the next"),
            "target": Key("shape", None, "the shape that it has in sight"),
            "sees": Key("condition", None, "whether it has it in sight; by default always"),
        },
    ),
    "gauge": Kind(
        "A dial in a corner of the picture.",
        {
            **_VALUE,
            "text": Key("text", "", "below the figure"),
            "range": _must("range", "at the ends of its scale"),
            "zones": Key("zones", {}, "coloured parts of the scale"),
            "place": Key("top right|top left|bottom right|bottom left", "bottom right", "the corner"),
        },
        body=False,
    ),
    "dimension": Kind(
        "A length with arrowheads and its figure.",
        {
            "from": _must("point", "where it begins"),
            "to": _must("point", "where it ends"),
            "on": PLACED["on"],
            **_VALUE,
            "text": Key("text", "", "below the line"),
            "drop": Key("length", None, "height to which a dotted line goes down from its end"),
        },
        body=False,
    ),
    "label": Kind(
        "A name with its figure or state word, and a line to what it is about.",
        {
            **_VALUE,
            "text": Key("text", "", "before the figure"),
            "words": Key("words", None, "instead of a figure the first word whose condition holds"),
            "at": Key("anchor", None, 'a shape or a part of one, as in "car" or "driver.head"'),
            "x": Key("length", None, "instead of `at`"),
            "y": Key("length", None, "instead of `at`"),
            "place": Key(
                "row|above|right|left|below",
                None,
                "where it stands; by default in a row at the top, or above it in top view",
            ),
            **INKED,
        },
        body=False,
    ),
    "vessel": Kind(
        "A stirred pressure vessel, cut open. x, y is its lowest point; heat colours what is in it.",
        {
            "width": _must("length", "inner diameter"),
            "height": _must("length", "from the lowest point to the highest"),
            "level": Key("number", 1, "of the liquid: 0 empty, 1 as charged, at 62 % of the height"),
            "jacket": Key("number", None, "flow through the jacket, 0 to 1; without, there is no jacket"),
            "stir": Key("angle", None, "how far the agitator has turned; without, there is none"),
        },
    ),
    "plume": Kind(
        "Vapour or smoke that rises from x, y; none where nothing flows.",
        {
            "flow": _must("any", "what flows out"),
            "flow_max": _must("any", "the flow at which it is largest"),
            "size": _must("length", "how high it then rises"),
            "period": Key("time", "2 s", "in which a puff rises"),
            "si": _VALUE["si"],
        },
    ),
    "person": Kind(
        "A standing person from the side, drawn in body regions. x is the surface of the touched one, y the ground.",
        {
            "region": Key(
                "skull|face|neck|chest|back|abdomen|pelvis|upper_arm|forearm|hand|thigh|lower_leg",
                "chest",
                "that is touched, from the left",
            ),
            "load": Key("number", None, "share of what the region may bear; above 1 it is too much"),
            "height": Key("length", "1.75 m", "of the person"),
        },
    ),
    "robot_arm": Kind(
        "A robot arm of two links on a pedestal at x, y, its tool pointing to the right.",
        {
            "tool": _must("point", "the face of the tool, over ground"),
            "upper": Key("length", "0.75 m", "of the first link"),
            "lower": Key("length", "0.75 m", "of the second link"),
            "pedestal": Key("length", "0.75 m", "height of the first joint"),
        },
    ),
    "diagram": Kind(
        "Curves over one signal, as they would be if it alone had another value, and dots where they are now.",
        {
            "across": _must("axis", "the signal of the lower axis"),
            "across_range": _must("numbers", "least and greatest value of it, in its own unit"),
            "curves": _must("curves", "formulas by name, of the signal across and others"),
            "range": _must("range", "least and greatest value of the curves"),
            "si": _VALUE["si"],
            "text": Key("text", "", "above the axis at the left"),
            "width": _must("length", "of the diagram, about x"),
            "height": _must("length", "of the diagram, about y"),
            "x": PLACED["x"],
            "y": PLACED["y"],
            "on": PLACED["on"],
        },
        body=False,
    ),
    "wall": Kind(
        "A wall that stands on the ground and goes on behind its face.",
        {
            "x": Key("length", 0, "of its face"),
            "faces": Key("left|right", "left", "where its face looks"),
            "height": Key("length", None, "by default to the edge of the picture"),
            "text": Key("text", "", "what it is"),
        },
        body=False,
    ),
}

PARTS: dict[str, tuple[str, ...]] = {  # of a shape, for anchors
    "vehicle": ("front", "rear", "roof", "cabin"),
    "car_top": ("front", "rear", "middle"),
    "dummy": ("head", "chest", "hip", "knee", "foot", "hand"),
    "belt": ("shoulder", "lap"),
    "airbag": ("middle", "top"),
    "sensor_cone": ("end",),
    "person": ("touched", "beside"),
    "robot_arm": ("tool", "elbow"),
    "vessel": ("top", "bottom", "liquid", "jacket", "wall", "nozzle"),
}
STATES = ("pass", "at_risk", "fail", "inconclusive", "error", "holding")

PICTURE: dict[str, Key] = {
    "projection": Key("side|top", "side", "side: y is up from the ground; top: y is to the left of x"),
    "title": Key("text", None, 'by default "Side view" or "Top view"'),
    "note": Key("text", "", "beside the title, quieter"),
    "legend": Key("text", "", "at the top right"),
    "x": _must("extent", "what must be seen, from left to right"),
    "y": Key("extent", None, "what must be seen, from below to above"),
    "follow_x": Key("length", None, "the picture moves with this"),
    "follow_y": Key("length", None, "the picture moves with this"),
    "grid": Key("length", None, "distance of the grid lines"),
    "ruler": Key("flag", None, "metres along the ground; by default in side view"),
    "scale_bar": Key("flag", None, "at the bottom left; by default where there is no ruler"),
    "ground": Key("flag", None, "ground at y = 0; by default in side view"),
    "heat_limit": Key("temperature", None, "marked on the temperature scale"),
    "heat_text": Key("text", "limit", "what that limit is"),
    "like": Key("text", None, "name of another picture, whose shapes are in this one, too, behind its own"),
    "draw": Key("draw", {}, "the shapes by name, from back to front"),
}
CHART: dict[str, Key] = {
    "signal": Key("signal", None, "what it shows"),
    "signals": Key("signals", None, "several in one chart, at most six"),
    "label": Key("text", None, "by default the signal's name"),
    "si": Key("si", None, "unit of measure of the axis"),
    "limit": Key("limits", None, "dashed; a quantity, or several"),
    "range": Key("range_any", None, "least and greatest value of the axis"),
    "window": Key("text", None, "requirement whose window is marked"),
}
VIEW: dict[str, Key] = {
    "pictures": Key("pictures", {}, "what the canvas shows, by name; V goes from one to the next"),
    "charts": Key("charts", [], "the strip charts, from above"),
    "events": Key("events", {}, 'moments by name: "controller.fire > 0.5", "max(vehicle.crush)" or "10 ms"'),
}


def keys_of(shape: str) -> dict[str, Key]:
    """All keys of a shape, its own first."""
    kind = SHAPES[shape]
    common = {**PLACED, **BODY, **SEEN} if kind.body else SEEN
    return {
        "shape": _must("|".join(SHAPES), "what it is"),
        **kind.keys,
        **{k: v for k, v in common.items() if k not in kind.keys},
    }
