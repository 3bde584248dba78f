"""SQS with boto3 and the AWS CLI, and with the Query protocol of older clients.

SPDX-License-Identifier: Apache-2.0
"""
import json
import threading
import time
import urllib.parse
import xml.etree.ElementTree

from harness import ACCOUNT, ServerCase, main, wait_until

XMLNS = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def statement(principal, actions, condition=None):
    out = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
    return out | ({"Condition": condition} if condition else {})


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class SqsCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sqs = cls.server.client("sqs")
        cls.iam = cls.server.client("iam")

    def queue(self, name, **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def receive(self, url, **options):
        return self.sqs.receive_message(QueueUrl=url, **options).get("Messages", [])

    def user(self, name, document=None):
        """A client of SQS for a user of its own."""
        self.iam.create_user(UserName=name)
        if document:
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return self.server.client("sqs", key_id=key["AccessKeyId"],
                                  secret=key["SecretAccessKey"])


class Queues(SqsCase):

    def test_life(self):
        url = self.queue("life", VisibilityTimeout="60")
        self.assertTrue(url.endswith(f"/{ACCOUNT}/life"), url)
        self.assertEqual(self.sqs.get_queue_url(QueueName="life")["QueueUrl"], url)
        self.assertIn(url, self.sqs.list_queues(QueueNamePrefix="li")["QueueUrls"])
        shown = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual((shown["VisibilityTimeout"], shown["QueueArn"], shown["ApproximateNumberOfMessages"]),
                         ("60", f"arn:aws:sqs:us-east-1:{ACCOUNT}:life", "0"))
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
        one = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        self.assertEqual(one["Attributes"], {"VisibilityTimeout": "7"})
        self.fails("QueueAlreadyExists", self.queue, name="life", VisibilityTimeout="8")
        self.fails("InvalidAttributeName", self.sqs.get_queue_attributes, QueueUrl=url,
                   AttributeNames=["Nothing"])
        self.sqs.tag_queue(QueueUrl=url, Tags={"team": "audit", "b": ""})
        self.sqs.untag_queue(QueueUrl=url, TagKeys=["b"])
        self.assertEqual(self.sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "audit"})
        self.sqs.delete_queue(QueueUrl=url)
        self.fails("AWS.SimpleQueueService.NonExistentQueue", self.sqs.get_queue_url, QueueName="life")
        record = wait_until(lambda: self.server.lookup("CreateQueue"))[0]
        self.assertEqual(record["eventSource"], "sqs.amazonaws.com")

    def test_the_exception_has_its_class(self):
        with self.assertRaises(self.sqs.exceptions.QueueDoesNotExist):
            self.sqs.get_queue_url(QueueName="nowhere")

    def test_pages(self):
        for i in range(3):
            self.queue(f"page-{i}")
        pages = self.sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix="page-", PaginationConfig={"PageSize": 2})
        self.assertEqual(len([url for page in pages for url in page["QueueUrls"]]), 3)

    def test_through_the_cli(self):
        # For SQS, version 1 of the CLI does not look at AWS_ENDPOINT_URL.
        def cli(*args):
            return self.server.aws("sqs", *args, "--endpoint-url", self.server.endpoint)
        url = cli("create-queue", "--queue-name", "cli")["QueueUrl"]
        cli("send-message", "--queue-url", url, "--message-body", "hello")
        got = cli("receive-message", "--queue-url", url, "--wait-time-seconds", "1")
        self.assertEqual(got["Messages"][0]["Body"], "hello")
        cli("purge-queue", "--queue-url", url)


