"""Peers from their published packages: by coordinates, versions pinned in a pom. SPDX-License-Identifier: Apache-2.0"""
import shutil
import subprocess

from peers import corpus


def jars(pom, name):
    """The folder with the jars that the pom names and what they need; brought once."""
    for tool, package in (("mvn", "maven"), ("java", "default-jdk-headless")):
        if shutil.which(tool) is None:
            raise corpus.Skip(f"{tool} is not installed (Debian: {package})")
    folder = corpus.INSTALLED / name
    stamp = folder / "pom.xml"
    if not stamp.exists() or stamp.read_bytes() != pom.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        done = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
                               "-DincludeScope=runtime", f"-DoutputDirectory={folder}"], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise corpus.Skip(f"the packages cannot be had: {done.stdout[-300:]}")
        shutil.copy(pom, stamp)
    return folder
