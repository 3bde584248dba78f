"""Chromium without a window, driven through ChromeDriver's WebDriver protocol (W3C).

SPDX-License-Identifier: Apache-2.0
"""
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

from harness import START_LIMIT, wait_until

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name of an element's id
_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
              "--window-size=1000,800", "--no-proxy-server"]


class WebDriverError(Exception):
    """What ChromeDriver refused, with its reason."""


class Browser:
    """One window of its own profile. close() it."""

    def __init__(self):
        driver = shutil.which("chromedriver")
        if driver is None:
            raise RuntimeError("chromedriver is not installed: run tools/setup.sh")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._driver = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._base = f"http://127.0.0.1:{port}"
        try:
            wait_until(self._ready, START_LIMIT, "chromedriver")
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": {"args": _ARGUMENTS},
                "goog:loggingPrefs": {"browser": "ALL"}}}})
        except BaseException:
            self._driver.kill()
            self._driver.wait()
            raise
        self._base += f"/session/{made['sessionId']}"

    def close(self):
        try:
            self._ask("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()

    def _ready(self):
        try:
            return self._ask("GET", "/status")["ready"]
        except OSError:
            return False

    def _ask(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"},
                                         method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            said = json.loads(error.read())["value"]
            raise WebDriverError(f"{method} {path} {body or ''}: {said['message']}") from None

    def open(self, url):
        self._ask("POST", "/url", {"url": url})

    @property
    def url(self):
        return self._ask("GET", "/url")

    def _find(self, css):
        return self._ask("POST", "/element", {"using": "css selector", "value": css})[_ELEMENT]

    def text(self, css="main"):
        return self._ask("GET", f"/element/{self._find(css)}/text")

    def style(self, css, name):
        return self._ask("GET", f"/element/{self._find(css)}/css/{name}")

    def fill(self, **fields):
        for name, value in fields.items():
            element = self._find(f'[name="{name}"]')
            self._ask("POST", f"/element/{element}/clear")
            self._ask("POST", f"/element/{element}/value", {"text": value})

    def click(self, css="button"):
        """Returns once the next page is there."""
        page = self._find("html")
        self._ask("POST", f"/element/{self._find(css)}/click")

        def gone():
            try:
                return self._find("html") != page
            except WebDriverError:  # between two pages
                return False
        wait_until(gone, what="the next page")

    def complaints(self):
        """What the browser wrote to its console since the last call: violations of the page's policy, failed loads."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]
