"""A matplotlib figure as SVG within a page: text as text, colours of the page, no ids twice."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as Tree
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import MissingExtraError
from mnist_edge.report import style

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

# What each colour of a figure is called in the page, whose style sheet knows light and dark.
COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    style.INK.lower(): "currentColor",
    style.FAINT.lower(): "var(--quiet)",
    style.PALE.lower(): "var(--line)",
    style.BLUE.lower(): "var(--blue)",
    style.ORANGE.lower(): "var(--orange)",
    style.GREEN.lower(): "var(--green)",
    style.RED.lower(): "var(--red)",
    "#56b4e9": "var(--sky)",
    "#cc79a7": "var(--pink)",
}
# The style of every picture, but for what a picture within text needs: its words stay words, in the
# fonts of the page; they are as large as the words around them; panels have their titles alone.
SETTINGS: dict[str, Any] = {
    **style.LOOK,
    "svg.fonttype": "none", "svg.hashsalt": "mnist-edge", "text.parse_math": False,
    "font.size": style.TEXT + 1, "axes.titlesize": style.TEXT + 1, "axes.titleweight": "bold",
    "xtick.labelsize": style.TEXT, "ytick.labelsize": style.TEXT, "legend.fontsize": style.TEXT,
}  # fmt: skip
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_REFERRED = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(?P<weight>bold|\d00)? ?(?P<size>[\d.]+)px")


@contextmanager
def drawing() -> Iterator[None]:
    """Have matplotlib draw as pages need it, whatever is set on this machine.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context, rcdefaults
    except ImportError:
        raise MissingExtraError("matplotlib", "report") from None
    with rc_context():
        rcdefaults()
        with rc_context(SETTINGS):  # type: ignore[arg-type]
            yield


def inline(figure: Any, key: str) -> str:
    """Return a figure, drawn within `drawing`, as an <svg> element to stand in a page.

    Args:
        figure: of matplotlib.
        key: what its ids begin with: another for each figure of a page.
    """
    for each in (figure, *figure.axes):
        each.patch.set_visible(False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = Tree.fromstring(buffer.getvalue())  # noqa: S314 - it was just made
    _strip(root)
    referred = set(_REFERRED.findall(Tree.tostring(root, "unicode")))
    for element in root.iter():
        _rewrite(element, key, referred)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib.clear()
    root.attrib |= {"viewBox": f"0 0 {width} {height}", "aria-hidden": "true", "focusable": "false"}
    text = Tree.tostring(root, "unicode")
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)


def _strip(root: Tree.Element) -> None:
    """Take out what is of a file and not of a picture, and make names plain."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        element.tail = None
        if element.tag != "text":
            element.text = None
        link = element.attrib.pop(f"{{{LINK}}}href", None)
        if link is not None:
            element.attrib["href"] = link


def _rewrite(element: Tree.Element, key: str, referred: set[str]) -> None:
    """Give an element the page's colours and fonts, shorter numbers, and an id of this figure."""
    attributes = element.attrib
    name = attributes.pop("id", None)
    if name is not None and (name in referred or element.tag in ("path", "use", "clipPath")):
        attributes["id"] = f"{key}-{name}"
    if "href" in attributes:
        attributes["href"] = f"#{key}-{attributes['href'].removeprefix('#')}"
    for attribute, value in attributes.items():
        if attribute in ("id", "href"):
            continue
        value = _REFERRED.sub(rf"url(#{key}-\1)", value)
        if attribute == "style":
            parts = (_declaration(each.strip()) for each in value.split(";"))
            value = "; ".join(filter(None, parts))
        attributes[attribute] = _NUMBER.sub(_short, value)


def _declaration(text: str) -> str:
    """Return a declaration of style: fonts are the page's but for size, colours have names."""
    name, _, value = text.partition(":")
    if name == "font-family":
        return ""
    if name == "font":
        found = _FONT.search(value)
        assert found is not None, value  # noqa: S101 - matplotlib always says a size
        weight = f"; font-weight: {found['weight']}" if found["weight"] else ""
        return f"font-size: {found['size']}px{weight}"
    return _COLOUR.sub(lambda found: COLOURS.get(found[0].lower(), found[0]), text)


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
