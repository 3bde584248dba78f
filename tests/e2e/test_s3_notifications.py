"""Event notifications of buckets with boto3 and the AWS CLI: to queues, and over topics.

SPDX-License-Identifier: Apache-2.0
"""
import json
import unittest
import urllib.parse

import harness
from harness import ACCOUNT, Server, ServerCase, wait_until

A_DAY = 24 * 3600


def allowing(service, action, resource, source):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": source}}}]})


class Notifications(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sqs, cls.sns = cls.server.client("sqs"), cls.server.client("sns")

    def queue(self, name, service, source):
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        made = self.sqs.create_queue(QueueName=name, Attributes={
            "Policy": allowing(service, "sqs:SendMessage", arn, source)})
        return made["QueueUrl"], arn

    def receive(self, url):
        """Waits for a message; its body."""
        def one():
            got = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
            for message in got:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [json.loads(message["Body"]) for message in got]
        return wait_until(one)[0]

    def test_a_queue_hears_of_a_trails_files(self):
        """What collectors follow that know nothing of SNS."""
        bucket = "noted-logs"
        self.server.trail_bucket(bucket, "noted")
        url, arn = self.queue("noted", "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
        self.server.aws("s3api", "put-bucket-notification-configuration", "--bucket", bucket,
                        "--notification-configuration", json.dumps({"QueueConfigurations": [{
                            "Id": "files", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"],
                            "Filter": {"Key": {"FilterRules": [
                                {"Name": "Suffix", "Value": ".json.gz"}]}}}]}))
        self.assertEqual(self.receive(url)["Event"], "s3:TestEvent")
        self.trail.create_trail(Name="noted", S3BucketName=bucket)
        self.trail.start_logging(Name="noted")
        record = self.receive(url)["Records"][0]
        self.assertEqual((record["eventName"], record["s3"]["bucket"]["name"]),
                         ("ObjectCreated:Put", bucket))
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        self.assertTrue(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        self.trail.delete_trail(Name="noted")

    def test_over_a_topic(self):
        bucket = "told-bucket"
        self.s3.create_bucket(Bucket=bucket)
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:told"
        self.sns.create_topic(Name="told", Attributes={"Policy": allowing(
            "s3.amazonaws.com", "SNS:Publish", topic, f"arn:aws:s3:::{bucket}")})
        url, arn = self.queue("told", "sns.amazonaws.com", topic)
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                           Attributes={"RawMessageDelivery": "true"})
        wanted = {"TopicConfigurations": [{"Id": "all", "TopicArn": topic, "Events": [
            "s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]}
        self.s3.put_bucket_notification_configuration(Bucket=bucket,
                                                      NotificationConfiguration=wanted)
        shown = self.s3.get_bucket_notification_configuration(Bucket=bucket)
        self.assertEqual(shown["TopicConfigurations"], wanted["TopicConfigurations"])
        self.assertEqual(self.receive(url)["Event"], "s3:TestEvent")
        self.s3.put_object(Bucket=bucket, Key="a b", Body=b"x")
        self.assertEqual(self.receive(url)["Records"][0]["s3"]["object"]["key"], "a+b")
        self.s3.delete_object(Bucket=bucket, Key="a b")
        self.assertEqual(self.receive(url)["Records"][0]["eventName"], "ObjectRemoved:Delete")

    def test_destinations_are_tried(self):
        self.s3.create_bucket(Bucket="untold-bucket")
        _, arn = self.queue("closed", "s3.amazonaws.com", "arn:aws:s3:::another")
        self.fails("InvalidArgument", self.s3.put_bucket_notification_configuration,
                   "Unable to validate the following destination configurations",
                   Bucket="untold-bucket", NotificationConfiguration={"QueueConfigurations": [
                       {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})


class WithoutARequest(unittest.TestCase):
    """What S3 does by itself, on a clock that the test moves."""

    def test_a_queue_hears_of_lifecycle_rules_and_restored_copies(self):
        server = self.enterContext(Server("--test-clock"))
        s3, sqs = server.client("s3"), server.client("sqs")
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:aging"
        url = sqs.create_queue(QueueName="aging", Attributes={"Policy": allowing(
            "s3.amazonaws.com", "sqs:SendMessage", arn, "arn:aws:s3:::aging")})["QueueUrl"]
        heard = []

        def hears(event, key):
            def look():
                got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
                for message in got.get("Messages", []):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    for record in json.loads(message["Body"]).get("Records", []):
                        heard.append((record["eventName"], record["s3"]["object"]["key"]))
                return (event, key) in heard
            wait_until(look, what=f"{event} {key}; heard {heard}")

        def to_day(day):
            (server.data / "test-clock").write_text(f"{day * A_DAY}\n")

        s3.create_bucket(Bucket="aging")
        s3.put_bucket_notification_configuration(
            Bucket="aging", NotificationConfiguration={"QueueConfigurations": [
                {"QueueArn": arn, "Events": [
                    "s3:LifecycleExpiration:*", "s3:LifecycleTransition", "s3:ObjectRestore:*",
                    "s3:ObjectTagging:*", "s3:ObjectAcl:Put"]}]})
        s3.put_bucket_lifecycle_configuration(Bucket="aging", LifecycleConfiguration={"Rules": [
            {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "old/"},
             "Expiration": {"Days": 2}},
            {"ID": "cold", "Status": "Enabled", "Filter": {
                "And": {"Prefix": "cold/", "ObjectSizeGreaterThan": 0}},
             "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}]})
        for key in ("old/k", "cold/k"):
            s3.put_object(Bucket="aging", Key=key, Body=b"x")
        s3.put_object_tagging(Bucket="aging", Key="cold/k",
                              Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
        hears("ObjectTagging:Put", "cold/k")
        to_day(4)
        hears("LifecycleExpiration:Delete", "old/k")
        hears("LifecycleTransition", "cold/k")
        s3.restore_object(Bucket="aging", Key="cold/k", RestoreRequest={"Days": 2})
        hears("ObjectRestore:Completed", "cold/k")
        to_day(9)
        hears("ObjectRestore:Delete", "cold/k")


if __name__ == "__main__":
    harness.main()
