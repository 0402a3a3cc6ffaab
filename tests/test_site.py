"""The site, as it was built: whole without a network, without a broken link, usable by everyone.

    sphinx-build -W -b html docs docs/_build/html
    pytest tests/test_site.py            # some pages in the browser
    pytest tests/test_site.py -m slow    # all of them

The browser's tests need Chromium and its driver, and axe-core (npm install --no-save axe-core).
Without them, or without a built site, they say so and skip. HH_SDE_SITE is another folder of pages.
"""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browsing import chromium, complaints, prefer, requests, served, set_width

ROOT = Path(__file__).parents[1]
SITE = Path(os.environ.get("HH_SDE_SITE", ROOT / "docs" / "_build" / "html"))
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
NARROW, WIDE = 400, 1400
#: One of each kind: first page, tables, formulas, executed cells, API, gallery, Dataset.
SOME = (
    "index", "howto", "schemes", "sigma", "own_sde", "validation", "gallery/index",
    "gallery/2_noise/noise_cloud", "search", "schema",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the site is not built: see the head of this file"
)


def pages() -> list[str]:
    """Every page, by its path without the ending."""
    found = (path.relative_to(SITE).with_suffix("") for path in SITE.rglob("*.html"))
    return sorted(path.as_posix() for path in found if "_static" not in path.parts)


PAGES = [pytest.param(page, marks=[] if page in SOME else [pytest.mark.slow]) for page in pages()]


class Page(HTMLParser):
    """What a page refers to, and how its pictures are described."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loaded, self.anchors, self.pictures = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append((given.get("src", ""), given.get("alt")))
        loads = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
        if tag in loads and given.get(loads[tag]) and given.get("rel") != "canonical":
            self.loaded.append(given[loads[tag]])


@pytest.fixture(scope="module")
def parsed():
    return {page: Page(SITE / f"{page}.html") for page in pages()}


def test_nothing_is_loaded_from_elsewhere(parsed):
    outside = [
        (page, address)
        for page, one in parsed.items()
        for address in one.loaded
        if urlsplit(address).netloc
    ]
    assert not outside


def test_style_sheets_load_nothing_from_elsewhere():
    for path in SITE.rglob("*.css"):
        text = path.read_text(encoding="utf-8").replace(" ", "")
        for opening in ("url(http", "url('http", 'url("http', "@import'http", '@import"http'):
            assert opening not in text, path


def test_every_link_leads_somewhere(parsed):
    broken = []
    for page, one in parsed.items():
        folder = (SITE / page).parent
        for address in (*one.links, *one.loaded):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            path = (folder / unquote(parts.path)).resolve() if parts.path else SITE / f"{page}.html"
            if not path.exists():
                broken.append((page, address))
            elif parts.fragment and path.suffix == ".html":
                target = path.relative_to(SITE.resolve() if parts.path else SITE)
                anchors = parsed[target.with_suffix("").as_posix()].anchors
                if unquote(parts.fragment) not in anchors and parts.fragment != "top":
                    broken.append((page, address))
    assert not broken


def test_every_picture_is_described(parsed):
    bare = [
        (page, source)
        for page, one in parsed.items()
        for source, alt in one.pictures
        if not re.search(r"favicon\.svg$|_thumb\.", source)  # with their words beside them
        and (not alt or alt.endswith((".png", ".svg")) or len(alt.split()) < 3)
    ]
    assert not bare


@pytest.fixture(scope="module")
def site():
    with served(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def opened(browser, site, page, width, scheme="light"):
    """Open a page and wait until its formulas are set."""
    set_width(browser, width)
    prefer(browser, scheme)
    browser.get(f"{site}/{page}.html")
    browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "const still = document.createElement('style');"  # colours on their way are no colours
        "still.textContent = '* { transition: none !important; animation: none !important }';"
        "document.head.append(still);"
        "document.querySelectorAll('img[loading=lazy]').forEach(img => img.loading = 'eager');"
        "const set = window.MathJax && MathJax.startup ? MathJax.startup.promise : null;"
        "Promise.resolve(set).then(() => setTimeout(done, 50));"
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_browser(browser, site, page):
    for width in (NARROW, WIDE):
        opened(browser, site, page, width)
        assert not complaints(browser)
        outside = [one for one in requests(browser) if not one.startswith((site, "data:", "blob:"))]
        assert not outside
        root = "document.documentElement"
        over = browser.execute_script(f"return {root}.scrollWidth - {root}.clientWidth")
        assert over <= 0, f"{over} pixels wider than a screen of {width}"
        lost = browser.execute_script(
            "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        assert not lost


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible(browser, site, page):
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm install --no-save axe-core)")
    for scheme, width in (("light", WIDE), ("dark", NARROW)):
        opened(browser, site, page, width, scheme)
        theme = browser.execute_script("return document.documentElement.dataset.theme")
        assert theme == scheme
        browser.execute_script(AXE.read_text(encoding="utf-8"))
        found = browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']})"
            ".then(found => done(found.violations));"
        )
        serious = [
            (one["id"], one["help"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert not serious, json.dumps(serious, indent=1)
