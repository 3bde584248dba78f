"""Chromium without a window, driven through ChromeDriver's WebDriver protocol (W3C).

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import START_LIMIT, wait_until

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name of an element's id
_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
              "--window-size=1000,800", "--no-proxy-server", "--remote-debugging-port=0"]


def _find_program(*names):
    for name in names:
        if path := shutil.which(name):
            return path
    raise RuntimeError(f"{names[0]} is not installed: run tools/setup.sh")


class WebDriverError(Exception):
    """What ChromeDriver refused, with its reason."""


class Browser:
    """One window of its own profile. close() it."""

    def __init__(self):
        programs = (_find_program("chromedriver"), _find_program("chromium", "chromium-browser", "google-chrome"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._base = f"http://127.0.0.1:{port}"
        self._profile = tempfile.TemporaryDirectory(prefix="traccia-browser-", ignore_cleanup_errors=True)
        self._started = [self._start(programs[0], f"--port={port}"),
                         self._start(programs[1], *_ARGUMENTS, f"--user-data-dir={self._profile.name}", "about:blank")]
        try:
            wait_until(self._ready, START_LIMIT, "chromedriver")
            # Told the address, for a browser that chromedriver starts is asked at "localhost", which not every
            # machine knows.
            debugger = wait_until(self._debugger, START_LIMIT, "chromium")
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": {"debuggerAddress": debugger},
                "goog:loggingPrefs": {"browser": "ALL"}}}})
        except BaseException:
            self._stop()
            raise
        self._base += f"/session/{made['sessionId']}"

    @staticmethod
    def _start(*line):
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _debugger(self):
        try:
            text = (pathlib.Path(self._profile.name) / "DevToolsActivePort").read_text(encoding="utf-8")
        except OSError:
            return None
        return f"127.0.0.1:{text.splitlines()[0]}" if "\n" in text else None

    def _stop(self):
        for process in self._started:
            process.terminate()
            process.wait()
        self._profile.cleanup()

    def close(self):
        try:
            self._ask("DELETE", "")
        finally:
            self._stop()

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
