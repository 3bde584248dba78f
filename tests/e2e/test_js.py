"""The AWS SDK for JavaScript v3, which speaks the short X-Amz-Target prefix; its trail validates.

SPDX-License-Identifier: Apache-2.0
"""
import re
import subprocess

import harness
from harness import ACCOUNT, ROOT, ServerCase, now_text, wait_until

NODE = ROOT / "build" / "node"
SCRIPT = ROOT / "tests" / "e2e" / "test_js.mjs"


class JavaScript(ServerCase):

    @classmethod
    def setUpClass(cls):
        subprocess.run([ROOT / "tests" / "node_env.sh"], check=True)
        super().setUpClass()

    def test_main_job(self):
        since = now_text(-3600)
        policy = self.server.traccia("bucket-policy", "js-logs", "--trail", "js-trail")
        self.assertEqual(policy.returncode, 0, policy.stderr)
        env = self.server.env | {"TRAIL_BUCKET_POLICY": policy.stdout.decode()}
        result = subprocess.run([NODE / "bin" / "node", SCRIPT, NODE], env=env,
                                capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        steps = re.findall(r"^  async (\w+)\(\) \{$", SCRIPT.read_text(), re.MULTILINE)
        self.assertEqual(len(steps), 5)
        self.assertEqual(result.stdout.split(), [w for s in steps for w in ("ok", s)])

        def valid():
            told = self.server.aws_raw(
                "cloudtrail", "validate-logs", "--start-time", since, "--trail-arn",
                f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/js-trail")
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
            logs = len(self.server.log_keys("js-logs"))
            return logs > 0 and f"{logs}/{logs} log files valid" in told.stdout
        wait_until(valid, what="digests over every log file")


if __name__ == "__main__":
    harness.main()
