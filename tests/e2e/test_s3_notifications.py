"""Event notifications of buckets with boto3 and the AWS CLI: to queues, and over topics.

SPDX-License-Identifier: Apache-2.0
"""
import json
import urllib.parse

import harness
from harness import ACCOUNT, ServerCase, wait_until


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


if __name__ == "__main__":
    harness.main()
