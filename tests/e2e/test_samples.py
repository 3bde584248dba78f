"""Public CloudTrail records: recorded, delivered, looked up, read back equal; or rejected by code.

The records lie beside the checkout (or where TRACCIA_SAMPLES points); without them it is skipped.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import gzip
import json
import os
import pathlib
import re
import unittest

import harness
from harness import Server, wait_until

SAMPLES = pathlib.Path(os.environ.get("TRACCIA_SAMPLES") or
                       harness.ROOT.parent / "shared" / "data" / "cloudtrail-samples")
FILLED_IN = {"eventVersion", "eventID", "awsRegion", "eventType", "recipientAccountId",
             "eventCategory"}
SELECTABLE = {"s3.amazonaws.com": "AWS::S3::Object",
              "lambda.amazonaws.com": "AWS::Lambda::Function",
              "dynamodb.amazonaws.com": "AWS::DynamoDB::Table"}


def unwrap(document):
    """The CloudTrail records inside a publisher's document."""
    if isinstance(document, list):
        return [record for one in document for record in unwrap(one)]
    if "Records" in document:
        return unwrap(document["Records"])
    if "eventName" in document:
        return [document]
    if "cloudtrail" in document.get("aws", {}):
        return [document["aws"]["cloudtrail"]]
    if "event" in document:
        return unwrap(document["event"])
    if "document" in document:
        return [document["document"].get("detail", document["document"])]
    if "CloudTrailEvent" in document:
        return [json.loads(document["CloudTrailEvent"])]
    return [document]


def load(path):
    text = gzip.decompress(path.read_bytes())
    try:
        return unwrap(json.loads(text))
    except json.JSONDecodeError:
        return unwrap([json.loads(line) for line in text.splitlines() if line.strip()])


def canonical(record):
    return json.dumps(record, sort_keys=True)


class Verdicts:
    """What should become of each record on a server of the account: an oracle of its own."""

    def __init__(self, records, account):
        self.account = account
        self.codes = []  # by place; None is accepted or a duplicate
        self.owned = []  # the account's own accepted records
        self.duplicates = 0
        seen = {}
        for record in records:
            code = self._code(record)
            owner = owner_of(record, account)
            if code is None and record.get("eventID"):
                first = seen.setdefault((owner, record["eventID"]), record)
                if first is not record:
                    # A repeat is the same text; another order of members is another text.
                    same = json.dumps(first) == json.dumps(record)
                    self.duplicates += same
                    self.codes.append(None if same else "EventIdConflict")
                    continue
            self.codes.append(code)
            if code is None and owner == account:
                self.owned.append(record)

    @staticmethod
    def _code(record):
        if not record.get("eventTime"):
            return "MissingEventTime"
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", record["eventTime"]):
            return "InvalidEventTime"
        if not record.get("eventName"):
            return "MissingEventName"
        return None


def owner_of(record, importer):
    """A record without a proper owner, as anonymised ones are, belongs to whoever imports it."""
    owner = record.get("recipientAccountId") or ""
    return owner if re.fullmatch(r"\d{12}", owner) else importer


def category(record):
    return record.get("eventCategory") or (
        "Data" if record.get("managementEvent") is False else "Management")


def selected(record):
    """Whether a trail with all basic selectors delivers it."""
    return category(record) == "Management" or (
        category(record) == "Data" and record["eventSource"] in SELECTABLE)


