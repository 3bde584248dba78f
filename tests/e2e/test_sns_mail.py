"""SNS by mail, through a relay on this machine.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import email
import email.policy
import json
import queue
import re
import threading

import aiosmtpd.smtp
import harness
from harness import ServerCase, main


class Sink:
    """A relay; `refuse` is what it answers instead of taking mail, once each."""

    def __init__(self):
        self.mails = queue.Queue()
        self.refuse = []
        self.loop = asyncio.new_event_loop()
        made = self.loop.run_until_complete(self.loop.create_server(
            lambda: aiosmtpd.smtp.SMTP(self, hostname="127.0.0.1", loop=self.loop), "127.0.0.1", 0))
        self.port = made.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def handle_DATA(self, _server, _session, envelope):
        if self.refuse:
            return self.refuse.pop(0)
        self.mails.put((envelope.mail_from, envelope.rcpt_tos,
                        email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"

    def next(self, limit=30):
        return self.mails.get(timeout=limit)


class Mail(ServerCase):

    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.server = harness.Server("--mail-relay", f"smtp://127.0.0.1:{cls.sink.port}", "--mail-from",
                                    "audit@example.com")
        cls.server.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.sns = cls.server.client("sns")

    def subscribe(self, arn, protocol, address):
        """A subscription confirmed by the link of its mail."""
        made = self.sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=address)
        self.assertEqual(made["SubscriptionArn"], "pending confirmation")
        sender, to, mail = self.sink.next()
        self.assertEqual((sender, to), ("audit@example.com", [address]))
        self.assertEqual(mail["Subject"], "AWS Notification - Subscription Confirmation")
        link = re.search(r"^http\S+Action=ConfirmSubscription\S+$", mail.get_content(), re.MULTILINE)[0]
        self.assertEqual(harness.send(link).status, 200)

    def test_confirmed_notified_ended(self):
        arn = self.sns.create_topic(Name="mail", Attributes={"DisplayName": "Wächter"})["TopicArn"]
        self.subscribe(arn, "email", "reader@example.org")
        self.sns.publish(TopicArn=arn, Subject="A subject", Message="héllo\n.\nworld")
        _, _, mail = self.sink.next()
        self.assertEqual((mail["Subject"], mail["From"].addresses[0].display_name), ("A subject", "Wächter"))
        text = mail.get_content()
        self.assertTrue(text.startswith("héllo\n.\nworld\n"), text)
        link = re.search(r"^http\S+Action=Unsubscribe\S+$", text, re.MULTILINE)[0]
        self.assertEqual(harness.send(link).status, 200)
        self.assertEqual(self.sink.next()[2]["Subject"], "AWS Notification - Unsubscribe Confirmation")
        shown = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        self.assertEqual(shown["SubscriptionsConfirmed"], "0")

    def test_the_envelope_by_mail(self):
        arn = self.sns.create_topic(Name="json")["TopicArn"]
        self.subscribe(arn, "email-json", "machine@example.org")
        self.sns.publish(TopicArn=arn, Message="m")
        _, _, mail = self.sink.next()
        self.assertEqual(mail["Subject"], "AWS Notification Message")
        self.assertEqual(json.loads(mail.get_content())["Message"], "m")

    def test_a_relay_that_is_busy_is_tried_again(self):
        arn = self.sns.create_topic(Name="busy")["TopicArn"]
        self.subscribe(arn, "email", "patient@example.org")
        self.sink.refuse = ["451 later"]
        self.sns.publish(TopicArn=arn, Message="late")
        self.assertTrue(self.sink.next()[2].get_content().startswith("late"))

    def test_addresses(self):
        arn = self.sns.create_topic(Name="addresses")["TopicArn"]
        for bad in ("nobody", "a@b\r\nRCPT TO:<c@d>", "a b@example.org"):
            self.fails("InvalidParameter", self.sns.subscribe, TopicArn=arn, Protocol="email", Endpoint=bad)


class NoRelay(ServerCase):

    def test_mail_needs_one(self):
        sns = self.server.client("sns")
        arn = sns.create_topic(Name="mail")["TopicArn"]
        self.fails("InvalidParameter", sns.subscribe, TopicArn=arn, Protocol="email", Endpoint="a@example.org")


if __name__ == "__main__":
    main()
