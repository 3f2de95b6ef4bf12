"""Estimators, files and a browser for the tests of the report."""

import os
import shutil
import time
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from sklearn.cluster import KMeans
from tiny import tiny

from skdeepclust import DCEC

HOSTILE = "<img src=x onerror=document.title='hacked'>.png"
NAMES = [HOSTILE, "=1+1.png", "Bildgröße 日本.png", 'quote",comma.png', "</script>.png"]


@pytest.fixture(scope="session")
def dcec(digits):
    return tiny(DCEC, pretrain_epochs=10, max_iter=60).fit(digits[0])


@pytest.fixture(scope="session")
def files(digits, tmp_path_factory):
    """A file per digit in two folders, some with odd names."""
    folder = tmp_path_factory.mktemp("digits")
    paths = []
    for i, row in enumerate(digits[0]):
        name = NAMES[i] if i < len(NAMES) else f"digit {i}.png"
        path = folder / ("a b" if i % 2 else "") / name  # one makes a folder "<"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((255 * row.reshape(8, 8)).astype(np.uint8)).save(path)
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def kmeans(blobs):
    return KMeans(3, random_state=0).fit(blobs[0])


def _missing():
    """Why there is no browser, or None."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return 'selenium is not installed: pip install "skdeepclust[browser]"'
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"{program} is not installed: apt-get install chromium-driver"
    return None


@pytest.fixture(scope="session")
def _browser(tmp_path_factory):
    reason = _missing()
    if reason is not None:
        if os.environ.get("SKDEEPCLUST_BROWSER_TESTS") == "required":
            pytest.fail(f"The tests in a browser are required, but {reason}")
        pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.add_argument("--hide-scrollbars")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior",
        {"behavior": "allow", "downloadPath": str(downloads)},
    )
    driver.downloads = downloads
    yield driver
    driver.quit()


class Page:
    """A report in the browser.

    Parameters
    ----------
    driver : selenium.webdriver.Chrome
        The browser.
    path : Path
        The report.
    """

    def __init__(self, driver, path):
        self.driver = driver
        self.path = path
        self.load()
        self.data = self.js(
            "return JSON.parse(document.getElementById('data').textContent)"
        )

    def load(self):
        """Load the page, and wait until it is ready."""
        self.driver.get(self.path.as_uri())
        self.wait("return document.documentElement.dataset.ready === 'true'")
        self.settle()

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, seconds=20):
        """Wait until a script returns something true, and return it."""
        end = time.monotonic() + seconds
        while not (found := self.js(script)):
            assert time.monotonic() < end, script
            time.sleep(0.02)
        return found

    def settle(self):
        """Wait for the next two frames."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def card(self, cluster, selector=""):
        return self.one(f".card[data-cluster='{cluster}'] {selector}".strip())

    def click(self, selector):
        """Click, wherever the element is."""
        self.js("arguments[0].click()", self.one(selector))
        self.settle()

    def choose(self, selector, value):
        """Choose an entry of a list."""
        self.js(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
            self.one(selector),
            str(value),
        )
        self.settle()

    def keys(self, *keys):
        """Press keys, wherever the focus is."""
        self.actions().send_keys(*keys).perform()
        self.settle()

    def actions(self):
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.driver, duration=10)

    def places(self):
        """Where the shown samples are in the map, in pixels from its centre."""
        points = np.array(self.data["points"], dtype=float).reshape(-1, 2) * [1, -1]
        low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1)
        size = self.js(
            "const box = document.getElementById('overlay').getBoundingClientRect();"
            "return [box.width, box.height]"
        )
        scale = ((np.array(size) - 52) / span).min()
        return (points - low - span / 2) * scale

    def lasso(self, corners):
        """Draw a lasso, by the corners in pixels from the centre of the map."""
        corners = np.round(corners).astype(int).tolist()
        actions = self.actions().move_to_element_with_offset(
            self.one("#overlay"), *corners[0]
        )
        actions.click_and_hold()
        for before, after in pairwise(corners):
            actions.move_by_offset(after[0] - before[0], after[1] - before[1])
        actions.release().perform()
        self.settle()

    def selected(self):
        """Number of selected samples."""
        bold = self.all("#tray b")
        texts = [each.text for each in bold if "selected" in each.text]
        return int(texts[0].split()[0].replace(",", "")) if texts else 0

    def status(self):
        return self.one("#status").text

    def export(self, button, name):
        """Download a file of the page, and return its path."""
        file = self.driver.downloads / name
        file.unlink(missing_ok=True)
        self.click(button)
        end = time.monotonic() + 20
        while not file.exists():
            assert time.monotonic() < end, f"{name} was not downloaded"
            time.sleep(0.02)
        return file

    def errors(self):
        """What the browser has complained of."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def screen(self, width, height=1000, dark=False):
        """Set the size of the window, and light or dark colours."""
        _set_screen(self.driver, width, height, dark)
        self.settle()


def _set_screen(driver, width, height, dark=False):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {**metrics, "mobile": False}
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


@pytest.fixture
def open_page(_browser):
    """A function that opens a report, without the edits of earlier tests."""
    _set_screen(_browser, 1400, 1000)
    _browser.get_log("browser")

    def opened(path):
        page = Page(_browser, path)
        page.js("localStorage.clear()")
        page.load()
        return page

    yield opened
    _browser.get("about:blank")
    for file in _browser.downloads.iterdir():
        file.unlink()
