"""Web identities: roles for whoever brings a token of an issuer that the account has named.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import http.server
import json
import pathlib
import ssl
import subprocess
import tempfile
import threading
import time

import boto3
import botocore
import botocore.config
import harness
from harness import ACCOUNT, ServerCase, wait_until


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An OpenID Connect issuer on this machine, behind a certificate of an authority of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.asked = []
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout",
                      "tls.key", "-out", "tls.pem", "-subj", "/CN=localhost", "-addext",
                      "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.new_key("k1")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = issuer.answer(self.path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode() if body else b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "tls.pem", self.folder / "tls.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"127.0.0.1:{self.server.server_address[1]}/ci"
        self.url = f"https://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _openssl(self, *args, stdin=None):
        return subprocess.run(["openssl", *args], cwd=self.folder, input=stdin, check=True,
                              capture_output=True).stdout

    def new_key(self, key_id):
        self.key_id = key_id
        self._openssl("genrsa", "-out", f"{key_id}.key", "2048")
        text = self._openssl("rsa", "-in", f"{key_id}.key", "-noout", "-modulus").decode()
        self.modulus = bytes.fromhex(text.strip().split("=")[1])

    def answer(self, path):
        if path == "/ci/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": self.url + "/keys"}
        if path == "/ci/keys":
            return {"keys": [{"kty": "RSA", "kid": self.key_id, "alg": "RS256", "use": "sig",
                              "n": base64url(self.modulus), "e": "AQAB"}]}
        return None

    def token(self, key_id=None, **claims):
        now = int(time.time())
        claims = {"iss": self.url, "sub": "repo:acme/audit", "aud": "sts.amazonaws.com",
                  "iat": now, "exp": now + 300} | claims
        header = {"alg": "RS256", "kid": key_id or self.key_id}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self._openssl("dgst", "-sha256", "-sign", f"{self.key_id}.key",
                                  stdin=text.encode())
        return text + "." + base64url(signature)


class WebIdentity(ServerCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="traccia-issuer-")
        cls.addClassCleanup(folder.cleanup)
        cls.issuer = Issuer(folder.name)
        cls.addClassCleanup(cls.issuer.server.shutdown)
        cls.server = harness.Server("--outbound-allow", "127.0.0.1", "--outbound-ca",
                                    str(cls.issuer.folder / "tls.pem"))
        cls.server.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.iam = cls.server.client("iam")
        cls.provider = cls.iam.create_open_id_connect_provider(
            Url=cls.issuer.url, ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
        cls.iam.create_role(RoleName="ci", AssumeRolePolicyDocument=cls.trust(
            {"StringEquals": {f"{cls.issuer.host}:aud": "sts.amazonaws.com"},
             "StringLike": {f"{cls.issuer.host}:sub": "repo:acme/*"}}))
        cls.iam.put_role_policy(RoleName="ci", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}))
        cls.role = f"arn:aws:iam::{ACCOUNT}:role/ci"
        cls.sts = boto3.session.Session(region_name="us-east-1").client(
            "sts", endpoint_url=cls.server.endpoint, config=botocore.config.Config(
                signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))

    @classmethod
    def trust(cls, condition):
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Federated": cls.provider},
             "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}]})

    def assume(self, token, role=None):
        return self.sts.assume_role_with_web_identity(
            RoleArn=role or self.role, RoleSessionName="job", WebIdentityToken=token)

    def buckets(self, credentials):
        return boto3.session.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"], region_name="us-east-1").client(
                "s3", endpoint_url=self.server.endpoint)

    def test_a_token_opens_the_role(self):
        made = self.assume(self.issuer.token())
        self.assertEqual(made["SubjectFromWebIdentityToken"], "repo:acme/audit")
        self.assertEqual(made["Audience"], "sts.amazonaws.com")
        self.assertEqual(made["Provider"], self.provider)
        self.buckets(made["Credentials"]).list_buckets()
        record = wait_until(lambda: self.server.lookup("AssumeRoleWithWebIdentity"))[0]
        identity = record["userIdentity"]
        self.assertEqual((identity["type"], identity["userName"], identity["identityProvider"]),
                         ("WebIdentityUser", "repo:acme/audit", self.provider))
        self.assertEqual(record["requestParameters"]["webIdentityToken"],
                         "HIDDEN_DUE_TO_SECURITY_REASONS")

    def test_what_a_token_gives_the_session(self):
        """Tags and a source identity: each needs a permission of its own in the role's trust policy."""
        both = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["web"]},
                                                "transitive_tag_keys": ["team"]},
                "https://aws.amazon.com/source_identity": "repo-acme"}
        self.fails("AccessDenied", self.assume, token=self.issuer.token(**both))
        trust = json.loads(self.trust({"StringEquals": {f"{self.issuer.host}:aud": "sts.amazonaws.com"}}))
        trust["Statement"][0]["Action"] = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession",
                                           "sts:SetSourceIdentity"]
        self.iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=json.dumps(trust))
        self.iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "web",
                                               "aws:SourceIdentity": "repo-acme"}}}}))
        role = f"arn:aws:iam::{ACCOUNT}:role/tagged"
        made = self.assume(self.issuer.token(**both), role)
        self.assertEqual(made["SourceIdentity"], "repo-acme")
        self.buckets(made["Credentials"]).list_buckets()
        other = both | {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["db"]}}}
        credentials = self.assume(self.issuer.token(**other), role)["Credentials"]
        self.fails("AccessDenied", self.buckets(credentials).list_buckets)
        self.fails("InvalidIdentityToken", self.assume, role=role, token=self.issuer.token(
            **{"https://aws.amazon.com/source_identity": "x"}))
        self.fails("InvalidIdentityToken", self.assume, role=role, token=self.issuer.token(
            **{"https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"]},
                                               "transitive_tag_keys": ["c"]}}))

    def test_keys_are_kept(self):
        self.assume(self.issuer.token())
        before = len(self.issuer.asked)
        for _ in range(5):
            self.assume(self.issuer.token())
        self.assertEqual(len(self.issuer.asked), before)

    def test_what_is_refused(self):
        now = int(time.time())
        code = "InvalidIdentityToken"
        self.fails(code, self.assume, "Incorrect token audience", token=self.issuer.token(aud="x"))
        self.fails("ExpiredTokenException", self.assume, token=self.issuer.token(exp=now - 1))
        self.fails(code, self.assume, token=self.issuer.token(nbf=now + 3600))
        self.fails(code, self.assume, token="no.to.ken")
        self.fails(code, self.assume, "No OpenIDConnect provider found in your account for "
                   "https://other.example", token=self.issuer.token(iss="https://other.example"))
        forged = self.issuer.token().rsplit(".", 1)[0] + "." + base64url(b"x" * 256)
        self.fails(code, self.assume, token=forged)
        denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        self.fails("AccessDenied", self.assume, denied,
                   token=self.issuer.token(sub="repo:other/audit"))
        self.fails("AccessDenied", self.assume, denied, token=self.issuer.token(),
                   role=self.role + "x")

    def test_where_issuers_may_be(self):
        port = self.issuer.server.server_address[1]
        for url, why in ((f"https://localhost:{port}/ci", "names another issuer"),
                         (f"https://127.0.0.2:{port}/ci", "its address is not public"),
                         ("https://169.254.169.254/latest", "its address is not public")):
            self.iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])
            answer = self.fails("IDPCommunicationError", self.assume,
                                token=self.issuer.token(iss=url))
            self.assertIn(why, answer["Error"]["Message"])

    def test_providers(self):
        arn = self.iam.create_open_id_connect_provider(
            Url="https://issuer.example/a", ClientIDList=["x"], ThumbprintList=["a" * 40],
            Tags=[{"Key": "k", "Value": "v"}])["OpenIDConnectProviderArn"]
        self.assertEqual(arn, f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example/a")
        self.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn,
                                                           ClientID="y")
        self.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn,
                                                                ClientID="x")
        self.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn,
                                                            ThumbprintList=["b" * 40])
        got = self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.assertEqual((got["Url"], got["ClientIDList"], got["ThumbprintList"]),
                         ("issuer.example/a", ["y"], ["b" * 40]))
        self.assertIn({"Arn": arn}, self.iam.list_open_id_connect_providers()[
            "OpenIDConnectProviderList"])
        self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.fails("NoSuchEntity", self.iam.get_open_id_connect_provider,
                   OpenIDConnectProviderArn=arn)


if __name__ == "__main__":
    harness.main()
