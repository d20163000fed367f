"""The scene's canvas: what the [view] table says, drawn to scale at one moment of a run."""

from crumple.view.canvas.canvas import Canvas

__all__ = ["Canvas"]
