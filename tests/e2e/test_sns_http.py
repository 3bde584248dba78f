"""SNS over HTTP: confirmation, signatures as AWS's own validator checks them, retries.

SPDX-License-Identifier: Apache-2.0
"""
import http.server
import json
import pathlib
import queue
import ssl
import subprocess
import tempfile
import threading

import harness
from harness import ACCOUNT, ROOT, ServerCase, main, wait_until

NODE = ROOT / "build" / "node"
CERTIFICATE_HOST = "sns.us-east-1.amazonaws.com"


class Sink:
    """A subscriber over HTTP; `statuses` are what it answers, then 200."""

    def __init__(self):
        self.requests = queue.Queue()
        self.statuses = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(sink.statuses.pop(0) if sink.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                sink.requests.put((self.path, self.headers, body.decode()))

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, limit=20):
        """Path, headers and body of the next request."""
        return self.requests.get(timeout=limit)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class CertificateFront:
    """Stands for the host of SNS's certificates: https, with what the server has."""

    def __init__(self, folder, server):
        folder = pathlib.Path(folder)
        self.ca = folder / "tls.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout",
                        "tls.key", "-out", "tls.pem", "-subj", f"/CN={CERTIFICATE_HOST}", "-addext",
                        f"subjectAltName=DNS:{CERTIFICATE_HOST}"], cwd=folder, check=True, capture_output=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = harness.send(server.endpoint + self.path)
                self.send_response(answer.status)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Http(ServerCase):

    @classmethod
    def setUpClass(cls):
        subprocess.run([ROOT / "tests" / "node_env.sh"], check=True)
        folder = tempfile.TemporaryDirectory(prefix="traccia-sns-")
        cls.addClassCleanup(folder.cleanup)
        cls.server = harness.Server("--outbound-allow", "127.0.0.1", "--public-url",
                                    f"https://{CERTIFICATE_HOST}")
        cls.server.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.front = CertificateFront(folder.name, cls.server)
        cls.addClassCleanup(cls.front.server.shutdown)
        cls.sns = cls.server.client("sns")
        cls.sqs = cls.server.client("sqs")

    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def validated(self, messages):
        """What AWS's validator says of each."""
        env = harness.clean_environment() | {"NODE_EXTRA_CA_CERTS": str(self.front.ca)}
        result = subprocess.run(
            [NODE / "bin" / "node", ROOT / "tests" / "e2e" / "sns_verify.mjs", NODE, str(self.front.port)],
            input=json.dumps(messages), env=env, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def follow(self, link):
        """A link of this server, at the address where it listens."""
        self.assertTrue(link.startswith(f"https://{CERTIFICATE_HOST}/?"), link)
        return harness.send(self.server.endpoint + "/" + link.split("/", 3)[3])

    def topic(self, name, **attributes):
        return self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]

    def subscribe(self, arn, path="/", **attributes):
        """A confirmed subscription of the sink; its ARN and the confirmation."""
        made = self.sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=self.sink.url + path,
                                  Attributes=attributes)
        self.assertEqual(made["SubscriptionArn"], "pending confirmation")
        _, headers, body = self.sink.next()
        self.assertEqual(headers["x-amz-sns-message-type"], "SubscriptionConfirmation")
        confirmation = json.loads(body)
        answer = self.follow(confirmation["SubscribeURL"])
        self.assertEqual(answer.status, 200, answer)
        listed = self.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        mine = [one for one in listed if one["Endpoint"] == self.sink.url + path]
        return mine[0]["SubscriptionArn"], confirmation

    def test_confirmed_notified_ended(self):
        arn = self.topic("http")
        subscription, confirmation = self.subscribe(arn, "/hook?x=1")
        self.assertEqual(confirmation["TopicArn"], arn)
        sent = self.sns.publish(TopicArn=arn, Subject="S", Message="héllo")
        path, headers, body = self.sink.next()
        self.assertEqual(path, "/hook?x=1")
        self.assertEqual({name: headers[name] for name in (
            "x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn",
            "x-amz-sns-subscription-arn", "x-amz-sns-rawdelivery", "Content-Type", "User-Agent")}, {
                "x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": sent["MessageId"],
                "x-amz-sns-topic-arn": arn, "x-amz-sns-subscription-arn": subscription,
                "x-amz-sns-rawdelivery": None, "Content-Type": "text/plain; charset=UTF-8",
                "User-Agent": "Amazon Simple Notification Service Agent"})
        notification = json.loads(body)
        self.assertEqual((notification["Message"], notification["Subject"]), ("héllo", "S"))
        self.assertEqual(self.follow(notification["UnsubscribeURL"]).status, 200)
        ended = json.loads(self.sink.next()[2])
        self.assertEqual(ended["Type"], "UnsubscribeConfirmation")
        shown = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        self.assertEqual((shown["SubscriptionsConfirmed"], shown["SubscriptionsDeleted"]), ("0", "1"))
        self.assertEqual(self.follow(ended["SubscribeURL"]).status, 200)
        self.sns.publish(TopicArn=arn, Message="again")
        self.assertEqual(json.loads(self.sink.next()[2])["Message"], "again")

    def test_signatures_are_what_the_validator_wants(self):
        arn = self.topic("signed")
        _, confirmation = self.subscribe(arn)
        messages = [confirmation]
        for version in ("1", "2"):
            self.sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue=version)
            self.sns.publish(TopicArn=arn, Message=f"ü \"{version}\" \n", Subject="S")
            self.sns.publish(TopicArn=arn, Message=json.dumps({"s3Bucket": "b", "s3ObjectKey": ["k/ü"]}))
            messages += [json.loads(self.sink.next()[2]) for _ in range(2)]
        self.assertEqual([one["SignatureVersion"] for one in messages], ["1", "1", "1", "2", "2"])
        self.assertEqual(self.validated(messages), ["valid"] * 5)
        forged = [message | {"Message": "forged"} for message in messages]
        self.assertEqual(self.validated(forged), ["The message signature is invalid."] * 5)

    def test_a_signature_guards_what_was_confirmed_with_one(self):
        arn = self.topic("guarded")
        self.sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=self.sink.url)
        confirmation = json.loads(self.sink.next()[2])
        made = self.sns.confirm_subscription(TopicArn=arn, Token=confirmation["Token"],
                                             AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
        self.sns.publish(TopicArn=arn, Message="m")
        link = json.loads(self.sink.next()[2])["UnsubscribeURL"]
        answer = self.follow(link)
        self.assertEqual(answer.status, 403, answer)
        self.assertIn(b"<Code>AuthorizationError</Code>", answer.body)
        self.sns.unsubscribe(SubscriptionArn=made)
        shown = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        self.assertEqual((shown["SubscriptionsConfirmed"], shown["SubscriptionsDeleted"]), ("0", "0"))

    def test_raw_and_tried_again(self):
        arn = self.topic("raw")
        self.subscribe(arn, RawMessageDelivery="true", DeliveryPolicy=json.dumps({
            "healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 2},
            "requestPolicy": {"headerContentType": "application/json"}}))
        self.sink.statuses = [503, 429]
        self.sns.publish(TopicArn=arn, Message="{\"a\":1}")
        for _ in range(3):
            _, headers, body = self.sink.next()
            self.assertEqual(body, "{\"a\":1}")
        self.assertEqual((headers["x-amz-sns-rawdelivery"], headers["Content-Type"]), ("true", "application/json"))

    def test_what_is_refused_goes_to_the_dead_letters(self):
        arn = self.topic("dead")
        queue_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
        url = self.sqs.create_queue(QueueName="dead", Attributes={"Policy": json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage", "Resource": queue_arn}]})})["QueueUrl"]
        self.subscribe(arn, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn}))
        self.sink.statuses = [400]
        self.sns.publish(TopicArn=arn, Message="unwelcome")
        got = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
        self.assertEqual(json.loads(got["Body"])["Message"], "unwelcome")

    def test_a_subscriber_that_is_away_holds_back_no_other(self):
        arn = self.topic("away")
        self.subscribe(arn)
        other = Sink()
        self.sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=other.url)
        self.follow(json.loads(other.next()[2])["SubscribeURL"])
        other.close()
        for i in range(3):
            self.sns.publish(TopicArn=arn, Message=str(i))
            self.assertEqual(json.loads(self.sink.next()[2])["Message"], str(i))

    def test_filters(self):
        arn = self.topic("filtered")
        made, _ = self.subscribe(arn, FilterPolicy=json.dumps({"kind": ["a", {"prefix": "b"}]}))
        shown = self.sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
        self.assertEqual(shown["FilterPolicyScope"], "MessageAttributes")
        for kind in ("x", "bx"):
            self.sns.publish(TopicArn=arn, Message=kind,
                             MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}})
        self.assertEqual(json.loads(self.sink.next()[2])["Message"], "bx")
        for name, value in (("FilterPolicyScope", "MessageBody"),
                            ("FilterPolicy", json.dumps({"a": {"b": [{"numeric": [">", 5]}]}}))):
            self.sns.set_subscription_attributes(SubscriptionArn=made, AttributeName=name, AttributeValue=value)
        for b in (5, 6):
            self.sns.publish(TopicArn=arn, Message=json.dumps({"a": {"b": b}}))
        self.assertEqual(json.loads(json.loads(self.sink.next()[2])["Message"]), {"a": {"b": 6}})
        self.fails("InvalidParameter", self.sns.set_subscription_attributes, SubscriptionArn=made,
                   AttributeName="FilterPolicy", AttributeValue="{\"a\":[{\"wrong\":1}]}")

    def test_urls(self):
        arn = self.topic("urls")
        for protocol, endpoint in (("http", "https://example.com/"), ("https", "example.com"), ("http", "http://"),
                                   ("http", "http://user:secret@example.com/")):
            self.fails("InvalidParameter", self.sns.subscribe, TopicArn=arn, Protocol=protocol, Endpoint=endpoint)


class Guard(ServerCase):

    def test_addresses_that_are_not_public_are_not_reached(self):
        sns = self.server.client("sns")
        sink = Sink()
        self.addCleanup(sink.close)
        arn = sns.create_topic(Name="inside")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=sink.url)
        wait_until(lambda: "a notification was lost" in self.server.log())
        self.assertIn("its address is not public", self.server.log())
        self.assertTrue(sink.requests.empty())


if __name__ == "__main__":
    main()
