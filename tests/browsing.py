"""Headless Chromium on a folder of pages, and what it saw."""

import contextlib
import functools
import http.server
import json
import shutil
import tempfile
import threading
from pathlib import Path

import pytest

#: Without these Chromium asks hosts of its own for things.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, format, *args):
        pass


@contextlib.contextmanager
def served(folder: Path):
    """The address of a folder, as long as it is served."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def chromium():
    """A browser that keeps what was logged and asked for; skips, with the reason, without one."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("Chromium or its driver is not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            browser.set_script_timeout(300)  # the longest page has some thousand formulas
            browser.get("about:blank")
            complaints(browser), requests(browser)  # those of the page that it begins with
            yield browser
        finally:
            browser.quit()


def set_width(browser, width: int, height: int = 900) -> None:
    """Show pages as on a screen so wide, in pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(browser, scheme: str) -> None:
    """Prefer light or dark pages."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def complaints(browser) -> list[str]:
    """What was logged since the last call, warnings and errors."""
    logged = browser.get_log("browser")
    return [one["message"] for one in logged if one["level"] in ("WARNING", "SEVERE")]


def requests(browser) -> list[str]:
    """The addresses that were asked for since the last call."""
    messages = (json.loads(one["message"])["message"] for one in browser.get_log("performance"))
    return [
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    ]
