"""Measures Traccia and its peers in one run on one machine; see bench/README.md.

Writes bench/results/<date>-<commit>.json and a plot for each figure beside it. SPDX-License-Identifier: Apache-2.0
"""
import argparse
import datetime
import json
import os
import pathlib
import sys
import tempfile
import time

import peers
from harness import phases, plots, process, report

RESULTS = process.ROOT / "bench" / "results"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, help="folder of the bench build")
    parser.add_argument("--table", type=pathlib.Path, help="only print the README's table of these results")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("BENCH_SECONDS", phases.FULL_SECONDS)),
                        help="of steady state in each phase; below 60 the amounts of data shrink alike")
    known = list(phases.ALL) + list(peers.ALL)
    parser.add_argument("--only", default=",".join(known), help=f"of {','.join(known)}")
    parser.add_argument("--add", action="store_true", help="to the results that --output names")
    parser.add_argument("--work", type=pathlib.Path, help="where data lies; its disk is measured (default: temporary)")
    parser.add_argument("--output", type=pathlib.Path, help=f"default {RESULTS.name}/<date>-<commit>.json")
    args = parser.parse_args()
    if args.build is None and args.table is None:
        parser.error("--build is needed")
    args.chosen = args.only.split(",")
    unknown = set(args.chosen) - set(known)
    if unknown:
        parser.error(f"unknown phases: {', '.join(sorted(unknown))}")
    return args


def measure(kind, name, work):
    """Runs one phase or peer; says what it is at, for a run takes long."""
    print(f"{kind} {name} ...", end=" ", flush=True)
    start, load = time.monotonic(), os.getloadavg()[0]
    try:
        result = work()
    except process.Skip as reason:
        result = {"skipped": str(reason)}
    result.update(commit=process.commit(), load_before=load, phase_seconds=round(time.monotonic() - start, 1))
    print(f"skipped: {result['skipped']}" if "skipped" in result else f"{result['phase_seconds']} s", flush=True)
    return result


def run_all(args, results, work):
    run = phases.Run(args.build.resolve(), work, args.seconds)
    try:
        for name, phase in phases.ALL.items():
            if name in args.chosen:
                results["phases"][name] = measure("phase", name, lambda: phase(run))
        for name, peer in peers.ALL.items():
            if name in args.chosen:
                results["peers"][name] = measure("peer", name, lambda: peer(run))
    finally:
        run.stop()


def main():
    args = parse_arguments()
    if args.table:
        print(report.markdown(report.figures(json.loads(args.table.read_text()))))
        return 0
    date = datetime.date.today().isoformat()
    results = {"date": date, "commit": process.commit(), "machine": process.machine(), "seconds": args.seconds,
               "durability": "traccia: an answer only after fdatasync; peers: as each says",
               "phases": {}, "peers": {}}
    out = args.output or RESULTS / f"{date}-{results['commit']}.json"
    if args.add and out.exists():
        results = json.loads(out.read_text())
    with tempfile.TemporaryDirectory(dir=args.work, prefix="traccia-bench-") as folder:
        run_all(args, results, pathlib.Path(folder))
    found = report.figures(results)
    results["figures"] = [figure.json() for figure in found]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plots.write(found, out.with_suffix(""), f"{date}, commit {results['commit']}")
    print(report.table(found))
    print(f"written: {out} and {out.with_suffix('')}/*.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
