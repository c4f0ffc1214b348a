"""The page of a run in a browser, as whoever reads the evidence sees it: from a file, on any screen, by any means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.notebooks.conftest import CommandLine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a run that passed and of one that failed, each on a sandbox of its own."""
    found = {}
    for verdict, arguments in {"passed": [], "failed": ["01", "--target", "guarded"]}.items():
        ops = CommandLine(tmp_path_factory.mktemp(verdict))
        ops.finish(ops.start("run", *arguments))
        (found[verdict],) = (ops.folder / "runs").glob("*/index.html")
    return found


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """What the reader's system prefers."""
    return str(request.param)


@pytest.fixture(params=[400, 1600])
def page(browser: Browser, scheme: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab of this width, in pixels."""
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": request.param, "height": 1000}}
    with browser.new_context(**options) as context:
        yield context.new_page()


@pytest.mark.parametrize("verdict", ["passed", "failed"])
def test_it_is_readable(page: Page, runs: dict[str, Path], verdict: str) -> None:
    """Nothing sticks out at the side, and axe finds no serious fault, with all that is folded unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    page.goto(runs[verdict].as_uri())
    assert verdict == page.locator("h1 span").inner_text()
    page.evaluate(OPEN)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    faults = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in ("serious", "critical")]
    assert [] == [(fault["id"], node["html"]) for fault in faults for node in fault["nodes"]]


def test_it_opens_offline(browser: Browser, runs: dict[str, Path]) -> None:
    """The page is one file, and asks nobody for anything."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            route.abort()

    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.route("**/*", refuse)
        page.goto(runs["passed"].as_uri())
        page.evaluate(OPEN)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("[...document.images].length && [...document.images].every(image => image.naturalWidth > 0)")
    assert [runs["passed"].as_uri()] == [url for url in asked if not url.startswith("data:")]


def test_its_links_lead_somewhere(browser: Browser, runs: dict[str, Path]) -> None:
    """Each into the page, where it unfolds the notebook."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(runs["passed"].as_uri())
        links = page.locator("a[href]")
        for index in range(links.count()):
            target = page.locator(f"[id='{(links.nth(index).get_attribute('href') or '').removeprefix('#')}']")
            assert not target.is_visible()
            links.nth(index).click()
            target.wait_for()
        assert links.count() >= 7
