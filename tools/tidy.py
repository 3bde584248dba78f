#!/usr/bin/env python3
"""Checks what compilers do not: layers, sizes, headers. Run by CTest as tidy.layers and tidy.house."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
FILE_LINES_MAX, TEST_LINES_MAX, COLUMNS_MAX = 600, 900, 100
# The kernel belongs to os; these may include the named headers for a reason of their own.
KERNEL_HEADERS = re.compile(r'#include <(fcntl\.h|unistd\.h|sys/[a-z_]+\.h|dirent\.h|filesystem|fstream)>')


def modules():
    """{name: (layer, [deps])} as src/CMakeLists.txt declares them."""
    text = (SRC / "CMakeLists.txt").read_text()
    found = {}
    for name, layer, rest in re.findall(r"traccia_module\((\w+) LAYER (\d+)([^)]*)\)", text):
        deps = re.search(r"DEPS ([\w ]+?)(?: LIBS|$)", rest.strip())
        found[name] = (int(layer), deps.group(1).split() if deps else [])
    return found


def sources(module):
    return sorted(p for p in (SRC / module).iterdir() if p.suffix in (".h", ".cc"))


def is_test(path):
    return re.search(r"_(test|bench|fuzz)\.cc$|^test_.*\.h$", path.name) is not None


def check_layers():
    problems = []
    declared = modules()
    for folder in sorted(p for p in SRC.iterdir() if p.is_dir() and any(p.iterdir())):
        if folder.name not in declared:
            problems.append(f"src/{folder.name}: not declared in src/CMakeLists.txt")
    for name, (_, deps) in declared.items():
        used = set()
        for path in sources(name):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                include = re.match(r'#include "(\w+)/', line)
                if not include or include.group(1) == name:
                    continue
                other = include.group(1)
                if not is_test(path):
                    used.add(other)
                # Tests may reach what the module's dependencies reach.
                allowed = set(deps) | ({d for dep in deps for d in closure(declared, dep)} if is_test(path) else set())
                if other not in allowed:
                    problems.append(f"{path.relative_to(ROOT)}:{number}: includes '{other}', which "
                                    f"'{name}' does not declare")
        for dep in deps:
            if dep not in used:
                problems.append(f"src/CMakeLists.txt: '{name}' declares '{dep}' and does not include it")
    return problems


def closure(declared, name):
    out = {name}
    for dep in declared[name][1]:
        out |= closure(declared, dep)
    return out


def check_house():
    problems = []
    files = [p for p in SRC.rglob("*") if p.suffix in (".h", ".cc")]
    files += [p for folder in ("programs", "fuzz", "bench") for p in (ROOT / folder).rglob("*")
              if p.suffix in (".h", ".cc")]
    for path in sorted(files):
        where = path.relative_to(ROOT)
        lines = path.read_text().splitlines()
        limit = TEST_LINES_MAX if is_test(path) else FILE_LINES_MAX
        if len(lines) > limit:
            problems.append(f"{where}: {len(lines)} lines; at most {limit}")
        if not lines or not lines[0].startswith("// "):
            problems.append(f"{where}:1: must begin with a sentence that says what the file is for")
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(lines[:8]):
            problems.append(f"{where}: no SPDX-License-Identifier in the first lines")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and "http" not in line:
                problems.append(f"{where}:{number}: {len(line)} columns; at most {COLUMNS_MAX}")
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                problems.append(f"{where}:{number}: unfinished work belongs in an issue")
            if path.is_relative_to(SRC) and path.parent.name != "os" and not is_test(path) \
                    and KERNEL_HEADERS.search(line):
                problems.append(f"{where}:{number}: only os may include {line.split()[-1]}")
    for module in modules():
        if not (SRC / module / "README.md").exists():
            problems.append(f"src/{module}: no README.md")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    for name in tracked.stdout.split():
        if name.endswith((".o", ".a", ".pyc", ".gz")) and "fuzz/" not in name:
            problems.append(f"{name}: made by a build, not by a person")
    return problems


def main():
    checks = {"layers": check_layers, "house": check_house}
    problems = checks[sys.argv[1]]()
    for problem in problems:
        print(problem)
    print(f"{sys.argv[1]}: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
