"""The built pages: which there are, what is in their sources, and one of them opened in a browser."""

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("ANDERSON_NESS_ROOT", Path(__file__).parents[2]))
HTML = ROOT / "_build" / "html"
if not (HTML / "index.html").is_file():
    pytest.exit("there are no pages to look at in _build/html: run make book first", returncode=2)
FILES = sorted(path.relative_to(HTML).as_posix() for path in [*HTML.glob("*.html"), *HTML.glob("book/*.html")])
PAGES = [file for file in FILES if file != "index.html"]  # that one leads to the introduction

# Everything that is to have happened before a page counts as shown.
READY = """async () => {
    await document.fonts.ready;
    if (window.MathJax?.startup) await MathJax.startup.promise;
    for (const image of document.images) image.loading = "eager";
    await Promise.allSettled([...document.images].map(image => image.decode()));
    const figures = [...document.querySelectorAll(".interactive-figure")];
    const shown = figure => figure.querySelector("[data-root-id], .bk-Column, div[id^=interactive] > *");
    for (let i = 0; i < 100 && !figures.every(shown); i++) await new Promise(go => setTimeout(go, 50));
}"""


class Source(HTMLParser):
    """Where the links of a page lead to, and what they may lead to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.links.add(attributes["href"])


@cache
def source(page):
    return Source((HTML / page).read_text(encoding="utf-8"))


class Opened:
    """A page in a browser that can reach the server of the built pages and nothing else."""

    def __init__(self, context, address, name):
        self.name, self.errors, self.outside, self.failed, self.weight = name, [], [], [], 0
        self.tab = context.new_page()
        self.tab.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("request", lambda request: self._note(request.url, address))
        self.tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab.on("response", lambda response: self.failed.append(response.url) if response.status >= 400 else None)
        wire = context.new_cdp_session(self.tab)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", self._weigh)
        self.tab.goto(f"{address}/{name}", wait_until="load", timeout=120_000)
        self.tab.evaluate(READY)

    def _note(self, url, address):
        if not url.startswith((f"{address}/", "data:", "blob:")):
            self.outside.append(url)

    def _weigh(self, event):
        self.weight += int(event["encodedDataLength"])
