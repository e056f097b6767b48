"""Links of the pages lead somewhere: files, and headings by GitHub's rules for anchors."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "tools").rglob("*.md"),
    ROOT / "artifacts" / "README.md",
]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")
MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[`*]")


def prose(page):
    """A page without its blocks of code."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = []
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", prose(page), re.MULTILINE):
        words = MARKUP.sub(r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(other == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", other) is not None
                    for other in found)  # fmt: skip
        found.append(f"{anchor}-{again}" if again else anchor)
    return found


def broken(page):
    """The links of a page that lead nowhere, with why."""
    found = []
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" in link or link.startswith("mailto:"):
            parts = urlsplit(link)
            if parts.scheme != "https" or "." not in parts.netloc:
                found.append(f"{link}: wanted https://host/...")
        elif not target.exists():
            found.append(f"{link}: no such file")
        elif not target.is_relative_to(ROOT):
            found.append(f"{link}: not of this repository")
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
            found.append(f"{link}: no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page):
    assert broken(page) == []


def test_what_leads_nowhere_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "b.md").write_text("# Where it is: `here`, *now*\n\n## Again\n\n## Again\n")
    page = tmp_path / "a.md"
    page.write_text(
        "# Top\n[a](b.md#where-it-is-here-now) [b](b.md#again-1) [c](#top) [d](https://a.org/b)\n"
        "[e](c.md) [f](b.md#again-2) [g](#bottom) [h](http://a.org) ![i](../x.png)\n"
        "```\n[j](in-code.md)\n```\n"
    )
    assert [each.partition(":")[0] for each in broken(page)] == [
        "c.md", "b.md#again-2", "#bottom", "http", "../x.png",
    ]  # fmt: skip


def test_every_page_of_docs_is_named_in_the_readme():
    linked = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked
