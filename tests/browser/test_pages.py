"""Every page of the built book, as a reader without a network sees it."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from browser.pages import HTML, source

LARGEST_PAGE = 3_000_000
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

FORMULAS = """() => {
    const all = [...document.querySelectorAll("span.math, div.math")];
    return {
        missing: all.filter(one => !one.querySelector("mjx-container")).map(one => one.textContent),
        wrong: [...document.querySelectorAll("mjx-merror")].map(one => one.textContent),
        flat: all.filter(one => one.offsetParent)
            .filter(one => one.querySelector("mjx-container")?.getBoundingClientRect().height < 3)
            .map(one => one.textContent),
        fonts: [...document.fonts].filter(font => font.status === "error").map(font => font.family),
    };
}"""
IMAGES = """() => [...document.querySelectorAll(".bd-article img")].map(image => ({
    address: image.getAttribute("src").slice(0, 80), width: image.naturalWidth, alt: image.alt
}))"""
# What sticks out of the page: elements beyond the right edge that no ancestor lets scroll.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = one => one.parentElement &&
        (getComputedStyle(one.parentElement).overflowX !== "visible" || scrolls(one.parentElement));
    return [...document.querySelectorAll("main.bd-main *")]
        .filter(one => one.getBoundingClientRect().right > width + 1 && !scrolls(one))
        .map(one => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`).slice(0, 8)
        .concat([`page ${document.documentElement.scrollWidth} px wide`]);
}"""
SMALL_TEXT = """() => [...document.querySelectorAll(".bd-article p, .bd-article li, .bd-article td")]
    .filter(one => one.offsetParent && parseFloat(getComputedStyle(one).fontSize) < 13)
    .map(one => one.textContent.slice(0, 40))"""
# Text whose contrast with what lies behind it is below the 4.5 that accessibility guidelines ask for.
PALE = """() => {
    const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = colour => {
        probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = one => {
        for (let at = one; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255, 255];
    };
    const wanted = "p, li, td, th, h1, h2, h3, figcaption span, code, a, mjx-container, .interactive-figure div";
    return [...document.querySelectorAll(".bd-article")].flatMap(article => [...article.querySelectorAll(wanted)])
        .filter(one => one.offsetParent && one.textContent.trim() && !one.matches(".headerlink"))
        .map(one => {
            const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one];
        })
        .filter(([ratio]) => ratio < 4.5)
        .map(([ratio, one]) => `${one.tagName} ${ratio.toFixed(1)}: ${one.textContent.trim().slice(0, 40)}`);
}"""
# All numbers that the plots of the page show at present.
PLOTTED = """() => JSON.stringify(Bokeh.documents.flatMap(doc => [...doc._all_models.values()])
    .filter(model => model.type === "ColumnDataSource")
    .map(model => Object.entries(model.data).map(([name, values]) => [name, Array.from(values).map(String)])))"""


def test_nothing_goes_wrong(opened):
    assert opened.errors == []
    assert opened.failed == []


def test_nothing_comes_from_elsewhere(opened):
    assert opened.outside == []


def test_formulas_are_rendered(opened):
    assert opened.tab.evaluate(FORMULAS) == {"missing": [], "wrong": [], "flat": [], "fonts": []}


def test_figures_are_loaded_and_described(opened):
    images = opened.tab.evaluate(IMAGES)
    assert [image for image in images if not image["width"] or not image["alt"]] == []


def test_internal_links_lead_somewhere(opened):
    here = PurePosixPath(opened.name)
    internal = [link for link in source(opened.name).links if not (urlsplit(link).scheme or urlsplit(link).netloc)]
    assert [link for link in internal if not leads_somewhere(here, link)] == []


def leads_somewhere(here, link):
    """Whether a link's file is in the site and, if the link names a place in a page, the place is there."""
    parts, top = urlsplit(link), HTML.resolve()
    target = (top / here.parent / unquote(parts.path)).resolve() if parts.path else top / here
    if not target.is_relative_to(top) or not target.is_file():
        return False
    if not parts.fragment or target.suffix != ".html":
        return True
    return unquote(parts.fragment) in source(target.relative_to(top).as_posix()).ids


def test_page_is_light(opened):
    assert 0 < opened.weight < LARGEST_PAGE


def test_readable_on_a_phone(opened):
    opened.tab.set_viewport_size(PHONE)
    try:
        opened.tab.wait_for_timeout(300)
        assert opened.tab.evaluate(TOO_WIDE) == []
        assert opened.tab.evaluate(SMALL_TEXT) == []
    finally:
        opened.tab.set_viewport_size(DESK)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable_by_day_and_night(opened, scheme):
    opened.tab.emulate_media(color_scheme=scheme)
    opened.tab.wait_for_timeout(300)
    if opened.tab.locator("html[data-theme]").count():
        assert opened.tab.locator("html").get_attribute("data-theme") == scheme
    assert opened.tab.evaluate(PALE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_menus_of_figures_can_be_read(opened, scheme):
    opened.tab.emulate_media(color_scheme=scheme)
    opened.tab.wait_for_timeout(300)
    colours = "all => all.map(one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor])"
    menus = opened.tab.locator(".interactive-figure select").evaluate_all(colours)
    assert [menu for menu in menus if menu[0] == menu[1]] == []


def test_sliders_move_curves(opened):
    handles = opened.tab.locator(".interactive-figure .noUi-handle")
    figures = opened.tab.locator(".interactive-figure").count()
    assert handles.count() >= figures
    for i in range(handles.count()):
        handle = handles.nth(i)
        handle.scroll_into_view_if_needed()
        before, picture = opened.tab.evaluate(PLOTTED), opened.tab.screenshot()
        handle.focus()
        at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        opened.tab.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
        opened.tab.wait_for_timeout(300)
        assert opened.tab.evaluate(PLOTTED) != before, f"slider {i} changes no curve"
        assert opened.tab.screenshot() != picture, f"slider {i} changes nothing that is to be seen"
    assert opened.errors == []


def test_the_site_opens_with_the_introduction(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/")
    tab.wait_for_url("**/book/intro.html")
    tab.close()
