"""Serves the built book on loopback and opens it in headless Chromium, which reaches nothing else.

Run by ``make browser-test``; ``make test`` leaves it out, because it needs a browser and the built pages.
"""

import gzip
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.pages import HTML, PAGES, Opened
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
TEXT = {".html", ".css", ".js", ".json", ".svg", ".csv", ".txt", ".ipynb"}
weights: dict[str, int] = {}


class Handler(SimpleHTTPRequestHandler):
    """Serves files as a web server for static pages does: text is compressed."""

    def do_GET(self):
        if self.path == "/favicon.ico":  # browsers ask for it of their own accord
            self.send_response(204)
            self.end_headers()
            return
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if path.suffix in TEXT:
            content = gzip.compress(content, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    found = [path for path in map(shutil.which, BROWSERS) if path]
    if not found:
        pytest.exit(f"one of these browsers is needed: {', '.join(BROWSERS)}", returncode=2)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=PAGES)
def opened(request, browser, address):
    """One page, opened in a context of its own, whose cache is empty."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = Opened(context, address, request.param)
    weights[request.param] = page.weight
    yield page
    context.close()


def pytest_terminal_summary(terminalreporter):
    if weights:
        terminalreporter.section("page weights over the wire, shared scripts included once")
        for page, weight in sorted(weights.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{weight / 1e6:6.2f} MB  {page}")
