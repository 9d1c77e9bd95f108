"""matplotlib and plotly figures.

A matplotlib figure is shown once: when the code shows it, or else when the run ends. The inline backend
alone would show a figure that is the value of a cell a second time.
"""
import json
import sys
import weakref

DPI = 100

_shown = weakref.WeakSet()


def setup(shell):
    """Before matplotlib.pyplot is imported: the order of callbacks at the end of a run matters."""
    shell.events.register("post_execute", close_shown)
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=shell)
    backend.print_figure_kwargs = {"bbox_inches": "tight", "dpi": DPI}


def shown(value):
    """The value is being shown; remembered when it is a figure."""
    figure = sys.modules.get("matplotlib.figure")
    if figure is not None and isinstance(value, figure.Figure):
        _shown.add(value)


def close_shown():
    """Before the inline backend shows what pyplot still holds."""
    if _shown:
        pyplot = sys.modules.get("matplotlib.pyplot")
        for figure in list(_shown):
            pyplot.close(figure)
        _shown.clear()


def plotly_json(figure):
    """The figure as plotly.js reads it; its own encoder knows numpy, dates and NaN."""
    from plotly.io import to_json

    return json.loads(to_json(figure, validate=False))
