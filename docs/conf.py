"""How the site is built: Sphinx, MyST, Furo; `nox -s docs` from the repository's root."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.transforms import SphinxTransform

import aiowatchtower

if TYPE_CHECKING:
    from sphinx import addnodes
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent

project = "aiowatchtower"
author = "the aiowatchtower contributors"
project_copyright = author
version = release = aiowatchtower.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
default_role = "code"

html_theme = "furo"
html_title = f"aiowatchtower {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
# Each heading down to this level can be linked to, as on GitHub.
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

copybutton_exclude = ".linenos, .gp, .go"

# Other projects' inventories need a network, which a build machine may lack: only the hosted build links
# to them. Every other build leaves these names as text, and still refuses a wrong name of ours.
nitpicky = True
intersphinx_mapping: dict[str, tuple[str, None]] = {}
if os.environ.get("READTHEDOCS"):
    intersphinx_mapping = {"python": ("https://docs.python.org/3", None)}
_STANDARD_LIBRARY = [
    "Any",
    "BaseException",
    "Callable",
    "ContextManager",
    "Exception",
    "Formatter",
    "Iterable",
    "Iterator",
    "Literal",
    "LogRecord",
    "Logger",
    "Mapping",
    "NamedTuple",
    "None",
    "Path",
    "RuntimeError",
    "Self",
    "Sequence",
    "TimeoutError",
    "TracebackType",
    "TypeError",
    "Unpack",
    "ValueError",
    "bool",
    "bytes",
    "datetime",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "optional",
    "set",
    "str",
    "timedelta",
    "tuple",
]
# Parts of annotations that are no names, and types that tests meet but never write.
_UNNAMED = [
    r"Callable\[\[\]",
    r"Mapping\[str",
    "Options",
    "InMemoryClient",
    "Garbage",
    "_Planned",
    r"aiowatchtower\.testing\._types\.Keyring",
    r"aiowatchtower\.asgi\.ASGIApplication",
]
_ELSEWHERE = r"(logging|datetime|collections|typing|pytest|os|asyncio|types|aiobotocore)\..*"
nitpick_ignore_regex = [("py:.*", "|".join([*_STANDARD_LIBRARY, *_UNNAMED, _ELSEWHERE]))]

# Annotations name these without their module.
_TYPES = ("RetentionDays", "LogGroupClass", "LevelName", "RejectReason", "DropReason")


def _link_type(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    """Link an annotation's type of ours to where the API reference describes it."""
    name = node.get("reftarget")
    if name not in _TYPES:
        return None
    found = env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "class", f"aiowatchtower.types.{name}", node, shown
    )
    return found if isinstance(found, nodes.reference) else None


_COLON = "\ue000"
_PICTURES = HERE / "_pictures"
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", re.DOTALL)


class PicturesInBothThemes(SphinxTransform):
    """Show each drawing of ours light on a light page and dark on a dark one.

    A drawing follows the reader's system, which is right for a README. A page of this site has a
    switch of its own, so it gets one copy for each theme, and Furo hides the other one.
    """

    default_priority = 200

    def apply(self, **_: object) -> None:
        """Replace each image of an SVG file by its two copies."""
        for image in list(self.document.findall(nodes.image)):
            if not image["uri"].endswith(".svg"):
                continue
            source = (Path(self.env.doc2path(self.env.docname)).parent / image["uri"]).resolve()
            both: list[nodes.Node] = []
            for theme, text in _themed(source.read_text(encoding="utf-8")):
                copy = _PICTURES / f"{source.stem}-{theme}.svg"
                copy.parent.mkdir(exist_ok=True)
                if not copy.exists() or copy.read_text(encoding="utf-8") != text:
                    copy.write_text(text, encoding="utf-8")
                shown = image.deepcopy()
                shown["uri"] = f"/{copy.relative_to(HERE).as_posix()}"
                shown["classes"] = [*image["classes"], f"only-{theme}"]
                both.append(shown)
            self.env.note_dependency(str(source))
            image.replace_self(both)


def _themed(svg: str) -> list[tuple[str, str]]:
    return [
        ("light", _DARK.sub("", svg)),
        ("dark", _DARK.sub(lambda match: match[1], svg)),
    ]


def _hide_colons(
    _app: Sphinx, what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Keep napoleon from reading "Some words: some more" in an attribute's docstring as a type."""
    if what == "module":
        # The page says it in its own words.
        lines.clear()
    elif what in {"attribute", "property"}:
        lines[:] = [line.replace(":", _COLON) for line in lines]


def _show_colons(
    _app: Sphinx, _what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def setup(app: Sphinx) -> None:
    """Add what only this site needs."""
    # Before and after napoleon, which comes at 500.
    app.connect("autodoc-process-docstring", _hide_colons, priority=400)
    app.connect("autodoc-process-docstring", _show_colons, priority=600)
    app.connect("missing-reference", _link_type)
    app.add_transform(PicturesInBothThemes)
