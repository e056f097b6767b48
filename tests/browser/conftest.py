"""Reports in a real browser: the system's Chromium, without a network."""

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from mnist_edge.bundle import read_bundle
from mnist_edge.data import load
from mnist_edge.report.pad import fragment
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


EVIL = "<img src=x onerror=\"document.title = 'run'\"><script>document.title = 'run'</script>"
ODD = ("a class with quite a long name", "Aufmerksamkeitsdefizitstoerungszeichen", EVIL, "a&b")


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """Reports as files, by name: of shipped bundles, and of one whose names are odd."""
    folder, test, found = tmp_path_factory.mktemp("reports"), load("mnist").test, {}
    shutil.copytree(ROOT / "artifacts" / "nano", folder / "odd")
    path = folder / "odd" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    name = f"odd {EVIL}".replace("/", "")  # files are called after it
    changed = {**manifest, "name": name, "labels": [*ODD, *"456789"]}
    path.write_text(json.dumps(changed), encoding="utf-8")
    (folder / "odd" / "audit.json").unlink()
    places = {name: ROOT / "artifacts" / name for name in ("edge", "nano")}
    for name, place in {**places, "odd": folder / "odd"}.items():
        found[name] = folder / f"{name}.html"
        bundle = read_bundle(place)
        text = html(gather(bundle, test), fragment(bundle))
        found[name].write_text(text, encoding="utf-8")
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
