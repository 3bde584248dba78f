"""`traccia lookup` and `traccia tail`: conditions, times, pages, accounts, refusals, audit events.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json
import signal
import subprocess
import unittest
import uuid

import harness
from harness import ACCOUNT, ServerCase, now_text, wait_until

OTHER_ACCOUNT = "444455556666"
NAMES = ("PutThing", "GetThing", "DeleteThing")
USERS = ("ada", "adele", "bob")


def event(number, **members):
    """The number-th event: each name, user and second in turn, so that each answer can be told."""
    return {"eventTime": now_text(number - 3600), "eventSource": f"s{number % 2}.example.com",
            "eventName": NAMES[number % 3], "eventID": f"event-{number}",
            "readOnly": number % 3 == 1,
            "userIdentity": {"type": "IAMUser", "userName": USERS[number // 3 % 3]},
            "resources": [{"type": "Thing", "ARN": f"arn:aws:shop:::thing/{number:03}"}]} | members


class Lookup(ServerCase):
    count = 60

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = [event(n) for n in range(cls.count)]
        cls.send(cls.events)
        cls.send([event(1000, recipientAccountId=OTHER_ACCOUNT, awsRegion="eu-south-1",
                        eventName="FarThing")])
        wait_until(lambda: cls.ids("EventId=event-1000", "--account", "all", "--region", "all"))

    @classmethod
    def send(cls, events):
        body = "\n".join(map(json.dumps, events)).encode()
        answer = cls.server.post_events(body).json()
        assert answer["accepted"] == len(events), answer

    @classmethod
    def run_lookup(cls, *args):
        return cls.server.traccia("lookup", "--data", cls.server.data, *args)

    @classmethod
    def records(cls, *args):
        result = cls.run_lookup("--output", "json", *args)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    @classmethod
    def ids(cls, *args):
        return [r["eventID"] for r in cls.records(*args)]

    def expect(self, condition, *args):
        wanted = [e["eventID"] for e in reversed(self.events) if condition(e)]
        self.assertTrue(wanted)
        self.assertEqual(self.ids(*args), wanted)

    def refused(self, code, text, *args):
        result = self.run_lookup(*args)
        self.assertEqual(result.returncode, code, result)
        self.assertIn(text, result.stderr.decode())

    def test_conditions(self):
        user = lambda e: e["userIdentity"]["userName"]
        things = "EventName=*Thing"  # no pattern: a star is special at the end only
        self.assertEqual(self.ids(things), [])
        self.expect(lambda e: e["eventName"] == "PutThing", "EventName=Put*")
        self.expect(lambda e: e["eventName"] == "PutThing" and user(e) == "ada",
                    "EventName=Put*", "Username=ada")
        self.expect(lambda e: e["eventName"] != "PutThing" and user(e).startswith("ad"),
                    "EventSource=s* Username=ad* NOT EventName=PutThing")
        self.expect(lambda e: user(e) == "bob" or (e["readOnly"] and user(e) != "ada"),
                    "EventSource=s* (Username=bob OR (ReadOnly=true AND Username!=ada))")
        self.expect(lambda e: e["eventID"] in ("event-7", "event-9"),
                    "EventId=event-9 or EventId=event-7")
        self.expect(lambda e: e["eventID"][:7] == "event-1" and len(e["eventID"]) == 8,
                    'ResourceName="arn:aws:shop:::thing/01"*')

    def test_times_limit_and_pages(self):
        after = now_text(-3600 + 10)
        self.expect(lambda e: e["eventTime"] >= after, "EventSource=s*", "--start", after)
        self.expect(lambda e: e["eventTime"] <= after, "EventSource=s*", "--end", after)
        self.assertEqual(self.ids("EventSource=s*", "--start", "-10m"), [])
        self.assertEqual(len(self.ids("EventSource=s*", "--start", "-2h", "--end", "-1m")), self.count)
        day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
        self.assertEqual(self.ids("--start", day.strftime("%Y-%m-%d")), [])
        seen, token = [], []
        while True:
            result = self.run_lookup("EventSource=s*", "--output", "json", "--limit", "25", *token)
            self.assertEqual(result.returncode, 0, result.stderr)
            seen += [json.loads(line)["eventID"] for line in result.stdout.splitlines()]
            if b"--next-token " not in result.stderr:
                break
            token = ["--next-token", result.stderr.decode().split("--next-token ")[1].split()[0]]
        self.assertEqual(seen, [e["eventID"] for e in reversed(self.events)])
        self.assertEqual(self.ids("EventSource=s*", "--limit", "0"), seen)
        self.refused(3, "InvalidNextToken", "EventSource=t*", *token)

    def test_text(self):
        result = self.run_lookup("EventId=event-4")
        self.assertEqual(result.returncode, 0, result.stderr)
        for part in (ACCOUNT, "us-east-1", "GetThing", "s0.example.com", "adele", "thing/004"):
            self.assertIn(part, result.stdout.decode())

    def test_accounts_and_regions(self):
        self.assertEqual(self.ids("EventName=FarThing"), [])
        for scope in (("--account", OTHER_ACCOUNT, "--region", "eu-south-1"),
                      ("--account", "all", "--region", "all"),
                      ("--account", "all", "--region", "eu-south-1"),
                      ("--account", OTHER_ACCOUNT, "--region", "all")):
            self.assertEqual(self.ids("EventName=FarThing", *scope), ["event-1000"])
        for scope in (("--account", OTHER_ACCOUNT), ("--region", "all"),
                      ("--region", "eu-south-1")):
            self.assertEqual(self.ids("EventName=FarThing", *scope), [])
        self.refused(3, "AccountId must be 12 digits", "--account", "12345678901x")
        self.refused(3, "valid region", "--region", "mars-north-1")
        body = json.dumps({"Region": "mars-north-1"}).encode()
        answer = self.server.signed("POST", "/", body, {"X-Amz-Target": "Traccia_20261101.SearchEvents"},
                                    service="traccia")
        self.assertEqual((answer.status, answer.json()["__type"]), (400, "ValidationException"))

    def test_refusals(self):
        self.refused(2, "at character 1: 'Color' is none of", "Color=red")
        self.refused(2, "a ')' is missing", "(EventName=a")
        self.refused(2, "", "--start", "yesterday")
        self.refused(3, "InvalidTimeRange", "--start", "-1h", "--end", "-2h")
        self.refused(3, "InvalidNextToken", "--next-token", "bm9uc2Vuc2U=")

    def test_it_is_recorded(self):
        self.ids("EventName=JustThis", "--account", "all")
        call = wait_until(lambda: [
            r for r in self.records("EventName=SearchEvents EventSource=traccia.amazonaws.com")
            if "JustThis" in r["requestParameters"].get("expression", "")])[0]
        self.assertEqual(call["requestParameters"]["accountId"], "all")
        self.assertTrue(call["readOnly"])
        self.assertIsNone(call["responseElements"])


class Tail(ServerCase):
    """Follows; each test has event names of its own."""

    def start(self, *args):
        process = subprocess.Popen(
            [str(harness.binary), "tail", "--data", str(self.server.data), "--output", "json", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.server.env, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertIn("following", process.stderr.readline())
        return process

    def send(self, *names, **members):
        records = [event(n, eventName=name, eventID=str(uuid.uuid4()), **members)
                   for n, name in enumerate(names)]
        answer = self.server.post_events("\n".join(map(json.dumps, records)).encode()).json()
        self.assertEqual(answer["accepted"], len(records), answer)

    def names(self, process, count):
        return [json.loads(process.stdout.readline())["eventName"] for _ in range(count)]

    def test_shows_what_arrives_in_order(self):
        tail = self.start("EventName=Show*")
        self.send("ShowA", "Other", "ShowB")
        self.assertEqual(self.names(tail, 2), ["ShowA", "ShowB"])
        self.send("ShowC")
        self.assertEqual(self.names(tail, 1), ["ShowC"])
        tail.send_signal(signal.SIGINT)
        self.assertEqual((tail.wait(60), tail.stdout.read(), tail.stderr.read()), (0, "", ""))

    def test_ends_at_its_limit(self):
        tail = self.start("EventName=Limit*", "--limit", "2")
        self.send("LimitA", "LimitB", "LimitC")
        self.assertEqual(self.names(tail, 2), ["LimitA", "LimitB"])
        self.assertEqual((tail.wait(60), tail.stdout.read()), (0, ""))

    def test_more_tails_than_may_wait_and_other_calls_go_on(self):
        tails = [self.start("EventName=Many*", "--limit", "1") for _ in range(12)]
        self.assertEqual(self.trail.list_trails()["Trails"], [])
        self.send("Many")
        for tail in tails:
            self.assertEqual(self.names(tail, 1), ["Many"])
            self.assertEqual(tail.wait(60), 0)

    def test_accounts_and_regions(self):
        tail = self.start("EventName=Far", "--account", "all", "--region", "all")
        near = self.start("EventName=Far OR EventName=Near", "--limit", "1")
        self.send("Far", recipientAccountId=OTHER_ACCOUNT, awsRegion="eu-south-1")
        self.assertEqual(self.names(tail, 1), ["Far"])
        self.send("Near")
        self.assertEqual(self.names(near, 1), ["Near"])

    def test_is_recorded_once_and_does_not_follow_itself(self):
        tail = self.start("Username=*")
        for _ in range(4):  # a call each at least
            self.send("Recorded")
            while self.names(tail, 1) != ["Recorded"]:
                pass
        tail.send_signal(signal.SIGTERM)
        self.assertEqual(tail.wait(60), 0)
        out = self.server.traccia("lookup", "--data", self.server.data, "--output", "json",
                                  "EventName=TailEvents").stdout
        calls = [json.loads(line)["requestParameters"] for line in out.splitlines()]
        mine = [c for c in calls if c.get("expression") == 'Username=""*']
        self.assertEqual(len(mine), 1, calls)
        self.assertNotIn("cursor", mine[0])

    def call(self, **members):
        answer = self.server.signed("POST", "/", json.dumps(members).encode(),
                                    {"X-Amz-Target": "Traccia_20261101.TailEvents"},
                                    service="traccia")
        return answer.status, answer.json()

    def test_cursors(self):
        status, first = self.call(Expression="EventName=Cursor")
        self.assertEqual((status, first["Events"]), (200, []))
        self.send("Cursor")
        status, second = self.call(Expression="EventName=Cursor", Cursor=first["Cursor"], WaitSeconds=5)
        while not second["Events"]:
            status, second = self.call(Expression="EventName=Cursor", Cursor=second["Cursor"],
                                       WaitSeconds=5)
        self.assertEqual([e["EventName"] for e in second["Events"]], ["Cursor"])
        for bad in ({"Cursor": "bm9uc2Vuc2U="}, {"Cursor": first["Cursor"]},
                    {"Cursor": first["Cursor"][:-4] + "AAA=", "Expression": "EventName=Cursor"}):
            status, refusal = self.call(**bad)
            self.assertEqual((status, refusal["__type"]), (400, "InvalidCursorException"))
        self.server.restart()
        status, again = self.call(Expression="EventName=Cursor", Cursor=first["Cursor"])
        self.assertEqual([e["EventName"] for e in again["Events"]], ["Cursor"])
        type(self).trail = self.server.client("cloudtrail")

    def test_refusals(self):
        for words, code in ((["Color=red"], 2), (["--account", "12345678901x"], 3)):
            result = self.server.traccia("tail", "--data", self.server.data, *words)
            self.assertEqual(result.returncode, code, result)


if __name__ == "__main__":
    harness.main()