class Messages(SqsCase):

    def test_sent_received_deleted(self):
        url = self.queue("plain")
        sent = self.sqs.send_message(
            QueueUrl=url, MessageBody="héllo <&>",
            MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"},
                               "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})
        got = self.receive(url, AttributeNames=["All"], MessageAttributeNames=["All"])[0]
        self.assertEqual((got["MessageId"], got["Body"]), (sent["MessageId"], "héllo <&>"))
        self.assertEqual(got["MessageAttributes"]["b"]["BinaryValue"], b"\x00\x01")
        self.assertEqual(got["Attributes"]["ApproximateReceiveCount"], "1")
        self.assertEqual(self.receive(url), [], "it is in flight")
        self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"],
                                           VisibilityTimeout=0)
        again = self.receive(url)[0]
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
        self.fails("ReceiptHandleIsInvalid", self.sqs.delete_message, QueueUrl=url, ReceiptHandle="x")
        self.fails("InvalidMessageContents", self.sqs.send_message, QueueUrl=url, MessageBody="a\x01")
        self.fails("InvalidParameterValue", self.sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)

    def test_batches(self):
        url = self.queue("batches")
        sent = self.sqs.send_message_batch(QueueUrl=url, Entries=[
            {"Id": "a", "MessageBody": "one"}, {"Id": "b", "MessageBody": "bad \x01"},
            {"Id": "c", "MessageBody": "two", "DelaySeconds": 0}])
        self.assertEqual([one["Id"] for one in sent["Successful"]], ["a", "c"])
        self.assertEqual((sent["Failed"][0]["Id"], sent["Failed"][0]["SenderFault"]), ("b", True))
        got = self.receive(url, MaxNumberOfMessages=10)
        self.assertEqual(sorted(m["Body"] for m in got), ["one", "two"])
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)]
        self.sqs.change_message_visibility_batch(
            QueueUrl=url, Entries=[entry | {"VisibilityTimeout": 5} for entry in entries])
        done = self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        self.assertEqual(len(done["Successful"]), 2)
        self.fails("AWS.SimpleQueueService.EmptyBatchRequest", self.sqs.delete_message_batch,
                   QueueUrl=url, Entries=[])
        self.fails("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", self.sqs.delete_message_batch,
                   QueueUrl=url, Entries=[entries[0], entries[0]])

    def test_waiting(self):
        url = self.queue("waiting")
        start = time.monotonic()
        self.assertEqual(self.receive(url, WaitTimeSeconds=1), [])
        self.assertGreaterEqual(time.monotonic() - start, 0.9)
        got = []
        clients = [self.server.client("sqs") for _ in range(12)]

        def collect(client):
            # Another may take what ended the wait.
            while not (messages := client.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])):
                pass
            got.extend(messages)
        # More than the server has workers: whoever waits holds none.
        threads = [threading.Thread(target=collect, args=[client], daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        for i in range(12):
            self.sqs.send_message(QueueUrl=url, MessageBody=str(i))
        for thread in threads:
            thread.join(30)
        self.assertEqual(sorted(m["Body"] for m in got), sorted(str(i) for i in range(12)))

    def test_dead_letters(self):
        dead = self.queue("dead")
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
        url = self.queue("fragile", VisibilityTimeout="0", RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": arn, "maxReceiveCount": 2}))
        self.sqs.send_message(QueueUrl=url, MessageBody="poison")
        self.assertEqual([len(self.receive(url)) for _ in range(3)], [1, 1, 0])
        got = self.receive(dead, AttributeNames=["DeadLetterQueueSourceArn"])[0]
        self.assertEqual(got["Attributes"], {"DeadLetterQueueSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:fragile"})
        self.assertEqual(self.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [url])


class Access(SqsCase):

    def test_a_user_needs_a_policy_or_the_queues(self):
        url = self.queue("guarded")
        own = self.user("reader")
        self.fails("AccessDenied", own.receive_message, QueueUrl=url)
        arn = f"arn:aws:iam::{ACCOUNT}:user/reader"
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={
            "Policy": policy(statement({"AWS": arn}, "sqs:ReceiveMessage"))})
        self.assertEqual(own.receive_message(QueueUrl=url).get("Messages", []), [])
        self.fails("AccessDenied", own.send_message, QueueUrl=url, MessageBody="x")
        shown = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        self.assertEqual(json.loads(shown)["Statement"][0]["Principal"], {"AWS": arn})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        self.fails("AccessDenied", own.receive_message, QueueUrl=url)

    def test_another_account(self):
        """The queue's policy and the caller's own must both allow."""
        url = self.queue("shared")
        other = self.server.account("collector")
        own = self.server.client_of(other, "sqs")
        self.fails("AccessDenied", own.receive_message, QueueUrl=url)
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={
            "Policy": policy(statement({"AWS": other["AccountId"]}, "sqs:ReceiveMessage"))})
        self.assertEqual(own.receive_message(QueueUrl=url).get("Messages", []), [])
        self.fails("AccessDenied", own.send_message, QueueUrl=url, MessageBody="x")
        iam = self.server.client_of(other, "iam")
        iam.create_user(UserName="unprivileged")
        key = iam.create_access_key(UserName="unprivileged")["AccessKey"]
        self.fails("AccessDenied", self.server.client("sqs", key_id=key["AccessKeyId"],
                                                      secret=key["SecretAccessKey"]).receive_message, QueueUrl=url)

    def test_a_denied_wait_does_not_wait(self):
        url = self.queue("no-wait")
        own = self.user("impatient")
        start = time.monotonic()
        self.fails("AccessDenied", own.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        self.assertLess(time.monotonic() - start, 10)

    def test_permissions(self):
        url = self.queue("permissions")
        self.sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"])
        self.fails("InvalidParameterValue", self.sqs.add_permission, QueueUrl=url, Label="one",
                   AWSAccountIds=[ACCOUNT], Actions=["SendMessage"])
        self.sqs.remove_permission(QueueUrl=url, Label="one")
        shown = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        self.assertNotIn("Attributes", shown)
        answer = self.fails("InvalidAttributeValue", self.sqs.set_queue_attributes, QueueUrl=url,
                            Attributes={"Policy": policy(statement({"AWS": "*"}, "s3:GetObject"))})
        self.assertIn("Policy", answer["Error"]["Message"])


class QueryProtocol(SqsCase):
    """As clients from before 2022 speak: forms and XML."""

    def ask(self, url, **form):
        answer = self.server.signed("POST", urllib.parse.urlsplit(url).path,
                                    urllib.parse.urlencode(form).encode(), service="sqs",
                                    headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        return answer, xml.etree.ElementTree.fromstring(answer.body)

    def test_a_message(self):
        made, tree = self.ask("/", Action="CreateQueue", QueueName="older", **{
            "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "40"})
        self.assertEqual(made.status, 200, made)
        url = tree.find(f".//{XMLNS}QueueUrl").text
        _, tree = self.ask(url, Action="SendMessage", MessageBody="a b", **{
            "MessageAttribute.1.Name": "k", "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "v"})
        self.assertIsNotNone(tree.find(f".//{XMLNS}MD5OfMessageAttributes"))
        _, tree = self.ask(url, Action="ReceiveMessage", **{"AttributeName.1": "All", "MessageAttributeName.1": "k"})
        message = tree.find(f".//{XMLNS}Message")
        self.assertEqual(message.find(f"{XMLNS}Body").text, "a b")
        self.assertEqual(message.find(f"{XMLNS}MessageAttribute/{XMLNS}Value/{XMLNS}StringValue").text, "v")
        names = [node.text for node in message.findall(f"{XMLNS}Attribute/{XMLNS}Name")]
        self.assertIn("SentTimestamp", names)
        handle = message.find(f"{XMLNS}ReceiptHandle").text
        done, _ = self.ask(url, Action="DeleteMessage", ReceiptHandle=handle)
        self.assertEqual(done.status, 200)

    def test_errors(self):
        answer, tree = self.ask("/", Action="GetQueueUrl", QueueName="nowhere")
        self.assertEqual(answer.status, 400)
        self.assertEqual(tree.find(".//Code").text, "AWS.SimpleQueueService.NonExistentQueue")


if __name__ == "__main__":
    main()
