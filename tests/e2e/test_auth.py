"""Who may call: signatures, clocks, regions, services and both X-Amz-Target prefixes.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json
import re
import stat
import uuid
import xml.etree.ElementTree

import harness
from harness import ACCOUNT, ServerCase, send, wait_until

BOTO_TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"
SMITHY_TARGET = "CloudTrail_20131101"
UNKNOWN_KEY = "AKIAUNKNOWN000000000"
JSON_TYPE = "application/x-amz-json-1.1"
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def shifted(**delta):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)


class AuthCase(ServerCase):

    def call(self, operation="DescribeTrails", body=b"{}", prefix=BOTO_TARGET, **signing):
        headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"{prefix}.{operation}"}
        return self.server.signed("POST", "/", body, headers,
                                  **({"service": "cloudtrail"} | signing))

    def assert_json_error(self, answer, status, name):
        self.assertEqual((answer.status, answer.json()["__type"].split("#")[-1]), (status, name),
                         answer)
        self.assertTrue(answer.headers["x-amzn-RequestId"])
        self.assertTrue(answer.json()["message"])

    def assert_xml_error(self, answer, status, name):
        root = xml.etree.ElementTree.fromstring(answer.body)
        codes = [e.text for e in root.iter() if e.tag.split("}")[-1] == "Code"]
        self.assertEqual((answer.status, codes), (status, [name]), answer)


class Signatures(AuthCase):

    def test_wrong_secret(self):
        for service, call, code in (
                ("cloudtrail", "describe_trails", "InvalidSignatureException"),
                ("s3", "list_buckets", "SignatureDoesNotMatch"),
                ("sts", "get_caller_identity", "SignatureDoesNotMatch")):
            with self.subTest(service=service):
                client = self.server.client(service, secret="wrong" * 8)
                answer = self.fails(code, getattr(client, call))
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_unknown_key(self):
        for service, call, code, message in (
                ("cloudtrail", "describe_trails", "UnrecognizedClientException",
                 "The security token included in the request is invalid."),
                ("s3", "list_buckets", "InvalidAccessKeyId",
                 "The AWS Access Key Id you provided does not exist in our records."),
                ("sts", "get_caller_identity", "InvalidClientTokenId",
                 "The security token included in the request is invalid.")):
            with self.subTest(service=service):
                client = self.server.client(service, key_id=UNKNOWN_KEY)
                self.fails(code, getattr(client, call), message=message)

    def test_skewed_clock(self):
        for minutes in (-20, 20):
            with self.subTest(minutes=minutes):
                at = shifted(minutes=minutes)
                self.assert_json_error(self.call(at=at), 403, "InvalidSignatureException")
                self.assert_xml_error(self.server.signed("GET", "/", at=at), 403,
                                      "RequestTimeTooSkewed")
        for minutes in (-4, 4):
            with self.subTest(minutes=minutes):
                at = shifted(minutes=minutes)
                self.assertEqual(self.call(at=at).status, 200)
                self.assertEqual(self.server.signed("GET", "/", at=at).status, 200)

    def test_missing_authorization(self):
        endpoint = self.server.endpoint
        answer = send(endpoint + "/", "POST", b"{}", {
            "Content-Type": JSON_TYPE, "X-Amz-Target": f"{SMITHY_TARGET}.DescribeTrails"})
        self.assert_json_error(answer, 403, "MissingAuthenticationTokenException")
        self.assert_xml_error(send(endpoint + "/", "POST", IDENTITY, FORM), 403,
                              "MissingAuthenticationToken")
        for method, path in (("GET", "/"), ("GET", "/bucket/key"), ("PUT", "/bucket"),
                             ("DELETE", "/bucket/key")):
            with self.subTest(method=method, path=path):
                self.assert_xml_error(send(endpoint + path, method), 403, "AccessDenied")

    def test_missing_authorization_of_a_form_sent_to_a_bucket(self):
        answer = send(self.server.endpoint + "/bucket/key", "PUT", b"x", FORM)
        self.assert_xml_error(answer, 403, "AccessDenied")

    def test_broken_authorization(self):
        good = self.server.sign("GET", "/", service="s3")
        whole = good["Authorization"]
        for name, text, code in (
                ("no credential", re.sub(r"Credential=\S+", "", whole),
                 "AuthorizationHeaderMalformed"),
                ("short credential", whole.replace("/aws4_request", ""),
                 "AuthorizationHeaderMalformed"),
                ("no signature", whole.split(", Signature")[0], "AuthorizationHeaderMalformed"),
                ("cut signature", whole[:-1], "AuthorizationHeaderMalformed"),
                ("other signature", whole[:-1] + ("0" if whole[-1] != "0" else "1"),
                 "SignatureDoesNotMatch"),
                ("other method", whole.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"),
                 "InvalidRequest"),
                ("basic", "Basic YTpi", "InvalidRequest")):
            with self.subTest(name=name):
                answer = send(self.server.endpoint + "/", headers=good | {"Authorization": text})
                self.assertIn(answer.status, (400, 403))
                self.assert_xml_error(answer, answer.status, code)

    def test_altered_requests(self):
        answer = self.call(body=b'{"trailNameList":["a-trail"]}',
                           sent_body=b'{"trailNameList":["b-trail"]}')
        self.assert_json_error(answer, 403, "InvalidSignatureException")
        self.s3.create_bucket(Bucket="altered")
        answer = self.server.signed("PUT", "/altered/key", b"signed", sent_body=b"forged")
        self.assert_xml_error(answer, 400, "XAmzContentSHA256Mismatch")
        headers = self.server.sign("PUT", "/altered/key", b"signed")
        self.assert_xml_error(send(self.server.endpoint + "/altered/other", "PUT", b"signed",
                                   headers), 403, "SignatureDoesNotMatch")
        self.assert_xml_error(send(self.server.endpoint + "/altered/key?acl=", "PUT", b"signed",
                                   headers), 403, "SignatureDoesNotMatch")
        self.assertEqual(self.server.keys("altered"), [])
        self.assertEqual(send(self.server.endpoint + "/altered/key", "PUT", b"signed",
                              headers).status, 200)

    def test_session_token_with_a_permanent_key(self):
        self.assert_json_error(self.call(session="made-up"), 403, "UnrecognizedClientException")

    def test_signature_of_another_service(self):
        # Signed for S3, with a CloudTrail body: the scope decides, so this is an S3 request.
        answer = self.call(service="s3")
        self.assertNotEqual(answer.status, 200)
        self.assertNotIn(b"trailList", answer.body)

    def test_refused_signatures_reach_the_log_and_no_ones_history(self):
        mark = f"mark/{uuid.uuid4().hex}"
        client = self.server.client("cloudtrail", key_id=UNKNOWN_KEY, user_agent_extra=mark)

        def told():  # the log takes a few refusals a second, so one attempt may not be in it
            self.fails("UnrecognizedClientException", client.list_trails)
            return [entry for entry in self.server.log().splitlines() if mark in entry]
        self.assertIn("UnknownAccessKey", wait_until(told)[0])
        self.trail.list_trails()
        records = wait_until(lambda: self.server.lookup("ListTrails"))
        self.assertEqual({r["userIdentity"]["accessKeyId"] for r in records},
                         {self.server.key_id})

    def test_secrets_stay_secret(self):
        self.server.client("sts").get_caller_identity()
        self.assertNotIn(self.server.secret, self.server.log())
        mode = (self.server.data / "credentials").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        for file in self.server.data.rglob("*"):
            if file.is_file() and file.name != "credentials":
                self.assertNotIn(self.server.secret.encode(), file.read_bytes(), file)


class Scopes(AuthCase):

    def test_unknown_region(self):
        for region in ("mars-north-1", "eu-west-1", ""):
            with self.subTest(region=region):
                answer = self.call(region=region)
                self.assertEqual(answer.status, 400 if region == "" else 403, answer)
        answer = self.call(region="eu-west-1")
        self.assert_json_error(answer, 403, "InvalidSignatureException")
        self.assertIn("Credential should be scoped to a valid region", answer.json()["message"])
        # S3 takes any region.
        self.assertEqual(self.server.signed("GET", "/", region="mars-north-1").status, 200)

    def test_unknown_service(self):
        answer = self.call(service="dynamodb")
        self.assert_json_error(answer, 400, "UnknownOperationException")
        self.assertIn("dynamodb", answer.json()["message"])

    def test_identity(self):
        for region in ("us-east-1", "eu-south-1"):
            identity = self.server.client("sts", region).get_caller_identity()
            self.assertEqual((identity["Account"], identity["Arn"]),
                             (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/administrator"))
        answer = self.server.signed("POST", "/", b"Action=NoSuchAction&Version=2011-06-15", FORM,
                                    service="sts")
        self.assert_xml_error(answer, 400, "InvalidAction")


class Targets(AuthCase):

    def test_both_prefixes(self):
        for prefix in (BOTO_TARGET, SMITHY_TARGET):
            for operation, member in (("DescribeTrails", "trailList"), ("ListTrails", "Trails"),
                                      ("LookupEvents", "Events"),
                                      ("ListPublicKeys", "PublicKeyList")):
                with self.subTest(prefix=prefix, operation=operation):
                    answer = self.call(operation, prefix=prefix)
                    self.assertEqual(answer.status, 200, answer)
                    self.assertIsInstance(answer.json()[member], list)
                    self.assertEqual(answer.headers["Content-Type"], JSON_TYPE)

    def test_both_prefixes_change_and_record(self):
        self.server.trail_bucket("prefix-logs")
        for i, prefix in enumerate((BOTO_TARGET, SMITHY_TARGET)):
            body = json.dumps({"Name": f"prefix-{i}", "S3BucketName": "prefix-logs"}).encode()
            answer = self.call("CreateTrail", body, prefix=prefix)
            self.assertEqual((answer.status, answer.json().get("Name")), (200, f"prefix-{i}"))
            records = wait_until(lambda: [r for r in self.server.lookup("CreateTrail") if
                                          r["requestID"] == answer.headers["x-amzn-RequestId"]])
            self.assertEqual(records[0]["requestParameters"]["name"], f"prefix-{i}")

    def test_other_prefixes_and_operations(self):
        for prefix, operation in (("CloudTrail_20991231", "DescribeTrails"),
                                  ("com.amazonaws.cloudtrail", "DescribeTrails"),
                                  ("Traccia_20261101", "DescribeTrails"),
                                  (SMITHY_TARGET, "NoSuchOperation"),
                                  (SMITHY_TARGET, "describeTrails"),
                                  (SMITHY_TARGET, "")):
            with self.subTest(prefix=prefix, operation=operation):
                self.assert_json_error(self.call(operation, prefix=prefix), 400,
                                       "UnknownOperationException")

    def test_bodies(self):
        self.assertEqual(self.call(body=b"").status, 200)
        for body in (b"{broken", b"[]", b'"text"', b'{"a":1}}', b"\xff\xfe"):
            with self.subTest(body=body):
                self.assert_json_error(self.call(body=body), 400, "SerializationException")
        answer = self.call("GetTrail", b'{"Name":{"not":"a string"}}')
        self.assertEqual(answer.status, 400)
        answer = self.call("GetTrail", b"{}")
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.call("DescribeTrails", b'{"Unknown":1}').status, 200)
        deep = b'{"trailNameList":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        self.assertEqual(self.call(body=deep).status, 400)
        self.assertEqual(self.call().status, 200)


class Pages(AuthCase):

    def test_health_and_metrics_need_no_signature(self):
        health = send(self.server.endpoint + "/healthz")
        self.assertEqual(health.status, 200)
        metrics = send(self.server.endpoint + "/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertTrue(metrics.headers["Content-Type"].startswith("text/plain"))
        self.assertIn(b"# TYPE ", metrics.body)
        self.assertEqual(send(self.server.endpoint + "/healthz", "HEAD").body, b"")

    def test_requests_that_are_no_http(self):
        for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GARBAGE\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n",
                     b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"):
            with self.subTest(text=text[:20]), self.server.connect() as connection:
                try:
                    connection.sendall(text)
                    connection.shutdown(1)
                    answer = b""
                    while piece := connection.recv(65536):
                        answer += piece
                except ConnectionError:
                    answer = b""  # closed without reading it all
                self.assertNotIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertEqual(send(self.server.endpoint + "/healthz").status, 200)


if __name__ == "__main__":
    harness.main()
