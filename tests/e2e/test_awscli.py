"""The real AWS CLI against the server: the life of a trail, its validation and every refusal.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import json
import re
import uuid

import harness
from harness import ACCOUNT, CliError, ServerCase, now_text, wait_until


def arn_of(name, region="us-east-1"):
    return f"arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/{name}"


class CliCase(ServerCase):
    """Adds the CLI's errors."""

    @classmethod
    def aws(cls, *args, region=None):
        return cls.server.aws(*args, region=region)

    def refused(self, name, *args, message=None, region=None):
        """The command fails with just this error name and, when given, message."""
        with self.assertRaises(CliError) as caught:
            self.aws(*args, region=region)
        found = re.search(r"An error occurred \((\S+)\) when calling the \S+ operation"
                          r"(?: \(.*?\))?: (.*)", caught.exception.text, re.DOTALL)
        self.assertIsNotNone(found, caught.exception.text)
        self.assertEqual(found[1], name, caught.exception.text)
        if message is not None:
            self.assertEqual(found[2].strip(), message)


class Validation(CliCase):
    """validate-logs on a trail of two regions: valid untouched, INVALID after each tampering."""

    bucket = "validation-logs"
    arn = arn_of("validation")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.since = now_text(-3600)
        cls.server.trail_bucket(cls.bucket, "validation")
        cls.aws("cloudtrail", "create-trail", "--name", "validation", "--s3-bucket-name",
                cls.bucket, "--enable-log-file-validation", "--is-multi-region-trail")
        cls.aws("cloudtrail", "start-logging", "--name", "validation")
        for _ in range(2):  # each round becomes a log file of its own
            before = len(cls.server.log_keys(cls.bucket))
            cls.aws("s3api", "put-bucket-versioning", "--bucket", cls.bucket,
                    "--versioning-configuration", "Status=Suspended")
            cls.aws("cloudtrail", "list-trails", region="eu-south-1")
            wait_until(lambda: len(cls.server.log_keys(cls.bucket)) > before)
        wait_until(lambda: len(cls.server.digest_keys(cls.bucket)) >= 3)
        cls.aws("cloudtrail", "stop-logging", "--name", "validation")
        for region in ("us-east-1", "eu-south-1"):
            wait_until(lambda: cls.covered(region) >= cls.last_call(region),
                       what=f"digests over everything in {region}")
        cls.logs = sorted(cls.server.log_keys(cls.bucket))
        cls.digests = sorted(cls.server.digest_keys(cls.bucket))

    @classmethod
    def last_call(cls, region):
        names = {"us-east-1": "StopLogging", "eu-south-1": "ListTrails"}
        return len(cls.server.lookup(names[region], region))

    @classmethod
    def covered(cls, region):
        """How many of the region's last calls stand in log files that a digest names."""
        names = {"us-east-1": "StopLogging", "eu-south-1": "ListTrails"}
        count = 0
        for digest in cls.server.digest_keys(cls.bucket, region):
            for file in json.loads(gzip.decompress(cls.read(digest)))["logFiles"]:
                records = json.loads(gzip.decompress(cls.read(file["s3Object"])))["Records"]
                count += sum(r["eventName"] == names[region] for r in records)
        return count

    @classmethod
    def read(cls, key):
        return cls.s3.get_object(Bucket=cls.bucket, Key=key)["Body"].read()

    def validate(self, code, *texts, region="us-east-1", verbose=False):
        result = self.server.aws_raw(
            "cloudtrail", "validate-logs", "--trail-arn", self.arn, "--start-time", self.since,
            *(["--verbose"] if verbose else []), region=region)
        told = result.stdout + result.stderr
        self.assertEqual(result.returncode, code, told)
        for text in texts:
            self.assertIn(text, told)
        if code == 0:
            self.assertNotIn("INVALID", told)
        return told

    def kept(self, key):
        """Puts the object back as it was when the test ends."""
        answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        body = answer["Body"].read()
        self.addCleanup(self.s3.put_object, Bucket=self.bucket, Key=key, Body=body,
                        Metadata=answer["Metadata"], ContentType=answer["ContentType"])
        return body, answer["Metadata"]

    def put(self, key, body, metadata=None):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=metadata or {})

    def test_untouched_is_valid_and_complete(self):
        told = self.validate(0, f"{len(self.digests)}/{len(self.digests)} digest files valid",
                             f"{len(self.logs)}/{len(self.logs)} log files valid", verbose=True)
        for key in self.digests + self.logs:
            self.assertIn(f"s3://{self.bucket}/{key}\tvalid", told)

    def test_other_region_has_its_own_valid_chain(self):
        logs = self.server.log_keys(self.bucket, "eu-south-1")
        self.assertTrue(logs)
        self.validate(0, f"{len(logs)}/{len(logs)} log files valid", region="eu-south-1")

    def test_edited_log(self):
        body, _ = self.kept(self.logs[0])
        text = gzip.decompress(body)
        edited = text.replace(b"administrator", b"nobody")
        self.assertNotEqual(text, edited)
        self.put(self.logs[0], gzip.compress(edited))
        self.validate(1, f"{self.logs[0]}\tINVALID: hash value doesn't match")

    def test_deleted_log(self):
        self.kept(self.logs[0])
        self.s3.delete_object(Bucket=self.bucket, Key=self.logs[0])
        self.validate(1, f"{self.logs[0]}\tINVALID: not found")

    def test_log_with_appended_bytes(self):
        body, _ = self.kept(self.logs[-1])
        self.put(self.logs[-1], body + b"more")
        self.validate(1, f"{self.logs[-1]}\tINVALID")

    def test_edited_digest(self):
        key = self.digests[-1]
        body, metadata = self.kept(key)
        digest = json.loads(gzip.decompress(body))
        digest["newestEventTime"] = "2020-01-01T00:00:00Z"
        self.put(key, gzip.compress(json.dumps(digest).encode()), metadata)
        self.validate(1, f"{key}\tINVALID: signature verification failed")

    def test_digest_without_signature(self):
        key = self.digests[-1]
        body, _ = self.kept(key)
        self.put(key, body)
        self.validate(1, f"{key}\tINVALID: signature verification failed")

    def test_moved_digest(self):
        key = self.digests[-1]
        body, metadata = self.kept(key)
        stamp = re.search(r"_(\d{8}T\d{6}Z)\.json\.gz$", key)[1]
        moved = key.replace(stamp, stamp[:-5] + ("0000Z" if stamp[-5:] != "0000Z" else "0001Z"))
        self.put(moved, body, metadata)
        self.addCleanup(self.s3.delete_object, Bucket=self.bucket, Key=moved)
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.validate(1, f"{moved}\tINVALID: has been moved from its original location")

    def test_deleted_digest(self):
        key = self.digests[-2]
        self.kept(key)
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.validate(1, f"{key}\tINVALID: not found")

    def test_delivered_file_is_one_gzip_member_of_records(self):
        for key in self.logs:
            body = self.read(key)
            text = gzip.decompress(body)
            records = json.loads(text)
            self.assertEqual(list(records), ["Records"])
            self.assertTrue(records["Records"])
            self.assertRegex(key, rf"^AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/\d{{4}}/\d\d/\d\d/"
                                  rf"{ACCOUNT}_CloudTrail_us-east-1_\d{{8}}T\d{{4}}Z_\w{{16}}"
                                  r"\.json\.gz$")

    def test_each_call_is_in_exactly_one_log_file(self):
        ids = [r["eventID"] for r in self.server.delivered(self.bucket)]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ("PutBucketVersioning", "StopLogging"):
            wanted = {r["eventID"] for r in self.server.lookup(name)}
            self.assertTrue(wanted)
            self.assertLessEqual(wanted, set(ids))


