"""A Ceph of one node on loopback, with a RADOS gateway that speaks S3: a monitor, an OSD on a sparse
file, the gateway. Cephx everywhere. Needs no privileges, no systemd and no manager daemon.

As a program it starts one, prints how to reach it, and ends it with Ctrl-C:
    python3 tests/e2e/rados_gateway.py

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "ceph-authtool",
            "monmaptool")
START_LIMIT = 120
STOP_LIMIT = 20
_POLL_SECONDS = 0.05
_OSD_BYTES = 4 << 30  # sparse

CONFIGURATION = """[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_port}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
run dir = {folder}
admin socket = {folder}/$name.$pid.asok
log file = {folder}/$name.log
crash dir = {folder}
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = bluestore
bluestore block size = {osd_bytes}
osd memory target = 939524096
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail warn = 2
mon data avail crit = 1
rgw frontends = beast endpoint=127.0.0.1:{rgw_port}
rgw thread pool size = 32
"""


def missing_programs():
    return [name for name in PROGRAMS if shutil.which(name) is None]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RadosGateway:
    """As a context manager: started, stopped, removed. `endpoint` is its address."""

    def __init__(self):
        missing = missing_programs()
        if missing:
            raise RuntimeError(f"{', '.join(missing)}: not installed; run tools/setup.sh "
                               "packaging/apt-packages-test")
        # Short: the paths of sockets have 107 bytes at most.
        self._folder = tempfile.TemporaryDirectory(prefix="rgw-")
        self.folder = pathlib.Path(self._folder.name)
        self.endpoint = None
        self._daemons = {}
        self._port = None

    def __enter__(self):
        try:
            self._start_cluster()
            self._start_first_gateway()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind, value, trace):
        self._discard()

    def _discard(self):
        for name in ("radosgw", "ceph-osd", "ceph-mon"):
            self._stop(name)
        self._folder.cleanup()

    def _run(self, *words):
        """A tool of the cluster's; its output."""
        result = subprocess.run([words[0], "-c", str(self.folder / "ceph.conf"), *words[1:]],
                                capture_output=True, text=True, timeout=START_LIMIT, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: exit {result.returncode}: "
                               f"{result.stderr[-2000:]}\n{self.logs()}")
        return result.stdout

    def _spawn(self, name, *options):
        with open(self.folder / f"{name}.out", "ab") as out:
            self._daemons[name] = subprocess.Popen(
                [name, "-c", str(self.folder / "ceph.conf"), "-f", *options], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, cwd=self.folder)

    def _stop(self, name):
        daemon = self._daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def logs(self):
        """The ends of what the daemons said."""
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1000:]}"
                         for path in sorted(self.folder.glob("*.out")))

    def _keys(self):
        keyring = self.folder / "keyring"
        for entity, caps in (("mon.", ["mon", "allow *"]),
                             ("client.admin", ["mon", "allow *", "osd", "allow *"]),
                             ("osd.0", ["mon", "allow profile osd", "osd", "allow *"]),
                             ("client.rgw", ["mon", "allow rw", "osd", "allow rwx"])):
            create = [] if keyring.exists() else ["--create-keyring"]
            pairs = [word for i in range(0, len(caps), 2)
                     for word in ("--cap", caps[i], caps[i + 1])]
            subprocess.run(["ceph-authtool", keyring, *create, "--gen-key", "-n", entity, *pairs],
                           check=True, capture_output=True, timeout=START_LIMIT)

    def _start_cluster(self):
        fsid, osd, mon_port = str(uuid.uuid4()), str(uuid.uuid4()), free_port()
        self._port = free_port()
        (self.folder / "mon").mkdir()
        (self.folder / "osd").mkdir()
        (self.folder / "ceph.conf").write_text(CONFIGURATION.format(
            fsid=fsid, folder=self.folder, mon_port=mon_port, rgw_port=self._port,
            osd_bytes=_OSD_BYTES))
        self._keys()
        monmap = self.folder / "monmap"
        subprocess.run(["monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                        f"[v2:127.0.0.1:{mon_port}]", monmap], check=True, capture_output=True,
                       timeout=START_LIMIT)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", str(monmap), "--keyring",
                  str(self.folder / "keyring"))
        self._spawn("ceph-mon", "-i", "a")
        self._run("ceph", "osd", "new", osd, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._spawn("ceph-osd", "-i", "0")
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")

    def _start_first_gateway(self):
        # The first to use the pools makes them.
        self._run("radosgw-admin", "-n", "client.rgw", "user", "list")
        self.start_gateway()

    def start_gateway(self):
        self._spawn("radosgw", "-n", "client.rgw")
        self.endpoint = f"http://127.0.0.1:{self._port}"
        end = time.monotonic() + START_LIMIT
        while True:
            if self._daemons["radosgw"].poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the gateway did not start:\n{self.logs()}")
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
                return
            except OSError:
                time.sleep(_POLL_SECONDS)

    def stop_gateway(self):
        """What is stored stays; connections are refused."""
        self._stop("radosgw")

    def add_user(self, name, key_id, secret):
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", name,
                  "--display-name", name, "--access-key", key_id, "--secret-key", secret)

    def add_key(self, name, key_id, secret):
        """A further key of the user's."""
        self._run("radosgw-admin", "-n", "client.rgw", "key", "create", "--uid", name,
                  "--key-type", "s3", "--access-key", key_id, "--secret-key", secret)


def main():
    began = time.monotonic()
    with RadosGateway() as gateway:
        gateway.add_user("test", "TESTKEY", "testsecret")
        print(f"# started in {time.monotonic() - began:.0f} s; Ctrl-C ends it\n"
              f"export AWS_ENDPOINT_URL_S3={gateway.endpoint} AWS_ACCESS_KEY_ID=TESTKEY "
              "AWS_SECRET_ACCESS_KEY=testsecret AWS_DEFAULT_REGION=us-east-1", flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        main()
    except KeyboardInterrupt:
        pass
