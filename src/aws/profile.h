// Sections of the files that AWS's own tools are configured with: ~/.aws/config and credentials.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "aws/sigv4.h"

namespace traccia::aws {

using ProfileValues = std::map<std::string, std::string>;

// The "key = value" lines below the headings [NAME] of these names; of a repeated key the last.
// Nothing when there is no such section. Lines that are neither are passed over, as AWS's tools do.
ProfileValues read_profile(std::string_view text, std::span<const std::string> names);

// The credentials among them; members that are not there are empty.
Credentials credentials_of(const ProfileValues& values);

}  // namespace traccia::aws