class Refusals(CliCase):
    """Exact names and texts of errors."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.trail_bucket("refusal-logs")
        cls.trail.create_trail(Name="present", S3BucketName="refusal-logs")

    def create(self, name, *more, bucket="refusal-logs"):
        return ("cloudtrail", "create-trail", "--name", name, "--s3-bucket-name", bucket, *more)

    def test_trail_names(self):
        allowed = ("Trail name or ARN can only contain uppercase letters, lowercase letters, "
                   "numbers, periods (.), hyphens (-), and underscores (_).")
        table = [
            ("ab", "Trail name too short. Minimum allowed length: 3 characters. "
                   "Specified name length: 2 characters."),
            ("a" * 129, "Trail name too long. Maximum allowed length: 128 characters. "
                        "Specified name length: 129 characters."),
            ("a b c", allowed),
            ("trail/../x", allowed),
            ("_abc", "Trail name must starts with a letter or number."),
            ("abc.", "Trail name must ends with a letter or number."),
            ("a..b", None),
            ("a-_b", None),
            ("192.168.5.4", None)]
        for name, message in table:
            with self.subTest(name=name):
                self.refused("InvalidTrailNameException", *self.create(name), message=message)
        self.assertEqual([t["Name"] for t in self.trail.describe_trails()["trailList"]],
                         ["present"])

    def test_longest_and_shortest_names_work(self):
        for name in ("a1b", "a" * 128):
            self.assertEqual(self.aws(*self.create(name))["TrailARN"], arn_of(name))
            self.aws("cloudtrail", "delete-trail", "--name", name)

    def test_missing_bucket(self):
        self.refused("S3BucketDoesNotExistException", *self.create("lost", bucket="no-such-logs"),
                     message="S3 bucket no-such-logs does not exist!")
        self.refused("TrailNotFoundException", "cloudtrail", "get-trail", "--name", "lost")

    def test_bad_bucket_name(self):
        for bucket in ("Upper-Case", "a..b", "ab", "192.168.5.4"):
            with self.subTest(bucket=bucket):
                self.refused("InvalidS3BucketNameException", *self.create("lost", bucket=bucket))

    def test_duplicate(self):
        self.refused("TrailAlreadyExistsException", *self.create("present"),
                     message=f"Trail present already exists for customer: {ACCOUNT}")

    def test_unknown_trail(self):
        message = f"Unknown trail: {arn_of('nowhere')} for the user: {ACCOUNT}"
        for command in ("get-trail", "get-trail-status", "start-logging", "stop-logging",
                        "delete-trail", "update-trail"):
            with self.subTest(command=command):
                self.refused("TrailNotFoundException", "cloudtrail", command, "--name", "nowhere",
                             message=message)
        self.refused("TrailNotFoundException", "cloudtrail", "get-event-selectors", "--trail-name",
                     arn_of("nowhere"), message=message)

    def test_malformed_arn(self):
        self.refused("CloudTrailARNInvalidException", "cloudtrail", "get-trail", "--name",
                     "arn:aws:cloudtrail:us-east-1:12:trail/x")

    def test_invalid_combination(self):
        self.refused("InvalidParameterCombinationException",
                     *self.create("combined", "--is-multi-region-trail",
                                  "--no-include-global-service-events"),
                     message="Multi-Region trail must include global service events.")
        self.refused("InvalidParameterCombinationException", "cloudtrail", "update-trail",
                     "--name", "present", "--is-multi-region-trail",
                     "--no-include-global-service-events")
        self.assertFalse(self.trail.get_trail(Name="present")["Trail"]["IsMultiRegionTrail"])

    def test_prefix_too_long(self):
        self.refused("InvalidS3PrefixException",
                     *self.create("prefixed", "--s3-key-prefix", "p" * 201))

    def test_destinations_that_do_not_exist(self):
        group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*"
        self.refused("InsufficientSnsTopicPolicyException",
                     *self.create("other", "--sns-topic-name", "topic"),
                     message="SNS Topic does not exist or the topic policy is incorrect!")
        self.refused("InsufficientEncryptionPolicyException",
                     *self.create("other", "--kms-key-id", "alias/none"))
        self.refused("InvalidCloudWatchLogsRoleArnException",
                     *self.create("other", "--cloud-watch-logs-log-group-arn", group),
                     message="You must specify a role ARN as well as a log group.")

    def test_event_selectors(self):
        def put(selector):
            return ("cloudtrail", "put-event-selectors", "--trail-name", "present",
                    "--event-selectors", json.dumps(selector))
        resource = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b*/"]}
        self.refused("InvalidEventSelectorsException", *put([{"DataResources": [resource]}]),
                     message="Value arn:aws:s3:::b*/ for DataResources.Values is invalid.")
        resource = {"Type": "AWS::S3::Bucket", "Values": ["arn:aws:s3:::b/"]}
        self.refused("InvalidEventSelectorsException", *put([{"DataResources": [resource]}]),
                     message="Value AWS::S3::Bucket for DataResources.Type is invalid. Valid "
                             "values are: AWS::DynamoDB::Table, AWS::Lambda::Function, "
                             "AWS::S3::Object")
        self.refused("InvalidEventSelectorsException", *put([{}] * 6))

    def test_advanced_event_selectors(self):
        def put(*fields):
            selector = [{"FieldSelectors": [{"Field": name} | rest for name, rest in fields]}]
            return ("cloudtrail", "put-event-selectors", "--trail-name", "present",
                    "--advanced-event-selectors", json.dumps(selector))
        management = ("eventCategory", {"Equals": ["Management"]})
        data = ("eventCategory", {"Equals": ["Data"]})
        objects = ("resources.type", {"Equals": ["AWS::S3::Object"]})
        table = [
            ("Field eventName is invalid for a trail when eventCategory is Management.",
             management, ("eventName", {"Equals": ["x"]})),
            ("Operator StartsWith is invalid for field readOnly when eventCategory is Data. "
             "Valid operators are: Equals", data, objects, ("readOnly", {"StartsWith": ["t"]})),
            ("Field resources.type is required when eventCategory is Data.", data),
            ("Value Insight for eventCategory is invalid. Valid values are: Management, Data, "
             "NetworkActivity", ("eventCategory", {"Equals": ["Insight"]})),
            ("The total number of values for all conditions in all advanced event selectors "
             "cannot exceed 500.", data, objects, ("eventName", {"Equals": ["x"] * 499}))]
        for message, *fields in table:
            with self.subTest(message=message):
                self.refused("InvalidEventSelectorsException", *put(*fields), message=message)
        self.refused("InvalidEventSelectorsException", *put(management), "--event-selectors", "[{}]",
                     message="You cannot use EventSelectors and AdvancedEventSelectors together.")
        self.fails("InvalidEventSelectorsException", self.trail.put_event_selectors,
                   "Specify EventSelectors or AdvancedEventSelectors.", TrailName="present")
        self.refused("ValidationException",
                     *put(data, objects, ("eventName", {"Equals": ["x" * 2049]})))
        self.refused("ValidationException", *put(data, objects, ("event name", {"Equals": ["x"]})))
        self.assertNotIn("AdvancedEventSelectors",
                         self.trail.get_event_selectors(TrailName="present"))

    def test_sixth_trail(self):
        made = [f"many-{i}" for i in range(4)]
        for name in made:
            self.trail.create_trail(Name=name, S3BucketName="refusal-logs")
            self.addCleanup(self.trail.delete_trail, Name=name)
        self.refused("MaximumNumberOfTrailsExceededException", *self.create("many-5"),
                     message=f"User: {ACCOUNT} already has 5 trails in us-east-1.")

    def test_refused_calls_are_recorded_with_their_error(self):
        name = f"ghost-{uuid.uuid4().hex[:8]}"
        self.refused("TrailNotFoundException", "cloudtrail", "start-logging", "--name", name)
        records = wait_until(lambda: [r for r in self.server.lookup("StartLogging")
                                      if (r["requestParameters"] or {}).get("name") == name])
        self.assertEqual(records[0]["errorCode"], "TrailNotFoundException")
        self.assertIn(name, records[0]["errorMessage"])
        self.assertIsNone(records[0]["responseElements"])

    def test_lookup(self):
        lookup = ("cloudtrail", "lookup-events")
        name = "AttributeKey=EventName,AttributeValue=x"
        self.refused("InvalidLookupAttributesException", *lookup, "--lookup-attributes", name,
                     "AttributeKey=EventId,AttributeValue=y")
        self.refused("InvalidTimeRangeException", *lookup, "--start-time", now_text(),
                     "--end-time", now_text(-60))
        self.refused("InvalidNextTokenException", *lookup, "--next-token", "bm9uc2Vuc2U=")


class Trails(CliCase):
    """Operations on trails, with shadows over two regions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for bucket in ("trails-logs", "trails-other"):
            cls.server.trail_bucket(bucket)

    def make(self, name, *more, region=None):
        made = self.aws("cloudtrail", "create-trail", "--name", name, "--s3-bucket-name",
                        "trails-logs", *more, region=region)
        self.addCleanup(self.server.client("cloudtrail", region or "us-east-1").delete_trail,
                        Name=name)
        return made

    def test_create_answers_defaults(self):
        self.assertEqual(self.make("plain"), {
            "Name": "plain", "S3BucketName": "trails-logs", "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": False, "TrailARN": arn_of("plain"),
            "LogFileValidationEnabled": False, "IsOrganizationTrail": False} |
            self.recursive_logging("plain"))

    def recursive_logging(self, name):
        """This CLI's model may not know the member yet, and then leaves it out."""
        trail = self.aws("cloudtrail", "get-trail", "--name", name)["Trail"]
        return {"RecursiveLogging": True} if "RecursiveLogging" in trail else {}

    def test_shadows(self):
        self.make("home-multi", "--is-multi-region-trail")
        self.make("home-single")
        self.make("south", region="eu-south-1")

        def names(region, *more):
            found = self.aws("cloudtrail", "describe-trails", *more, region=region)["trailList"]
            return sorted((t["Name"], t["HomeRegion"]) for t in found)
        home, single = ("home-multi", "us-east-1"), ("home-single", "us-east-1")
        south = ("south", "eu-south-1")
        self.assertEqual(names("us-east-1"), [home, single])
        self.assertEqual(names("eu-south-1"), [home, south])
        self.assertEqual(names("eu-south-1", "--no-include-shadow-trails"), [south])
        self.assertEqual(names("eu-south-1", "--trail-name-list", "home-single"), [])
        self.assertEqual(names("eu-south-1", "--trail-name-list", arn_of("home-single"), "nobody"),
                         [single])
        listed = self.aws("cloudtrail", "list-trails", region="eu-south-1")["Trails"]
        self.assertEqual(sorted((t["Name"], t["HomeRegion"]) for t in listed),
                         sorted([home, single, south]))
        self.assertEqual({t["TrailARN"] for t in listed},
                         {arn_of("home-multi"), arn_of("home-single"),
                          arn_of("south", "eu-south-1")})
        self.refused("InvalidHomeRegionException", "cloudtrail", "start-logging", "--name",
                     arn_of("home-multi"), region="eu-south-1")
        self.refused("TrailNotFoundException", "cloudtrail", "start-logging", "--name",
                     "home-single", region="eu-south-1")
        self.refused("TrailAlreadyExistsException", "cloudtrail", "create-trail", "--name",
                     "home-multi", "--s3-bucket-name", "trails-logs", region="eu-south-1")

    def test_update(self):
        self.make("updated", "--s3-key-prefix", "before")
        changed = self.aws("cloudtrail", "update-trail", "--name", "updated", "--s3-bucket-name",
                           "trails-other", "--is-multi-region-trail",
                           "--enable-log-file-validation")
        self.assertEqual(changed["S3BucketName"], "trails-other")
        self.assertEqual(changed["S3KeyPrefix"], "before")
        self.assertTrue(changed["IsMultiRegionTrail"])
        self.assertTrue(changed["IncludeGlobalServiceEvents"])
        self.assertTrue(changed["LogFileValidationEnabled"])
        changed = self.aws("cloudtrail", "update-trail", "--name", arn_of("updated"),
                           "--s3-key-prefix", "", "--no-is-multi-region-trail")
        self.assertNotIn("S3KeyPrefix", changed)
        self.assertFalse(changed["IncludeGlobalServiceEvents"])
        self.refused("S3BucketDoesNotExistException", "cloudtrail", "update-trail", "--name",
                     "updated", "--s3-bucket-name", "no-such-logs")
        trail = self.aws("cloudtrail", "get-trail", "--name", "updated")["Trail"]
        self.assertEqual(trail["S3BucketName"], "trails-other")
        self.assertEqual(trail["HomeRegion"], "us-east-1")
        self.assertFalse(trail["HasCustomEventSelectors"])
        self.assertFalse(trail["HasInsightSelectors"])

    def test_status(self):
        self.make("watched", "--enable-log-file-validation")

        def status():
            return self.aws("cloudtrail", "get-trail-status", "--name", "watched")
        fresh = status()
        self.assertFalse(fresh["IsLogging"])
        for member in ("StartLoggingTime", "StopLoggingTime", "LatestDeliveryTime",
                       "LatestDigestDeliveryTime", "LatestDeliveryError"):
            self.assertNotIn(member, fresh)
        for member in ("TimeLoggingStarted", "TimeLoggingStopped", "LatestDeliveryAttemptTime",
                       "LatestDeliveryAttemptSucceeded", "LatestNotificationAttemptTime",
                       "LatestNotificationAttemptSucceeded"):
            self.assertEqual(fresh[member], "")
        self.aws("cloudtrail", "start-logging", "--name", "watched")
        started = status()
        self.assertTrue(started["IsLogging"])
        self.assertIn("StartLoggingTime", started)
        self.assertNotIn("StopLoggingTime", started)
        self.assertRegex(started["TimeLoggingStarted"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        wait_until(lambda: {"LatestDeliveryTime", "LatestDigestDeliveryTime"} <= set(status()))
        self.aws("cloudtrail", "stop-logging", "--name", "watched")
        self.aws("cloudtrail", "stop-logging", "--name", "watched")  # again changes nothing
        stopped = status()
        self.assertFalse(stopped["IsLogging"])
        self.assertIn("StopLoggingTime", stopped)
        self.assertNotIn("LatestDeliveryError", stopped)

    def test_tags(self):
        self.make("tagged", "--tags-list", "Key=team,Value=audit", "Key=stage")
        arn = arn_of("tagged")

        def tags():
            answer = self.aws("cloudtrail", "list-tags", "--resource-id-list", arn)
            self.assertEqual(answer["ResourceTagList"][0]["ResourceId"], arn)
            return {t["Key"]: t.get("Value", "") for t in answer["ResourceTagList"][0]["TagsList"]}
        self.assertEqual(tags(), {"team": "audit", "stage": ""})
        self.aws("cloudtrail", "add-tags", "--resource-id", arn, "--tags-list",
                 "Key=stage,Value=prod", "Key=größe,Value=Übermaß")
        self.assertEqual(tags(), {"team": "audit", "stage": "prod", "größe": "Übermaß"})
        self.aws("cloudtrail", "remove-tags", "--resource-id", arn, "--tags-list", "Key=team")
        self.assertEqual(tags(), {"stage": "prod", "größe": "Übermaß"})
        self.refused("InvalidTagParameterException", "cloudtrail", "add-tags", "--resource-id",
                     arn, "--tags-list", "Key=aws:own,Value=x")
        self.refused("ResourceNotFoundException", "cloudtrail", "list-tags", "--resource-id-list",
                     arn_of("nowhere"))
        self.refused("CloudTrailARNInvalidException", "cloudtrail", "list-tags",
                     "--resource-id-list", "arn:aws:s3:::bucket")
        many = [f"Key=k{i}" for i in range(49)]
        self.refused("TagsLimitExceededException", "cloudtrail", "add-tags", "--resource-id", arn,
                     "--tags-list", *many)

    def test_delete(self):
        name = "deleted"
        self.aws("cloudtrail", "create-trail", "--name", name, "--s3-bucket-name", "trails-other",
                 "--is-multi-region-trail")
        self.aws("cloudtrail", "start-logging", "--name", name)
        wait_until(lambda: self.server.log_keys("trails-other"))
        self.refused("InvalidHomeRegionException", "cloudtrail", "delete-trail", "--name",
                     arn_of(name), region="eu-south-1")
        self.aws("cloudtrail", "delete-trail", "--name", name)
        for region in ("us-east-1", "eu-south-1"):
            found = self.aws("cloudtrail", "describe-trails", region=region)["trailList"]
            self.assertNotIn(name, [t["Name"] for t in found])
        self.refused("TrailNotFoundException", "cloudtrail", "get-trail-status", "--name", name)
        self.assertTrue(self.server.log_keys("trails-other"), "delivered files stay")
        self.aws("cloudtrail", "create-trail", "--name", name, "--s3-bucket-name", "trails-other")
        status = self.aws("cloudtrail", "get-trail-status", "--name", name)
        self.assertFalse(status["IsLogging"])
        self.aws("cloudtrail", "delete-trail", "--name", name)


class Selectors(CliCase):
    """Data events reach the log files of trails whose selectors take them, and nothing else."""

    def test_s3_data_events(self):
        for bucket in ("selected-data", "other-data"):
            self.s3.create_bucket(Bucket=bucket)
        self.server.trail_bucket("selector-logs", "selecting")
        self.aws("cloudtrail", "create-trail", "--name", "selecting", "--s3-bucket-name",
                 "selector-logs")
        default = self.aws("cloudtrail", "get-event-selectors", "--trail-name", "selecting")
        self.assertEqual(default, {"TrailARN": arn_of("selecting"), "EventSelectors": [{
            "ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [],
            "ExcludeManagementEventSources": []}]})
        wanted = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False,
                   "DataResources": [{"Type": "AWS::S3::Object",
                                      "Values": ["arn:aws:s3:::selected-data/in/"]}],
                   "ExcludeManagementEventSources": []}]
        put = self.aws("cloudtrail", "put-event-selectors", "--trail-name", "selecting",
                       "--event-selectors", json.dumps(wanted))
        self.assertEqual(put, {"TrailARN": arn_of("selecting"), "EventSelectors": wanted})
        self.assertEqual(self.aws("cloudtrail", "get-event-selectors", "--trail-name",
                                  arn_of("selecting")), put)
        trail = self.aws("cloudtrail", "get-trail", "--name", "selecting")["Trail"]
        self.assertTrue(trail["HasCustomEventSelectors"])
        self.aws("cloudtrail", "start-logging", "--name", "selecting")
        self.s3.put_object(Bucket="other-data", Key="in/no", Body=b"other bucket")
        self.s3.put_object(Bucket="selected-data", Key="out/no", Body=b"other prefix")
        self.aws("s3api", "put-object", "--bucket", "selected-data", "--key", "in/yes")
        self.s3.get_object(Bucket="selected-data", Key="in/yes")  # reads are not selected
        self.s3.delete_object(Bucket="selected-data", Key="in/yes")
        records = wait_until(lambda: len(found := self.server.delivered("selector-logs")) >= 2
                             and found)
        # Files of one minute have no order among them.
        records.sort(key=lambda r: r["eventName"])
        self.assertEqual([(r["eventName"], r["requestParameters"]["key"]) for r in records],
                         [("DeleteObject", "in/yes"), ("PutObject", "in/yes")])
        put = records[1]
        self.assertEqual(put["eventCategory"], "Data")
        self.assertFalse(put["managementEvent"])
        self.assertEqual(put["requestParameters"]["bucketName"], "selected-data")
        self.assertEqual({"AWS::S3::Object": "arn:aws:s3:::selected-data/in/yes",
                          "AWS::S3::Bucket": "arn:aws:s3:::selected-data"},
                         {r["type"]: r.get("ARN", r.get("ARNPrefix")) for r in put["resources"]})
        self.assertEqual(put["userIdentity"]["userName"], "administrator")
        self.assertEqual(put["userIdentity"]["accessKeyId"], self.server.key_id)
        self.assertEqual(self.server.lookup("PutObject"), [], "history holds management events")

    def test_management_events_of_one_kind(self):
        self.server.trail_bucket("write-only-logs", "write-only")
        self.trail.create_trail(Name="write-only", S3BucketName="write-only-logs")
        self.aws("cloudtrail", "put-event-selectors", "--trail-name", "write-only",
                 "--event-selectors", '[{"ReadWriteType":"WriteOnly"}]')
        self.aws("cloudtrail", "start-logging", "--name", "write-only")
        self.aws("cloudtrail", "list-trails")
        self.aws("cloudtrail", "add-tags", "--resource-id", arn_of("write-only"), "--tags-list",
                 "Key=k")
        records = wait_until(lambda: [r for r in self.server.delivered("write-only-logs")
                                      if r["eventName"] == "AddTags"]
                             and self.server.delivered("write-only-logs"))
        self.assertEqual({r["readOnly"] for r in records}, {False})


