"""What processes cost: memory and processor time, from /proc. SPDX-License-Identifier: Apache-2.0"""
import os
import pathlib
import platform
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Skip(Exception):
    """Something cannot be measured here; the text says why."""


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def family(pid):
    """The process and what descends from it."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                pids += family(int(child))
        except OSError:
            pass
    return pids


def cpu_seconds(pid):
    """User and system time so far, of the process, its descendants and those it has waited for."""
    total = 0
    for one in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(field) for field in fields[11:15])
        except OSError:
            pass
    return total / TICKS


def io_bytes(pid):
    """What the process has read so far: by its calls, and of that from the disk."""
    fields = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    return {"read": int(fields["rchar"]), "from_disk": int(fields["read_bytes"])}


def bytes_on_disk(folder):
    total = 0
    for path in pathlib.Path(folder).rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_size
        except OSError:  # merged away meanwhile
            pass
    return total


class Watch:
    """Peak memory, processor and wall time of a process while the block runs."""

    def __init__(self, pid):
        self.pid, self.peak_bytes, self.done = pid, 0, threading.Event()

    def __enter__(self):
        self.start, self.cpu = time.monotonic(), cpu_seconds(self.pid)
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()
        return self

    def sample(self):
        while True:
            try:
                self.peak_bytes = max(self.peak_bytes, sum(resident_bytes(one) for one in family(self.pid)))
            except OSError:
                pass
            if self.done.wait(0.1):
                return

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.seconds, self.cpu = time.monotonic() - self.start, cpu_seconds(self.pid) - self.cpu

    def result(self):
        return {"peak_resident_bytes": self.peak_bytes, "cpu_seconds": round(self.cpu, 2)}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "cores": os.cpu_count(), "memory_bytes": memory, "kernel": platform.release()}


def commit():
    def git(*args):
        return subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True,
                              check=False).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + ("-changed" if changed else "")
