"""POST /v1/events and `traccia record`: what is taken, what is refused and how, nothing half-done.

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import ctypes.util
import gzip
import http.client
import json
import urllib.parse
import uuid

import harness
from harness import ACCOUNT, ServerCase, now_text, send, wait_until

OTHER_ACCOUNT = "444455556666"
RECORD_BYTES_MAX = 256 << 10
BODY_BYTES_MAX = 64 << 20


def event(**members):
    return {"eventTime": now_text(), "eventSource": "shop.example.com",
            "eventName": "CreateOrder"} | members


def line(**members):
    return json.dumps(event(**members)).encode()


def lines(*records):
    return b"\n".join(json.dumps(r).encode() for r in records)


def zstd(data):
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_compress.restype = library.ZSTD_compressBound.restype = ctypes.c_size_t
    size_t, room = ctypes.c_size_t, library.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(out, size_t(room), data, size_t(len(data)), ctypes.c_int(3))
    assert size <= room
    return out.raw[:size]


class IngestCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.server.token("--expires", "1h")

    def post(self, body, **more):
        if "service" not in more:
            more.setdefault("token", self.token)
        return self.server.post_events(body, **more)

    def taken(self, body, accepted, duplicates=0, rejected=(), **more):
        """The batch is read and committed; returns the answer's JSON."""
        answer = self.post(body, **more)
        self.assertEqual(answer.status, 200, answer)
        result = answer.json()
        self.assertEqual(set(result), {"accepted", "duplicates", "rejected", "receipts"})
        self.assertEqual([(r["line"], r["code"]) for r in result["rejected"]], list(rejected))
        for one in result["rejected"]:
            self.assertTrue(one["message"])
        self.assertEqual((result["accepted"], result["duplicates"]), (accepted, duplicates))
        return result

    def refused(self, status, code, body, name, **more):
        """The batch is refused as a whole, and no event of that name was kept."""
        answer = self.post(body, **more)
        self.assertEqual((answer.status, answer.json()["code"]), (status, code), answer)
        self.assertTrue(answer.json()["message"])
        self.assert_nothing_kept(name)

    def assert_nothing_kept(self, name):
        """A later event can be seen, so an earlier one of that name would be there too."""
        after = str(uuid.uuid4())
        self.taken(line(eventID=after, eventName="After" + name), 1)
        wait_until(lambda: self.by_name("After" + name))
        self.assertEqual(self.by_name(name), [])

    def by_name(self, name, region="us-east-1"):
        return self.server.lookup(name, region)

    def found(self, name, count, region="us-east-1"):
        return wait_until(lambda: len(found := self.by_name(name, region)) >= count and found)


