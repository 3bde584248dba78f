"""docs/operations.md is what the descriptions say, and the headers in it are those of the sources.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import unittest

import harness
from harness import ROOT, traccia

PAGE = ROOT / "docs" / "operations.md"
# In the sources for other reasons than being read or told: parts of names, ids of requests.
OTHER = {"x-amz-", "x-amz-copy-source-", "x-amz-copy-source-if-"}
HEADER = re.compile(r'"(x-amz-[a-z0-9-]*|If-[A-Za-z-]+|if-[a-z-]+|Range|Content-MD5|Cache-Control|'
                    r'Expires|Content-(?:Disposition|Encoding|Language))"', re.MULTILINE)


class OperationsPage(unittest.TestCase):
    def test_is_not_stale(self):
        shown = traccia("operations", "--output", "markdown")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(PAGE.read_text(), shown.stdout.decode(),
                         "render it again: traccia operations --output markdown > "
                         "docs/operations.md")

    def test_headers_are_those_of_the_sources(self):
        page = PAGE.read_text()
        shown = {name.lower() for name in re.findall(r"^\| `([A-Za-z0-9-]+\*?)`", page, re.M)}
        patterns = [name.rstrip("*") for name in shown if name.endswith("*")]
        read = {}
        for path in sorted(pathlib.Path(ROOT / "src" / "api").glob("s3_*.cc")):
            if path.name.endswith("_test.cc") or path.name == "s3_headers.cc":
                continue
            for name in HEADER.findall(path.read_text()):
                read[name.lower()] = path.name
        missing = {name: file for name, file in read.items()
                   if name not in OTHER and name not in shown
                   and not any(name.startswith(one) for one in patterns)}
        self.assertEqual(missing, {}, "headers that src/api/s3_headers.cc does not list")


if __name__ == "__main__":
    harness.main()