class AdvancedSelectors(CliCase):
    """Advanced selectors take what their fields say; either kind of selectors replaces the other."""

    def make(self, name, selectors):
        self.server.trail_bucket(f"{name}-logs", name)
        self.trail.create_trail(Name=name, S3BucketName=f"{name}-logs")
        put = self.aws("cloudtrail", "put-event-selectors", "--trail-name", name,
                       "--advanced-event-selectors", json.dumps(selectors))
        self.assertEqual(put, {"TrailARN": arn_of(name), "AdvancedEventSelectors": selectors})
        self.assertTrue(self.trail.get_trail(Name=name)["Trail"]["HasCustomEventSelectors"])
        self.aws("cloudtrail", "start-logging", "--name", name)
        self.addCleanup(self.trail.delete_trail, Name=name)

    def test_puts_below_one_prefix(self):
        wanted = [{"Name": "puts", "FieldSelectors": [
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::advanced-data/in/"],
             "NotEndsWith": [".tmp"]},
            {"Field": "eventName", "Equals": ["PutObject"]}]}]
        self.s3.create_bucket(Bucket="advanced-data")
        self.make("puts", wanted)
        shown = self.aws("cloudtrail", "get-event-selectors", "--trail-name", "puts")
        fields = [f["Field"] for f in shown["AdvancedEventSelectors"][0]["FieldSelectors"]]
        self.assertEqual(fields, ["eventCategory", "eventName", "resources.ARN", "resources.type"])
        self.assertNotIn("EventSelectors", shown)
        for key in ("out/no", "in/no.tmp", "in/yes"):
            self.s3.put_object(Bucket="advanced-data", Key=key, Body=b"x")
        self.s3.get_object(Bucket="advanced-data", Key="in/yes")
        self.s3.delete_object(Bucket="advanced-data", Key="in/yes")
        self.aws("s3api", "put-object", "--bucket", "advanced-data", "--key", "in/last")
        records = wait_until(lambda: len(found := self.server.delivered("puts-logs")) >= 2
                             and found)
        self.assertEqual(sorted((r["eventName"], r["requestParameters"]["key"]) for r in records),
                         [("PutObject", "in/last"), ("PutObject", "in/yes")])

    def test_management_without_one_source_and_network_activity(self):
        self.make("mixed", [
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]},
                                {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]},
            {"Name": "denied", "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["NetworkActivity"]},
                {"Field": "eventSource", "Equals": ["kms.amazonaws.com"]},
                {"Field": "errorCode", "Equals": ["VpceAccessDenied"]}]}])
        sent = [("Management", "kms", None, "no"), ("Management", "iam", None, "yes"),
                ("NetworkActivity", "kms", "VpceAccessDenied", "yes"),
                ("NetworkActivity", "kms", None, "no"),
                ("NetworkActivity", "s3", "VpceAccessDenied", "no"), ("Data", "s3", None, "no")]
        lines = [json.dumps({"eventTime": now_text(), "eventName": f"Case{i}{taken}",
                             "eventSource": f"{source}.amazonaws.com", "eventCategory": category,
                             "managementEvent": category == "Management"}
                            | ({"errorCode": code} if code else {}))
                 for i, (category, source, code, taken) in enumerate(sent)]
        answer = self.server.post_events("\n".join(lines).encode())
        self.assertEqual((answer.status, answer.json()["accepted"]), (200, len(sent)), answer)

        def cases():
            return {r["eventName"] for r in self.server.delivered("mixed-logs")
                    if r["eventName"].startswith("Case")}
        # One batch lands in one file.
        wait_until(cases)
        self.assertEqual(cases(), {"Case1yes", "Case2yes"})

    def test_either_kind_replaces_the_other(self):
        self.make("either", [{"FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Management"]}]}])
        default = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [],
                    "ExcludeManagementEventSources": []}]
        put = self.trail.put_event_selectors(TrailName="either", EventSelectors=default)
        shown = self.trail.get_event_selectors(TrailName="either")
        for answer in (put, shown):
            self.assertEqual(answer["EventSelectors"], default)
            self.assertNotIn("AdvancedEventSelectors", answer)
        self.assertFalse(self.trail.get_trail(Name="either")["Trail"]["HasCustomEventSelectors"])
        event = self.server.lookup("PutEventSelectors")
        asked = [r["requestParameters"]["advancedEventSelectors"] for r in event
                 if r["requestParameters"].get("trailName") == "either"
                 and "advancedEventSelectors" in r["requestParameters"]]
        self.assertEqual(asked, [[{"fieldSelectors": [{"field": "eventCategory",
                                                       "equals": ["Management"]}]}]])


