/* samples: the two notebooks that every user starts with. Their ids name the owner (CONTRACT 2.2).
 */
#include "session/internal.h"

static struct notebook *sample(const char *prefix, struct span owner)
{
    struct text id = TEXT(NOTEBOOK_ID_MAX + 64);
    text_addf(&id, "%s-%.*s", prefix, SPAN_ARGS(owner));
    struct notebook *n = notebook_new(text_span(&id), owner);
    text_free(&id);
    return n;
}

static void add(struct notebook *n, enum cell_type type, struct span code)
{
    struct id id = id_new();
    (void)notebook_insert(n, n->cell_count, id_span(&id), type, code);
}

struct notebook *sample_blank(struct span owner)
{
    struct notebook *n = sample("blank", owner);
    n->name = mem_copy(SPAN("Blank Notebook"));
    add(n, CELL_PYTHON, SPAN(""));
    return n;
}

struct notebook *sample_demo(struct span owner)
{
    struct notebook *n = sample("demo", owner);
    add(n, CELL_PYTHON,
        SPAN("# Change x and run this cell: what depends on it follows by itself.\nx = 10"));
    add(n, CELL_PYTHON, SPAN("y = x + 5\nprint(f\"x is {x}, so y is {y}\")\ny"));
    add(n, CELL_PYTHON,
        SPAN("import matplotlib.pyplot as plt\n"
             "import numpy as np\n"
             "\n"
             "t = np.linspace(0, 4 * np.pi, 300)\n"
             "plt.figure(figsize=(7, 3))\n"
             "plt.plot(t, np.sin(t * x / 10), label=f\"sin({x / 10:.1f} t)\")\n"
             "plt.plot(t, np.cos(t * y / 10), label=f\"cos({y / 10:.1f} t)\")\n"
             "plt.legend()\n"
             "plt.show()"));
    add(n, CELL_PYTHON,
        SPAN("import pandas as pd\n"
             "\n"
             "harvest = pd.DataFrame({\n"
             "    \"orchard\": [\"North\", \"South\", \"Hill\", \"Lake\"],\n"
             "    \"trees\": [120, 80, 45, 60],\n"
             "})\n"
             "harvest[\"kilograms\"] = harvest[\"trees\"] * y\n"
             "harvest"));
    add(n, CELL_PYTHON,
        SPAN("import plotly.graph_objects as go\n"
             "\n"
             "go.Figure(\n"
             "    go.Bar(x=harvest[\"orchard\"], y=harvest[\"kilograms\"]),\n"
             "    layout={\"title\": \"Harvest by orchard\"},\n"
             ")"));
    add(n, CELL_PYTHON,
        SPAN("import altair as alt\n"
             "\n"
             "alt.Chart(harvest).mark_circle(size=160).encode(\n"
             "    x=\"trees\", y=\"kilograms\", color=\"orchard\"\n"
             ")"));
    return n;
}