class Accepted(IngestCase):

    def test_missing_members_are_filled_in_and_the_rest_is_kept(self):
        sent = event(eventName="FillIn", requestParameters={"b": 1, "a": [None, 1.50, "ü\n"]})
        result = self.taken(lines(sent), 1)
        self.assertEqual(len(result["receipts"]), 1)
        self.assertEqual((result["receipts"][0]["region"], result["receipts"][0]["count"]),
                         ("us-east-1", 1))
        record = self.found("FillIn", 1)[0]
        uuid.UUID(record["eventID"])
        filled = {"eventVersion": "1.11", "eventID": record["eventID"], "awsRegion": "us-east-1",
                  "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT,
                  "eventCategory": "Management"}
        self.assertEqual(record, sent | filled)

    def test_envelopes_and_arrays(self):
        records = [event(eventName="Enveloped") for _ in range(3)]
        for body in (json.dumps({"Records": records}), json.dumps(records, indent=2),
                     json.dumps({"Records": records}, indent=4)):
            self.taken(body.encode(), 3)
        self.assertEqual(len(self.found("Enveloped", 9)), 9)
        self.taken(b'{"Records":[]}', 0)
        self.taken(b"", 0)
        self.taken(b"\n\n  \n", 0)

    def test_lines_with_blanks_and_carriage_returns(self):
        self.taken(b"\n" + line(eventName="Blank") + b"\r\n\r\n" + line(eventName="Blank") + b"\n",
                   2)
        self.assertEqual(len(self.found("Blank", 2)), 2)

    def test_compressed(self):
        body = lines(event(eventName="Compressed"), event(eventName="Compressed"))
        self.taken(gzip.compress(body), 2, headers={"Content-Encoding": "gzip"})
        members = gzip.compress(body + b"\n") + gzip.compress(body)
        self.taken(members, 4, headers={"Content-Encoding": "gzip"})
        self.taken(zstd(body), 2, headers={"Content-Encoding": "zstd"})
        self.assertEqual(len(self.found("Compressed", 8)), 8)

    def test_chunked_body(self):
        parts = urllib.parse.urlsplit(self.server.endpoint)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/events", headers={"Authorization": f"Bearer {self.token}"},
                           body=iter([line(eventName="Chunked") + b"\n", b"", b'{"event',
                                      line(eventName="Chunked")[7:]]), encode_chunked=True)
        answer = connection.getresponse()
        self.assertEqual((answer.status, json.loads(answer.read())["accepted"]), (200, 2))
        # The connection stays usable.
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().status, 200)

    def test_signature_region_is_the_default_region(self):
        self.taken(line(eventName="Southern"), 1, service="traccia", region="eu-south-1")
        self.assertEqual(self.found("Southern", 1, "eu-south-1")[0]["awsRegion"], "eu-south-1")
        self.assertEqual(self.by_name("Southern"), [])

    def test_receipts_number_each_region_without_gaps(self):
        def one(region):
            return event(awsRegion=region, eventName="Numbered")
        first = self.taken(lines(one("us-east-1"), one("us-east-1"), one("eu-south-1")), 3)
        second = self.taken(lines(one("eu-south-1"), one("us-east-1")), 2)

        def places(result):
            return {r["region"]: (r["firstIndex"], r["count"]) for r in result["receipts"]}
        self.assertEqual({r: c for r, (_, c) in places(first).items()},
                         {"us-east-1": 2, "eu-south-1": 1})
        for region in ("us-east-1", "eu-south-1"):
            self.assertEqual(places(second)[region][0], sum(places(first)[region]))

    def test_imports_of_another_account(self):
        body = line(recipientAccountId=OTHER_ACCOUNT, eventName="Imported")
        self.taken(body, 1, service="traccia")
        self.taken(body, 0, rejected=[(1, "AccountMismatch")])
        self.taken(line(recipientAccountId=ACCOUNT, eventName="Own"), 1)
        self.found("Own", 1)
        self.assertEqual(self.by_name("Imported"), [], "it belongs to the other account")

    def test_policies_say_who_sends_what(self):
        iam = self.server.client("iam")
        iam.create_user(UserName="sender")
        key = iam.create_access_key(UserName="sender")["AccessKey"]
        signing = {"service": "traccia", "key_id": key["AccessKeyId"],
                   "secret": key["SecretAccessKey"]}
        answer = self.post(line(eventName="Denied"), **signing)
        self.assertEqual((answer.status, answer.json()["__type"]), (400, "AccessDeniedException"))
        self.assertIn("is not authorized to perform: traccia:PutEvents because no identity-based "
                      "policy allows", str(answer.json()))
        denial = wait_until(lambda: self.by_name("PutEvents"))[0]
        self.assertEqual(denial["errorCode"], "AccessDenied")
        self.assertEqual(denial["userIdentity"]["userName"], "sender")

        def allow(*actions):
            iam.put_user_policy(UserName="sender", PolicyName="p", PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
        allow("traccia:PutEvents")
        self.taken(line(eventName="Allowed"), 1, **signing)
        other = line(recipientAccountId=OTHER_ACCOUNT, eventName="Imported")
        self.taken(other, 0, rejected=[(1, "AccountMismatch")], **signing)
        allow("traccia:PutEvents", "traccia:ImportEvents")
        self.taken(other, 1, **signing)

    def test_sending_events_is_not_an_event(self):
        self.taken(line(eventName="Sent"), 1)
        self.found("Sent", 1)
        lookup = self.trail.lookup_events(LookupAttributes=[
            {"AttributeKey": "EventSource", "AttributeValue": "traccia.amazonaws.com"}])
        records = [json.loads(e["CloudTrailEvent"]) for e in lookup["Events"]]
        self.assertLessEqual({r["eventName"] for r in records if "errorCode" not in r},
                             {"CreateIngestToken", "RevokeIngestToken", "ListIngestTokens"})


class Rejected(IngestCase):
    """Bad records are rejected one by one, with line and code; their neighbours are kept."""

    def test_one_by_one(self):
        good = line(eventName="GoodNeighbour")
        deep = b'{"a":' * 100 + b"1" + b"}" * 100
        table = [
            (b"{broken", "MalformedJSON"),
            (b'{"eventTime":"2026-01-01T00:00:00Z"', "MalformedJSON"),
            (b'{"eventTime":"2026-01-01T00:00:00Z","eventName":"\xff\xfe"}', "MalformedJSON"),
            (good + b" trailing", "MalformedJSON"),
            (b"[1,2]", "NotAnObject"),
            (b'"text"', "NotAnObject"),
            (b"null", "NotAnObject"),
            (b"{}", "MissingEventTime"),
            (b'{"eventName":"NoTime"}', "MissingEventTime"),
            (line(eventTime="yesterday"), "InvalidEventTime"),
            (line(eventTime="2026-02-30T00:00:00Z"), "InvalidEventTime"),
            (line(eventTime="2026-01-01T25:00:00Z"), "InvalidEventTime"),
            (line(eventTime="2026-01-01"), "InvalidEventTime"),
            (line(eventTime=1767225600), "InvalidEventTime"),
            (line(eventTime=now_text(3600)), "EventTimeInFuture"),
            (line(eventTime=now_text(360)), "EventTimeInFuture"),
            (b'{"eventTime":"2026-01-01T00:00:00Z"}', "MissingEventName"),
            (line(eventName=""), "MissingEventName"),
            (line(eventName=7), "InvalidMember"),
            (line(eventName="n" * 2000), "InvalidMember"),
            (line(userIdentity="alice"), "InvalidMember"),
            (line(resources={"ARN": "x"}), "InvalidMember"),
            (line(readOnly="perhaps"), "InvalidMember"),
            (line(eventID=""), "InvalidMember"),
            (line(eventID=None), "InvalidMember"),
            (line(eventID="two words"), "InvalidEventId"),
            (line(eventID="x" * 200), "InvalidEventId"),
            (line(awsRegion="mars-north-1"), "UnknownRegion"),
            (line(awsRegion="../../etc"), "UnknownRegion"),
            (line(recipientAccountId="12"), "InvalidAccount"),
            (line(recipientAccountId=OTHER_ACCOUNT), "AccountMismatch"),
            (good[:-1] + b',"eventName":"Twice"}', "DuplicateMember"),
            (line(requestParameters=json.loads(deep)), "TooDeep"),
            (line(pad="x" * RECORD_BYTES_MAX), "RecordTooLarge")]
        body, rejected, number = [], [], 0
        for text, code in table:
            body += [good, text]
            number += 2
            rejected.append((number, code))
        body.append(good)
        self.taken(b"\n".join(body), len(table) + 1, rejected=rejected)
        self.assertEqual(len(self.found("GoodNeighbour", len(table) + 1)), len(table) + 1)

    def test_places_in_an_envelope(self):
        body = json.dumps({"Records": [event(eventName="Placed"), {"eventName": "x"},
                                       event(eventName="Placed"), 7]})
        self.taken(body.encode(), 2, rejected=[(2, "MissingEventTime"), (4, "NotAnObject")])
        self.assertEqual(len(self.found("Placed", 2)), 2)

    def test_blank_lines_count_as_lines(self):
        self.taken(b"\n\n{broken\n\n[]", 0, rejected=[(3, "MalformedJSON"), (5, "NotAnObject")])

    def test_limits_are_exact(self):
        # With the fill-ins present the record is stored as it is sent.
        full = event(eventVersion="1.11", eventID="exact-size", awsRegion="us-east-1",
                     eventType="AwsApiCall", recipientAccountId=ACCOUNT,
                     eventCategory="Management", pad="")
        compact = json.dumps(full, separators=(",", ":"))
        full["pad"] = "x" * (RECORD_BYTES_MAX - len(compact))
        exact = json.dumps(full, separators=(",", ":")).encode()
        self.assertEqual(len(exact), RECORD_BYTES_MAX)
        self.taken(exact, 1)
        self.taken(exact.replace(b'"pad":"', b'"pad":"x').replace(b"exact-size", b"other-size"), 0,
                   rejected=[(1, "RecordTooLarge")])
        self.taken(line(eventTime=now_text(240)), 1)

    def test_duplicates(self):
        first, second = (event(eventID=str(uuid.uuid4()), eventName="Doubled") for _ in range(2))
        result = self.taken(lines(first, second, first), 2, duplicates=1)
        place = result["receipts"][0]["firstIndex"]
        again = self.taken(lines(second), 0, duplicates=1)
        self.assertEqual(again["receipts"],
                         [{"region": "us-east-1", "firstIndex": place + 1, "count": 1}])
        # The same record in other spacing is the same record.
        self.taken(json.dumps([first], indent=3).encode(), 0, duplicates=1)
        self.assertEqual(len(self.found("Doubled", 2)), 2)
        # The same eventID of another account is another event.
        self.taken(lines(first | {"recipientAccountId": OTHER_ACCOUNT}), 1, service="traccia")

    def test_conflict(self):
        first = event(eventID=str(uuid.uuid4()), eventName="Contested")
        self.taken(lines(first), 1)
        self.taken(lines(event(eventName="Bystander"), first | {"extra": 1}), 1,
                   rejected=[(2, "EventIdConflict")])
        self.found("Bystander", 1)
        self.assertEqual([r for r in self.by_name("Contested") if "extra" in r], [])
        both = str(uuid.uuid4())
        self.taken(lines(event(eventID=both, n=1), event(eventID=both, n=2)), 1,
                   rejected=[(2, "EventIdConflict")])


class Refused(IngestCase):
    """Requests that are refused as a whole keep nothing."""

    def test_broken_envelope(self):
        good = line(eventName="InEnvelope")
        for body in (b'{"Records":[' + good, b'{"Records":[' + good + b"]", b'{"Records":7}',
                     b'{"Records":[' + good + b"]} more", b"[" + good + b",", b"[" + good + b"}"):
            with self.subTest(body=body[:20], end=body[-20:]):
                self.refused(400, "MalformedBody", body, "InEnvelope")

    def test_bad_compression(self):
        good = gzip.compress(line(eventName="Zipped"))
        crc = good[:-8] + bytes(8)
        for encoding, body, code in (
                ("gzip", line(eventName="Zipped"), "NotGzip"),
                ("gzip", good[:-9], "NotGzip"),
                ("gzip", crc, "NotGzip"),
                ("gzip", good + b"trailing bytes that are no gzip", "NotGzip"),
                ("gzip", b"", "NotGzip"),
                ("zstd", good, "NotZstd"),
                ("zstd", zstd(line(eventName="Zipped"))[:-3], "NotZstd"),
                ("br", good, "UnsupportedEncoding")):
            with self.subTest(encoding=encoding, size=len(body)):
                self.refused(400, code, body, "Zipped", headers={"Content-Encoding": encoding})

    def test_bombs(self):
        # 10 MiB out of 10 KiB: beyond the ratio. 100 MiB: beyond the limit itself.
        for name, pack in (("gzip", gzip.compress), ("zstd", zstd)):
            for size in (10 << 20, 100 << 20):
                with self.subTest(encoding=name, size=size):
                    bomb = pack(line(eventName="Bomb") + b"\n" + bytes(size))
                    self.assertLess(len(bomb), 200 << 10)
                    self.refused(413, "TooLarge", bomb, "Bomb", headers={"Content-Encoding": name})

    def test_oversize_body(self):
        pad = b"\n" * BODY_BYTES_MAX
        self.refused(413, "TooLarge", line(eventName="Oversize") + pad, "Oversize")
        body = line(eventName="Fits")
        self.taken(body + pad[:BODY_BYTES_MAX - len(body)], 1)

    def test_too_many_records(self):
        self.refused(413, "TooManyRecords", line(eventName="Many") + b"\n{}" * 500_000, "Many")

    def test_truncated_body(self):
        body = line(eventName="Truncated") + b"\n"
        with self.server.connect() as connection:
            connection.sendall(
                b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                self.token.encode() + b"\r\nContent-Length: %d\r\n\r\n" % (len(body) + 100) + body)
            connection.shutdown(1)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        self.assertNotIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assert_nothing_kept("Truncated")

    def test_method(self):
        answer = send(self.server.endpoint + "/v1/events",
                      headers={"Authorization": f"Bearer {self.token}"})
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST"))


class Tokens(IngestCase):

    def forbidden(self, answer, code="UnrecognizedClientException"):
        self.assertEqual(answer.status, 403, answer)
        self.assertEqual(answer.json()["__type"].split("#")[-1], code)

    def test_wrong_tokens(self):
        flipped = self.token[:-1] + ("A" if self.token[-1] != "A" else "B")
        self.assertEqual(self.post(line(eventName="Intruder"), token="").status, 400)
        for token in ("nonsense", flipped, self.token + "x", self.token[:-1],
                      self.token.upper()):
            with self.subTest(token=len(token)):
                self.forbidden(self.post(line(eventName="Intruder"), token=token))
        self.assert_nothing_kept("Intruder")
        self.assertNotIn(self.token, self.server.log())

    def test_without_credentials(self):
        answer = send(self.server.endpoint + "/v1/events", "POST", line(eventName="Nobody"))
        self.forbidden(answer, "MissingAuthenticationTokenException")
        self.assert_nothing_kept("Nobody")

    def test_wrong_signatures(self):
        body = line(eventName="Forged")
        self.forbidden(self.post(body, service="cloudtrail"), "InvalidSignatureException")
        self.forbidden(self.post(body, service="traccia", secret="x" * 40),
                       "InvalidSignatureException")
        self.forbidden(self.post(body, service="traccia", key_id="AKIAUNKNOWN000000000"))
        headers = self.server.sign("POST", "/v1/events", body, service="traccia")
        self.forbidden(send(self.server.endpoint + "/v1/events", "POST",
                            line(eventName="Forged", other=1), headers),
                       "InvalidSignatureException")
        self.assert_nothing_kept("Forged")

    def test_a_token_may_only_send_events(self):
        for method, path, headers in (
                ("GET", "/", {}), ("GET", "/some-bucket", {}), ("PUT", "/token-bucket", {}),
                ("POST", "/", {"X-Amz-Target": "CloudTrail_20131101.DescribeTrails",
                               "Content-Type": "application/x-amz-json-1.1"})):
            with self.subTest(method=method, path=path):
                answer = send(self.server.endpoint + path, method, b"{}",
                              headers | {"Authorization": f"Bearer {self.token}"})
                self.assertIn(answer.status, (400, 403), answer)
        self.assertEqual(self.s3.list_buckets()["Buckets"], [])

    def tokens(self):
        result = self.server.traccia("token", "list", "--output", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return {t["TokenId"]: t for t in json.loads(result.stdout)["Tokens"]}

    def test_revoke(self):
        before = set(self.tokens())
        token = self.server.token("--expires", "30d")
        [made] = set(self.tokens()) - before
        self.assertEqual(self.tokens()[made]["AccountId"], ACCOUNT)
        self.assertFalse(self.tokens()[made]["Revoked"])
        self.taken(line(), 1, token=token)
        self.assertEqual(self.server.traccia("token", "revoke", made).returncode, 0)
        self.forbidden(self.post(line(eventName="Revoked"), token=token))
        self.assertTrue(self.tokens()[made]["Revoked"])
        self.taken(line(), 1)  # others keep working
        self.assert_nothing_kept("Revoked")
        unknown = self.server.traccia("token", "revoke", "nobody")
        self.assertEqual(unknown.returncode, 3)
        self.assertTrue(unknown.stderr)

    def test_expiry(self):
        token = self.server.token("--expires", "3s")
        self.taken(line(), 1, token=token)
        expired = wait_until(
            lambda: (a := self.post(line(eventName="Late"), token=token)).status != 200 and a)
        self.forbidden(expired)

    def test_never_expires(self):
        token = self.server.token()
        self.taken(line(), 1, token=token)

    def test_creation_is_recorded_without_the_secret(self):
        token = self.server.token("--expires", "1h")
        records = wait_until(lambda: self.by_name("CreateIngestToken"))
        self.assertNotIn(token, json.dumps(records))
        self.assertEqual(records[0]["responseElements"]["token"],
                         "HIDDEN_DUE_TO_SECURITY_REASONS")
        for file in self.server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(token.encode(), file.read_bytes(), file)

    def test_bad_lifetimes(self):
        for text in ("soon", "-1h", "0s", "5"):
            with self.subTest(text=text):
                result = self.server.traccia("token", "create", f"--expires={text}")
                self.assertEqual((result.returncode, result.stdout), (2, b""), result.stderr)


class Record(IngestCase):
    """traccia record FILE…"""

    def write(self, name, content):
        path = self.server.folder / name
        path.write_bytes(content)
        return str(path)

    def record(self, *args):
        result = self.server.traccia("record", *args)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def test_every_kind_of_file(self):
        records = [event(eventName="FromFile", eventID=str(uuid.uuid4()), n=i) for i in range(5)]
        files = [self.write("one.ndjson", lines(*records[:2])),
                 self.write("two.json", json.dumps({"Records": records[2:4]}, indent=1).encode()),
                 self.write("three.json.gz", gzip.compress(json.dumps([records[4]]).encode()))]
        self.assertEqual(self.record(*files), (0, "5 accepted, 0 duplicates, 0 rejected\n", ""))
        self.assertEqual(sorted(r["n"] for r in self.found("FromFile", 5)), [0, 1, 2, 3, 4])
        code, out, _ = self.record("--output", "json", *files)
        self.assertEqual((code, json.loads(out)),
                         (0, {"accepted": 0, "duplicates": 5, "rejected": 0}))

    def test_rejections_name_file_line_and_code(self):
        file = self.write("bad.ndjson", b"\n" + line(eventName="Half") + b"\n{broken\n\n{}\n")
        code, out, err = self.record(file)
        self.assertEqual((code, out), (1, "1 accepted, 0 duplicates, 2 rejected\n"))
        self.assertIn(f"{file}:3: MalformedJSON: ", err)
        self.assertIn(f"{file}:5: MissingEventTime: ", err)

    def test_administrators_import_for_other_accounts(self):
        file = self.write("import.json", line(recipientAccountId=OTHER_ACCOUNT))
        self.assertEqual(self.record(file)[0], 0)

    def test_many_batches(self):
        for name, pad in (("varied", lambda: uuid.uuid4().hex * 60), ("alike", lambda: "x" * 2000)):
            with self.subTest(name=name):
                records = [event(eventName="Bulk", n=i, pad=pad()) for i in range(10_000)]  # 20 MB
                file = self.write(f"{name}.ndjson", lines(*records))
                self.assertEqual(self.record(file),
                                 (0, "10000 accepted, 0 duplicates, 0 rejected\n", ""))

    def test_what_cannot_be_sent(self):
        missing = str(self.server.folder / "missing.json")
        code, _, err = self.record(missing)
        self.assertEqual(code, 3)
        self.assertIn(missing, err)
        code, _, err = self.record(self.write("broken.json.gz", b"\x1f\x8bbroken"))
        self.assertIn(code, (2, 3))
        self.assertIn("broken.json.gz", err)
        self.assertEqual(self.record()[0], 2)
        code, _, err = self.record("--endpoint", "http://127.0.0.1:1",
                                   self.write("ok.json", line()))
        self.assertEqual(code, 3)
        self.assertIn("127.0.0.1:1", err)


if __name__ == "__main__":
    harness.main()
