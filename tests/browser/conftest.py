"""Reports in a real browser: the system's Chromium, without a network."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from mnist_edge.bundle import read_bundle
from mnist_edge.data import load
from mnist_edge.report.page import gather, html

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
ALONE = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"no Chromium on the PATH ({', '.join(NAMES)}): apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(ALONE))
        yield found
        found.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """The reports of the shipped bundles as files, by name."""
    folder, test, found = tmp_path_factory.mktemp("reports"), load("mnist").test, {}
    for name in ("edge", "nano"):
        found[name] = folder / f"{name}.html"
        material = gather(read_bundle(ROOT / "artifacts" / name), test)
        found[name].write_text(html(material), encoding="utf-8")
    return found


@pytest.fixture
def visit(browser):
    """Opens a file: `visit(path, width, scheme)`; nothing but it may be asked for or go wrong."""
    contexts, faults = [], []

    def open_page(path, width=1280, scheme="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url)
                if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
