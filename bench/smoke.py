"""The load and the server fit: every event is taken, every look-up finds what was sent. Run by CTest.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import pathlib
import sys
import tempfile

from harness.phases import FEW, PAGES, sender_policy
from harness.server import Server

EVENTS = 160_000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.build.resolve(), pathlib.Path(folder))
        try:
            bulk = server.load("events", connections=4, batch=1000, seconds=60, count=EVENTS)
            single = server.load("events", seed=2, connections=8, batch=1, rate=100, seconds=60, count=200)
            signed = server.load("events", seed=3, connections=8, batch=1, seconds=60, count=200,
                                 signer=server.create_user("sender", sender_policy()))
            server.wait_landed()
            found = server.load("lookups", kind=",".join(FEW + PAGES), below=EVENTS, questions=100, seconds=0.5)
        finally:
            server.stop()
    for report, events in ((bulk, EVENTS), (single, 200), (signed, 200)):
        assert report["ok"] and report["accepted"] == events and report["rejected"] == 0, report
    assert found["ok"] and found["requests"] > 0, found
    print(f"{EVENTS + 400} events taken, {found['requests']} look-ups right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
