"""SNS with boto3 and the AWS CLI: topics, subscriptions of queues, policies, topics of trails.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import json
import urllib.parse

import harness
from harness import ACCOUNT, ServerCase, main, wait_until


def queue_policy(queue_arn, topic_arn):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}}}]})


class SnsCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sns = cls.server.client("sns")
        cls.sqs = cls.server.client("sqs")
        cls.iam = cls.server.client("iam")

    def topic(self, name, **attributes):
        return self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]

    def queue(self, name, topic=None):
        """A queue that takes what the topic sends; URL and ARN."""
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        attributes = {"Policy": queue_policy(arn, topic)} if topic else {}
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], arn

    def receive(self, url, wait=10, **options):
        """The next message, deleted; fails when none comes."""
        got = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, **options)["Messages"][0]
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
        return got


class Topics(SnsCase):

    def test_life(self):
        arn = self.topic("life", DisplayName="Life")
        self.assertEqual(arn, f"arn:aws:sns:us-east-1:{ACCOUNT}:life")
        self.assertEqual(self.topic("life"), arn)
        self.fails("InvalidParameter", self.topic, name="life", DisplayName="other")
        shown = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        self.assertEqual((shown["DisplayName"], shown["Owner"], shown["SubscriptionsConfirmed"]),
                         ("Life", ACCOUNT, "0"))
        self.assertEqual(json.loads(shown["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
                         ["numRetries"], 3)
        self.assertEqual(json.loads(shown["Policy"])["Id"], "__default_policy_ID")
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
        self.fails("InvalidParameter", self.sns.set_topic_attributes, TopicArn=arn,
                   AttributeName="Nothing", AttributeValue="1")
        self.sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "audit"}, {"Key": "b", "Value": ""}])
        self.sns.untag_resource(ResourceArn=arn, TagKeys=["b"])
        self.assertEqual(self.sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
                         [{"Key": "team", "Value": "audit"}])
        self.assertIn({"TopicArn": arn}, self.sns.list_topics()["Topics"])
        self.sns.delete_topic(TopicArn=arn)
        self.sns.delete_topic(TopicArn=arn)
        with self.assertRaises(self.sns.exceptions.NotFoundException):
            self.sns.get_topic_attributes(TopicArn=arn)
        record = wait_until(lambda: self.server.lookup("CreateTopic"))[0]
        self.assertEqual(record["eventSource"], "sns.amazonaws.com")

    def test_pages(self):
        for i in range(101):
            self.topic(f"page-{i:03}")
        pages = list(self.sns.get_paginator("list_topics").paginate())
        self.assertGreater(len(pages), 1)
        names = [topic["TopicArn"].rsplit(":", 1)[1] for page in pages for topic in page["Topics"]]
        self.assertEqual(len([name for name in names if name.startswith("page-")]), 101)

    def test_denials_have_the_services_own_code(self):
        arn = self.topic("guarded")
        self.iam.create_user(UserName="stranger")
        key = self.iam.create_access_key(UserName="stranger")["AccessKey"]
        stranger = self.server.client("sns", key_id=key["AccessKeyId"], secret=key["SecretAccessKey"])
        answer = self.fails("AuthorizationError", stranger.publish, TopicArn=arn, Message="x")
        self.assertIn("is not authorized to perform: SNS:Publish on resource: " + arn,
                      answer["Error"]["Message"])
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/stranger"},
                "Action": "SNS:Publish", "Resource": arn}]}))
        stranger.publish(TopicArn=arn, Message="x")
        self.fails("AuthorizationError", stranger.subscribe, TopicArn=arn, Protocol="sqs",
                   Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")

    def test_another_account(self):
        """The topic's policy and the caller's own must both allow."""
        arn = self.topic("shared")
        other = self.server.account("subscriber")
        theirs = self.server.client_of(other, "sns")
        queue = self.server.client_of(other, "sqs")
        url = queue.create_queue(QueueName="theirs", Attributes={"Policy": queue_policy(
            f"arn:aws:sqs:us-east-1:{other['AccountId']}:theirs", arn)})["QueueUrl"]
        endpoint = f"arn:aws:sqs:us-east-1:{other['AccountId']}:theirs"
        self.fails("AuthorizationError", theirs.subscribe, TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
        self.sns.add_permission(TopicArn=arn, Label="theirs", AWSAccountId=[other["AccountId"]],
                                ActionName=["Subscribe"])
        theirs.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
        self.sns.publish(TopicArn=arn, Message="over there")
        got = queue.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]
        self.assertEqual(json.loads(got["Body"])["Message"], "over there")

    def test_a_queue_of_another_account_confirms_itself(self):
        arn = self.topic("offered")
        other = self.server.account("asked")
        queue = self.server.client_of(other, "sqs")
        endpoint = f"arn:aws:sqs:us-east-1:{other['AccountId']}:asked"
        url = queue.create_queue(QueueName="asked", Attributes={
            "Policy": queue_policy(endpoint, arn)})["QueueUrl"]
        made = self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
        self.assertEqual(made["SubscriptionArn"], "pending confirmation")
        body = json.loads(queue.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"])
        self.assertEqual(body["Type"], "SubscriptionConfirmation")
        self.fails("InvalidParameter", self.sns.confirm_subscription, TopicArn=arn, Token="nonsense")
        answer = harness.send(body["SubscribeURL"])
        self.assertEqual(answer.status, 200, answer)
        self.assertIn(b"<ConfirmSubscriptionResult><SubscriptionArn>", answer.body)
        shown = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        self.assertEqual((shown["SubscriptionsConfirmed"], shown["SubscriptionsPending"]), ("1", "0"))


class Queues(SnsCase):

    def test_an_envelope_and_a_raw_message(self):
        arn = self.topic("chain")
        url, queue_arn = self.queue("chain", arn)
        made = self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
        sent = self.sns.publish(TopicArn=arn, Subject="S", Message="héllo <&> \"q\"", MessageAttributes={
            "n": {"DataType": "Number", "StringValue": "7"},
            "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})
        body = json.loads(self.receive(url)["Body"])
        self.assertEqual((body["Type"], body["MessageId"], body["TopicArn"], body["Subject"], body["Message"]),
                         ("Notification", sent["MessageId"], arn, "S", "héllo <&> \"q\""))
        self.assertEqual(body["MessageAttributes"], {"n": {"Type": "Number", "Value": "7"},
                                                     "b": {"Type": "Binary", "Value": "AAE="}})
        self.sns.set_subscription_attributes(SubscriptionArn=made, AttributeName="RawMessageDelivery",
                                             AttributeValue="true")
        self.sns.publish(TopicArn=arn, Message=json.dumps({"default": "d", "sqs": "for queues"}),
                         MessageStructure="json",
                         MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}})
        got = self.receive(url, MessageAttributeNames=["All"])
        self.assertEqual(got["Body"], "for queues")
        self.assertEqual(got["MessageAttributes"]["n"]["StringValue"], "7")
        shown = self.sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
        self.assertEqual((shown["RawMessageDelivery"], shown["PendingConfirmation"], shown["Endpoint"]),
                         ("true", "false", queue_arn))
        listed = self.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        self.assertEqual([one["SubscriptionArn"] for one in listed], [made])
        self.sns.unsubscribe(SubscriptionArn=made)
        self.sns.unsubscribe(SubscriptionArn=made)
        self.fails("NotFound", self.sns.get_subscription_attributes, SubscriptionArn=made)

    def test_the_certificate_is_where_the_envelope_says(self):
        arn = self.topic("signed")
        url, queue_arn = self.queue("signed", arn)
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        self.sns.publish(TopicArn=arn, Message="m")
        body = json.loads(self.receive(url)["Body"])
        self.assertEqual(body["SignatureVersion"], "1")
        answer = harness.send(body["SigningCertURL"])
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body.startswith(b"-----BEGIN CERTIFICATE-----"))
        self.assertEqual(harness.send(self.server.endpoint + "/SimpleNotificationService-0.pem").status, 404)

    def test_batches(self):
        arn = self.topic("batches")
        url, queue_arn = self.queue("batches", arn)
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn,
                           Attributes={"RawMessageDelivery": "true"})
        done = self.sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[
            {"Id": "a", "Message": "one"}, {"Id": "b", "Message": "two", "Subject": "bad\n"}])
        self.assertEqual([one["Id"] for one in done["Successful"]], ["a"])
        self.assertEqual((done["Failed"][0]["Id"], done["Failed"][0]["Code"], done["Failed"][0]["SenderFault"]),
                         ("b", "InvalidParameter", True))
        self.assertEqual(self.receive(url)["Body"], "one")
        entry = {"Id": "a", "Message": "x"}
        self.fails("BatchEntryIdsNotDistinct", self.sns.publish_batch, TopicArn=arn,
                   PublishBatchRequestEntries=[entry, entry])
        self.fails("TooManyEntriesInBatchRequest", self.sns.publish_batch, TopicArn=arn,
                   PublishBatchRequestEntries=[{"Id": str(i), "Message": "x"} for i in range(11)])
        self.fails("BatchRequestTooLong", self.sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=[
            {"Id": str(i), "Message": "x" * 200_000} for i in range(2)])
        self.fails("InvalidBatchEntryId", self.sns.publish_batch, TopicArn=arn,
                   PublishBatchRequestEntries=[{"Id": "a.b", "Message": "x"}])

    def test_dead_letters(self):
        arn = self.topic("dying")
        _, queue_arn = self.queue("closed")
        dead, dead_arn = self.queue("dead", arn)
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})})
        self.sns.publish(TopicArn=arn, Message="no entry")
        self.assertEqual(json.loads(self.receive(dead)["Body"])["Message"], "no entry")

    def test_what_was_published_survives_a_crash(self):
        with harness.Server() as server:
            sns, sqs = server.client("sns"), server.client("sqs")
            arn = sns.create_topic(Name="durable")["TopicArn"]
            queue_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:durable"
            sqs.create_queue(QueueName="durable", Attributes={"Policy": queue_policy(queue_arn, arn)})
            sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn,
                          Attributes={"RawMessageDelivery": "true"})
            for i in range(20):
                sns.publish(TopicArn=arn, Message=str(i))
            server.kill9()
            server.start()
            sqs = server.client("sqs")
            url = sqs.get_queue_url(QueueName="durable")["QueueUrl"]
            got = []
            while len(got) < 20:
                messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10,
                                               WaitTimeSeconds=10)["Messages"]
                got += [message["Body"] for message in messages]
            self.assertEqual(sorted(got, key=int), [str(i) for i in range(20)], "each once")

    def test_through_the_cli(self):
        arn = self.server.aws("sns", "create-topic", "--name", "cli")["TopicArn"]
        sent = self.server.aws("sns", "publish", "--topic-arn", arn, "--message", "hello")
        self.assertIn("MessageId", sent)
        with self.assertRaises(harness.CliError) as caught:
            self.server.aws("sns", "publish", "--topic-arn", arn + "x", "--message", "hello")
        self.assertIn("(NotFound)", caught.exception.text)

    def test_links_of_nothing(self):
        for query in ({"Action": "ConfirmSubscription", "TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:none",
                       "Token": "x"},
                      {"Action": "Unsubscribe", "SubscriptionArn": "x"}):
            answer = harness.send(f"{self.server.endpoint}/?{urllib.parse.urlencode(query)}")
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(b"<Code>InvalidParameter</Code>", answer.body)


class Trails(SnsCase):
    """The chain that collectors follow: trail -> SNS -> SQS -> the file."""

    def trail_topic(self, name, *trails):
        arn = self.topic(name)
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Sid": "AWSCloudTrailSNSPolicy20150319", "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "SNS:Publish", "Resource": arn,
                "Condition": {"StringEquals": {"aws:SourceArn": [
                    f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail}" for trail in trails]}}}]}))
        return arn

    def collect(self, url, wanted, limit=60):
        """What collectors do: receive, parse, GET each file, delete; until the wanted event is found."""
        records, announced = [], []

        def found():
            for message in self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1,
                                                    MaxNumberOfMessages=10).get("Messages", []):
                envelope = json.loads(message["Body"])
                self.assertEqual(envelope["Type"], "Notification")
                self.assertNotIn("Subject", envelope)
                if envelope["Message"] != "CloudTrail validation message.":
                    body = json.loads(envelope["Message"])
                    self.assertEqual(list(body), ["s3Bucket", "s3ObjectKey"])
                    for key in body["s3ObjectKey"]:
                        announced.append(key)
                        file = self.s3.get_object(Bucket=body["s3Bucket"], Key=key)["Body"].read()
                        records.extend(json.loads(gzip.decompress(file))["Records"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [record for record in records if wanted(record)]
        wait_until(found, limit, "the collector to find the event")
        return announced

    def test_a_collector_follows_the_trail(self):
        arn = self.trail_topic("files", "chain")
        url, queue_arn = self.queue("collector", arn)
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        self.server.trail_bucket("chain-logs", "chain")
        made = self.trail.create_trail(Name="chain", S3BucketName="chain-logs", SnsTopicName="files")
        self.assertEqual((made["SnsTopicARN"], made["SnsTopicName"]), (arn, "files"))
        shown = self.trail.describe_trails(trailNameList=["chain"])["trailList"][0]
        self.assertEqual(shown["SnsTopicARN"], arn)
        self.trail.start_logging(Name="chain")
        self.iam.create_user(UserName="announced")
        announced = self.collect(url, lambda record: record["eventName"] == "CreateUser" and
                                 record["requestParameters"]["userName"] == "announced")
        self.assertEqual(len(announced), len(set(announced)), "each file once")
        status = self.trail.get_trail_status(Name="chain")
        self.assertIn("LatestNotificationTime", status)
        self.assertNotIn("LatestNotificationError", status)
        self.trail.stop_logging(Name="chain")

        def all_told():
            told = set(announced)
            for message in self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1,
                                                    MaxNumberOfMessages=10).get("Messages", []):
                announced.extend(json.loads(json.loads(message["Body"])["Message"])["s3ObjectKey"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                told = set(announced)
            return told >= set(self.server.log_keys("chain-logs"))
        wait_until(all_told, what="every file to be announced")
        self.assertEqual(sorted(announced), sorted(self.server.log_keys("chain-logs")))

    def test_errors(self):
        self.server.trail_bucket("error-logs", "erring")
        self.fails("InsufficientSnsTopicPolicyException", self.trail.create_trail, Name="erring",
                   S3BucketName="error-logs", SnsTopicName="nowhere",
                   message="SNS Topic does not exist or the topic policy is incorrect!")
        self.topic("unwilling")
        self.fails("InsufficientSnsTopicPolicyException", self.trail.create_trail, Name="erring",
                   S3BucketName="error-logs", SnsTopicName="unwilling")
        self.fails("InvalidSnsTopicNameException", self.trail.create_trail, Name="erring",
                   S3BucketName="error-logs", SnsTopicName="no topic")
        self.assertEqual(self.trail.describe_trails(trailNameList=["erring"])["trailList"], [])

    def test_a_topic_that_was_away_hears_of_all_files(self):
        arn = self.trail_topic("away", "patient")
        self.server.trail_bucket("patient-logs", "patient")
        self.trail.create_trail(Name="patient", S3BucketName="patient-logs", SnsTopicName=arn)
        self.sns.delete_topic(TopicArn=arn)
        self.trail.start_logging(Name="patient")
        self.iam.create_user(UserName="patiently")
        error = wait_until(lambda: self.trail.get_trail_status(Name="patient").get("LatestNotificationError"))
        self.assertEqual(error, "NotFound")
        self.assertNotIn("LatestDeliveryError", self.trail.get_trail_status(Name="patient"))
        self.server.kill9()
        self.server.start()
        type(self).sns, type(self).sqs = self.server.client("sns"), self.server.client("sqs")
        type(self).iam, type(self).trail = self.server.client("iam"), self.server.client("cloudtrail")
        type(self).s3 = self.server.client("s3")
        self.trail_topic("away", "patient")
        url, queue_arn = self.queue("patient", arn)
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        self.collect(url, lambda record: record["eventName"] == "CreateUser" and
                     record["requestParameters"]["userName"] == "patiently")
        wait_until(lambda: "LatestNotificationError" not in self.trail.get_trail_status(Name="patient"))
        self.trail.update_trail(Name="patient", SnsTopicName="")
        self.assertNotIn("SnsTopicARN", self.trail.get_trail(Name="patient")["Trail"])

    def test_under_keys(self):
        """The topic and the queue have keys, whose policies let the services."""
        kms = self.server.client("kms")
        arn = self.trail_topic("sealed", "sealing")
        key = kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*",
             "Resource": "*"},
            {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
             "Action": "kms:GenerateDataKey*", "Resource": "*", "Condition": {"StringEquals": {
                 "aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/sealing"}}},
            {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "kms:GenerateDataKey*",
             "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": arn}}}]}))["KeyMetadata"]["Arn"]
        self.sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=key)
        url, queue_arn = self.queue("sealed", arn)
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        self.server.trail_bucket("sealed-logs", "sealing")
        self.trail.create_trail(Name="sealing", S3BucketName="sealed-logs", SnsTopicName=arn)
        self.trail.start_logging(Name="sealing")
        self.iam.create_user(UserName="sealed")
        self.collect(url, lambda record: record["eventName"] == "CreateUser" and
                     record["requestParameters"]["userName"] == "sealed")
        kms.disable_key(KeyId=key)
        self.fails("KMSDisabled", self.sns.publish, TopicArn=arn, Message="x")
        self.fails("KMS.DisabledException", self.sqs.send_message, QueueUrl=url, MessageBody="x")
        error = wait_until(lambda: self.trail.get_trail_status(Name="sealing").get("LatestNotificationError"))
        self.assertEqual(error, "KMSDisabled")
        kms.enable_key(KeyId=key)
        self.trail.stop_logging(Name="sealing")
        wait_until(lambda: "LatestNotificationError" not in self.trail.get_trail_status(Name="sealing"))


if __name__ == "__main__":
    main()
