"""Pages of a run that open in any browser without a network: each notebook's, and an index."""

import base64
import re
from pathlib import Path

from jinja2 import DictLoader, Environment
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from cifar10_cnn.course.summary import Summary

# JupyterLab's template without what it fetches from elsewhere (scripts for old widgets, formulas
# and diagrams), and with each figure's alt text, which it leaves out.
_NOTEBOOK = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block data_png scoped %}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | replace('\\n', '') }}"
 alt="{{ output.metadata.get('image/png', {}).get('alt', '') | escape_html }}">
</div>
{%- endblock -%}
"""
_INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>CIFAR-10 course, profile {{ run.profile }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { padding: .25rem 1rem .25rem 0; text-align: left; }
tr { border-bottom: 1px solid #ccc; } pre { background: #f4f4f4; padding: .5rem; overflow: auto; }
figure { margin: 2rem 0; } img { max-width: 100%; height: auto; }
</style></head><body>
<h1>CIFAR-10 course, profile {{ run.profile }}</h1>
<table><tr><th>notebook</th><th>status</th><th>time</th></tr>
{% for name, status, time in run.rows() -%}
<tr><td>{% if name in run.notebooks %}<a href="{{ name }}.html">{{ name }}</a>
(<a href="{{ name }}.ipynb">notebook</a>){% else %}{{ name }}{% endif %}</td>
<td>{{ status }}</td><td>{{ time }}</td></tr>
{% endfor %}</table>
{% for record in run.notebooks.values() if record.error %}<pre>{{ record.error }}</pre>{% endfor %}
<dl>{% for name, value in run.facts().items() %}<dt><b>{{ name }}</b></dt><dd>{{ value }}</dd>
{% endfor %}</dl>
{% for _, record in run.notebooks | dictsort %}{% for name, alt in record.figures.items() -%}
<figure><img src="figures/{{ name }}.png" alt="{{ alt }}" loading="lazy">
<figcaption>{{ name }}: {{ alt }}</figcaption></figure>
{% endfor %}{% endfor %}</body></html>
"""


def notebook_page(notebook: NotebookNode, name: str, folder: Path) -> str:
    """Return an executed notebook as one HTML page that fetches nothing.

    Its title is ``name``; images named in its text are looked for in ``folder``.
    """
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"course.html.j2": _NOTEBOOK})],
        template_file="course.html.j2",
        embed_images=True,
    )
    resources = {"metadata": {"name": name, "path": str(folder)}}
    page, _ = exporter.from_notebook_node(notebook, resources)
    # The next notebook's page, not its source.
    return re.sub(r'(href="\d\d_\w+)\.ipynb', r"\1.html", page)


def figures_of(notebook: NotebookNode) -> dict[str, tuple[bytes, str]]:
    """Return the figures that a notebook shows with `plots.show`: name → (PNG file, alt text)."""
    figures = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("figure", {}).get("name")
            if re.fullmatch(r"[\w-]+", name or "") and "image/png" in output.get("data", {}):
                png = base64.b64decode(output.data["image/png"])
                figures[name] = (png, output.metadata.get("image/png", {}).get("alt", ""))
    return figures


def index_page(summary: Summary) -> str:
    """Return the page that links all others of a run, with its table and figures."""
    return Environment(autoescape=True).from_string(_INDEX).render(run=summary)
