"""Many accounts on one server: how fast they are made, and what a start with them costs.

Makes accounts with users through the API, stops the server, starts it, and takes the time from the
process's start to the answer of the first authorised request of a tenant, whose organization has
service control policies; then the resident memory.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import json
import pathlib
import sys
import tempfile
import threading
import time
import urllib.parse

from harness import process
from harness.server import Server

DENY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"}]})
PREFIXES = {"traccia": "Traccia_20261101", "organizations": "AWSOrganizationsV20161128"}
_local = threading.local()


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(port, key, service, body, headers):
    """Signature Version 4 of a POST to /."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = headers | {"host": f"127.0.0.1:{port}", "x-amz-date": now}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now[:8]}/us-east-1/{service}/aws4_request"
    derived = f"AWS4{key[1]}".encode()
    for part in scope.split("/"):
        derived = _hmac(derived, part)
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = _hmac(derived, text).hex()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, "
                                f"SignedHeaders={names}, Signature={signature}")
    return headers


def post(port, key, service, body, headers):
    """The answer's body, over this thread's own connection."""
    connection = getattr(_local, "connections", {}).get(port)
    if connection is None:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        _local.connections = {port: connection}
    connection.request("POST", "/", body, sign(port, key, service, body, headers))
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"bench: {service} answered {answer.status}: {text[:500]}")
    return text


def call(port, key, service, operation, **members):
    """A JSON 1.1 call."""
    return json.loads(post(port, key, service, json.dumps(members).encode(), {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"{PREFIXES[service]}.{operation}"}))


def call_iam(port, key, action, **members):
    body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08"} | members).encode()
    return post(port, key, "iam", body, {"content-type": "application/x-www-form-urlencoded"})


def make_account(port, operator, number):
    made = call(port, operator, "traccia", "CreateAccount", AccountName=f"tenant {number}",
                Email=f"tenant{number}@accounts.example")
    return made["AccountId"], (made["AccessKeyId"], made["SecretAccessKey"])


def make_users(port, key, count):
    for number in range(count):
        call_iam(port, key, "CreateUser", UserName=f"user-{number:03}")


def join_organization(port, operator, account, key):
    """The account, in an organization whose root has a policy beside FullAWSAccess."""
    def organizations(who, operation, **members):
        return call(port, who, "organizations", operation, **members)
    organizations(operator, "CreateOrganization")
    root = organizations(operator, "ListRoots")["Roots"][0]["Id"]
    control = "SERVICE_CONTROL_POLICY"
    organizations(operator, "EnablePolicyType", RootId=root, PolicyType=control)
    policy = organizations(operator, "CreatePolicy", Name="deny", Description="", Type=control,
                           Content=DENY)["Policy"]["PolicySummary"]["Id"]
    organizations(operator, "AttachPolicy", PolicyId=policy, TargetId=root)
    invited = organizations(operator, "InviteAccountToOrganization",
                            Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]["Id"]
    organizations(key, "AcceptHandshake", HandshakeId=invited)


def measure(server, accounts, users, threads):
    operator = (server.env["AWS_ACCESS_KEY_ID"], server.env["AWS_SECRET_ACCESS_KEY"])
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        begin = time.monotonic()
        made = list(pool.map(lambda n: make_account(server.port, operator, n), range(accounts)))
        account_seconds = time.monotonic() - begin
        begin = time.monotonic()
        list(pool.map(lambda one: make_users(server.port, one[1], users), made))
        user_seconds = time.monotonic() - begin
    account, key = made[-1]
    join_organization(server.port, operator, account, key)
    server.stop()
    begin = time.monotonic()
    server.start()
    ready = time.monotonic()
    call_iam(server.port, key, "ListUsers")
    answered = time.monotonic()
    return {"accounts": accounts, "usersPerAccount": users,
            "accountsPerSecond": round(accounts / account_seconds, 1),
            "usersPerSecond": round(accounts * users / user_seconds, 1),
            "startMilliseconds": round((ready - begin) * 1000, 1),
            "firstAnswerMilliseconds": round((answered - begin) * 1000, 1),
            "residentBytes": process.resident_bytes(server.process.pid)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--threads", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.build.resolve(), pathlib.Path(folder))
        try:
            report = measure(server, args.accounts, args.users, args.threads)
        finally:
            server.stop()
    print(json.dumps(report))
    # What the product promises of 10 000 accounts with 10 users each.
    held = report["firstAnswerMilliseconds"] <= 2000 and report["residentBytes"] <= 500 << 20
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
