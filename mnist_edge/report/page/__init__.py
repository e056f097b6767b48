"""A bundle as one page: HTML that needs nothing beside it, or Markdown for a model card.

material = gather(bundle, test_images)     # reads the records, runs the models
write_file(path, html(material))           # or markdown(material)
"""

from mnist_edge.report.page.card import markdown
from mnist_edge.report.page.material import Material, gather
from mnist_edge.report.page.render import check_packages, html
from mnist_edge.report.page.sections import Missing, missing

__all__ = [
    "Material",
    "Missing",
    "check_packages",
    "gather",
    "html",
    "markdown",
    "missing",
]