class Lookup(CliCase):
    """lookup-events by each attribute, by time, in pages."""

    mark = "shop.example.com"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ids = [str(uuid.uuid4()) for _ in range(25)]
        cls.times = [now_text(-3600 + 60 * i) for i in range(25)]
        lines = [json.dumps({
            "eventTime": cls.times[i], "eventName": "Odd" if i % 2 else "Even",
            "eventSource": cls.mark, "eventID": cls.ids[i], "readOnly": i == 7,
            "userIdentity": {"type": "IAMUser", "userName": f"user{i}",
                             "accessKeyId": f"AKIAEXAMPLE{i:05}"},
            "resources": [{"type": "AWS::Shop::Order", "ARN": f"arn:aws:shop:::order/{i}"}]})
            for i in range(25)]
        file = cls.server.folder / "events.ndjson"
        file.write_text("\n".join(lines))
        result = cls.server.traccia("record", str(file))
        assert result.returncode == 0, result.stderr
        wait_until(lambda: len(cls.found("EventSource", cls.mark)) == 25)

    @classmethod
    def found(cls, key, value, *more):
        return cls.aws("cloudtrail", "lookup-events", "--lookup-attributes",
                       f"AttributeKey={key},AttributeValue={value}", *more)["Events"]

    def test_each_attribute(self):
        by = {"EventId": self.ids[7], "Username": "user7", "AccessKeyId": "AKIAEXAMPLE00007",
              "ResourceName": "arn:aws:shop:::order/7"}
        for key, value in by.items():
            with self.subTest(key=key):
                self.assertEqual([e["EventId"] for e in self.found(key, value)], [self.ids[7]])
        newest_first = list(reversed(self.ids))
        for key, value, wanted in (("EventSource", self.mark, newest_first),
                                   ("ResourceType", "AWS::Shop::Order", newest_first),
                                   ("EventName", "Even", newest_first[::2]),
                                   ("EventName", "even", [])):
            with self.subTest(key=key, value=value):
                self.assertEqual([e["EventId"] for e in self.found(key, value)], wanted)
        reads = [e["EventId"] for e in self.found("ReadOnly", "true")]
        self.assertIn(self.ids[7], reads)
        self.assertNotIn(self.ids[8], reads)

    def test_event_members(self):
        event = self.found("EventId", self.ids[7])[0]
        self.assertEqual(event["EventName"], "Odd")
        self.assertEqual(event["EventSource"], self.mark)
        self.assertEqual(event["ReadOnly"], "true")
        self.assertEqual(event["Username"], "user7")
        self.assertEqual(event["AccessKeyId"], "AKIAEXAMPLE00007")
        self.assertEqual(event["Resources"], [{"ResourceType": "AWS::Shop::Order",
                                               "ResourceName": "arn:aws:shop:::order/7"}])
        record = json.loads(event["CloudTrailEvent"])
        self.assertEqual(record["eventID"], self.ids[7])
        self.assertEqual(record["recipientAccountId"], ACCOUNT)

    def test_time_range_includes_both_ends(self):
        found = self.found("EventSource", self.mark, "--start-time", self.times[3], "--end-time",
                           self.times[5])
        self.assertEqual([e["EventId"] for e in found], self.ids[5:2:-1])

    def test_pages(self):
        found = self.found("EventSource", self.mark, "--page-size", "10")
        self.assertEqual([e["EventId"] for e in found], list(reversed(self.ids)))
        question = {"LookupAttributes": [{"AttributeKey": "EventSource",
                                          "AttributeValue": self.mark}]}
        pages, token = [], {}
        while True:
            page = self.trail.lookup_events(**question, MaxResults=10, **token)
            pages.append([e["EventId"] for e in page["Events"]])
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        self.assertEqual([len(p) for p in pages], [10, 10, 5])
        self.assertEqual(sum(pages, []), list(reversed(self.ids)))
        self.fails("InvalidNextTokenException", self.trail.lookup_events, MaxResults=9,
                   **question, **token)

    def test_other_region_sees_nothing_of_it(self):
        self.assertEqual(self.server.lookup("Odd", "eu-south-1"), [])
        self.assertEqual(len(self.server.lookup("Odd", "us-east-1")), 12)


if __name__ == "__main__":
    harness.main()