class Samples(unittest.TestCase):

    def setUp(self):
        if not SAMPLES.is_dir():
            self.skipTest("the folder of sample records is not beside this checkout; "
                          "TRACCIA_SAMPLES can name it")

    def test_there_are_samples(self):
        self.assertGreaterEqual(len(list(SAMPLES.glob("*/*.gz"))), 8)

    @staticmethod
    def server(account, records):
        regions = {r.get("awsRegion") for r in records} - {None, ""} | {"us-east-1"}
        return Server("--account-id", account, regions=",".join(sorted(regions)), digest="1h")

    @staticmethod
    def start_trail(server):
        trail = server.client("cloudtrail")
        account = server.client("sts").get_caller_identity()["Account"]
        server.trail_bucket("sample-logs",
                            f"arn:aws:cloudtrail:us-east-1:{account}:trail/samples")
        trail.create_trail(Name="samples", S3BucketName="sample-logs", IsMultiRegionTrail=True)
        trail.put_event_selectors(TrailName="samples", EventSelectors=[{"DataResources": [
            {"Type": kind, "Values": [f"arn:aws:{source.split('.')[0]}"]}
            for source, kind in SELECTABLE.items()]}])
        trail.start_logging(Name="samples")

    def send(self, server, records, verdicts):
        answer = server.post_events(b"\n".join(json.dumps(r).encode() for r in records))
        self.assertEqual(answer.status, 200, answer)
        result = answer.json()
        codes = [None] * len(records)
        for one in result["rejected"]:
            codes[one["line"] - 1] = one["code"]
        self.assertEqual(codes, verdicts.codes)
        self.assertEqual(result["duplicates"], verdicts.duplicates)
        self.assertEqual(result["accepted"],
                         sum(c is None for c in codes) - verdicts.duplicates)

    def assert_same(self, sent, back, region, account):
        """Each record came back once, equal as JSON but for the members filled in."""
        def stripped(record, like):
            return canonical({k: v for k, v in record.items()
                              if k in like or k not in FILLED_IN})
        by_id = collections.defaultdict(list)
        for record in back:
            self.assertLessEqual(FILLED_IN, set(record))
            by_id[record["eventID"]].append(record)
        nameless = collections.Counter()
        for record in sent:
            if "eventID" not in record:
                nameless[stripped(record, record)] += 1
                continue
            found = by_id.pop(record["eventID"], [])
            self.assertEqual(len(found), 1, record["eventID"])
            self.assertEqual(stripped(found[0], record), canonical(record))
            self.assertEqual((found[0]["recipientAccountId"], found[0]["awsRegion"]),
                             (record.get("recipientAccountId", account), region))
        keys = {canonical(sorted(json.loads(text))) for text in nameless}
        rest = collections.Counter()
        for records in by_id.values():
            for record in records:
                for like in keys:
                    text = stripped(record, json.loads(like))
                    rest[text] += text in nameless
        self.assertEqual(+rest, nameless)

    def check(self, server, verdicts):
        ids = {r["eventID"] for r in verdicts.owned if "eventID" in r}
        for region in {r.get("awsRegion") or "us-east-1" for r in verdicts.owned}:
            sent = [r for r in verdicts.owned if (r.get("awsRegion") or "us-east-1") == region]
            shown = [r for r in sent if category(r) == "Management"]
            due = [r for r in sent if selected(r)]
            looked_up = wait_until(lambda: self.foreign(server, region, ids, len(shown)))
            self.assert_same(shown, looked_up, region, verdicts.account)
            delivered = wait_until(lambda: self.in_files(server, region, ids, len(due), verdicts))
            self.assert_same(due, delivered, region, verdicts.account)

    @staticmethod
    def own(server, record):
        """The server's own audit events."""
        identity = record.get("userIdentity", {})
        return (identity.get("accessKeyId") == server.key_id or
                record.get("sourceIPAddress") == "cloudtrail.amazonaws.com" and
                record.get("requestParameters", {}).get("bucketName") == "sample-logs")

    def foreign(self, server, region, ids, count):
        """Event history without the server's own events, once there are so many."""
        pages = server.client("cloudtrail", region).get_paginator("lookup_events").paginate()
        records = [json.loads(e["CloudTrailEvent"]) for p in pages for e in p["Events"]]
        records = [r for r in records if r["eventID"] in ids or not self.own(server, r)]
        return len(records) >= count and Found(records)

    def in_files(self, server, region, ids, count, verdicts):
        records = server.delivered("sample-logs", region, verdicts.account)
        records = [r for r in records if r["eventID"] in ids or not self.own(server, r)]
        return len(records) >= count and Found(records)


class Found(list):
    """A list that is true when it is empty too."""

    def __bool__(self):
        return True


def add_file(path):
    def test(self):
        records = load(path)
        self.assertTrue(records)
        accounts = {r.get("recipientAccountId") for r in records}
        accounts = {a for a in accounts if a and re.fullmatch(r"\d{12}", a)} or {harness.ACCOUNT}
        for account in sorted(accounts):
            with self.subTest(account=account), self.server(account, records) as server:
                self.start_trail(server)
                verdicts = Verdicts(records, account)
                self.send(server, records, verdicts)
                self.check(server, verdicts)
    name = re.sub(r"\W+", "_", path.name.removesuffix(".gz"))
    setattr(Samples, f"test_{path.parent.name.replace('-', '_')}_{name}", test)


for each in sorted(SAMPLES.glob("*/*.gz")):
    add_file(each)


if __name__ == "__main__":
    harness.main()
