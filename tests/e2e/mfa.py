"""Virtual MFA devices as a user holds them. SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import hmac
import struct
import time

from harness import wait_until


def totp(seed, step):
    """RFC 6238, independently of the server."""
    mac = hmac.new(seed, struct.pack(">q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


class Device:
    """A virtual MFA device in a user's hand. Each code is shown once."""

    def __init__(self, iam, name):
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        self.serial, self.text = made["SerialNumber"], made["Base32StringSeed"]
        self.picture = made["QRCodePNG"]
        self.seed = base64.b32decode(self.text)
        self.shown = 0

    def code(self):
        """The next code that was not used, at most a step ahead."""
        wait_until(lambda: int(time.time()) // 30 + 1 > self.shown)
        self.shown = max(self.shown + 1, int(time.time()) // 30)
        return totp(self.seed, self.shown)

    def enable(self, iam, user):
        step = int(time.time()) // 30
        iam.enable_mfa_device(UserName=user, SerialNumber=self.serial,
                              AuthenticationCode1=totp(self.seed, step - 2),
                              AuthenticationCode2=totp(self.seed, step - 1))
        self.shown = step - 1
