// How the configuration file names buckets that live on other endpoints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/outside_buckets.h"
#include "base/error.h"
#include "os/os.h"

namespace traccia::server {

// A table [outside-buckets.NAME] of the file. Secrets do not stand in it.
struct OutsideBucketConfig {
  std::string name, endpoint;
  std::vector<std::string> accounts;
  std::string region = "us-east-1";
  // Where the credentials are: a profile of a file as AWS's tools have it, or the environment
  // variables PREFIX_ACCESS_KEY_ID, PREFIX_SECRET_ACCESS_KEY and PREFIX_SESSION_TOKEN.
  std::string credentials_file, profile = "default", credentials_environment = "AWS";
  std::string addressing = "path";  // or "virtual-hosted"
  std::string ca_file, encryption, kms_key_id, probe_key;
  std::chrono::seconds timeout{60};
  bool insecure = false;  // http:// beyond this machine
};

// What can be checked without asking anybody. InvalidArgument names the bucket and the setting.
Result<> check_outside_bucket(const OutsideBucketConfig& config);

// With their credentials, as they are now. FailedPrecondition says which are missing, and where.
Result<std::vector<api::OutsideBucket>> load_outside_buckets(
    os::FileSystem& files, const std::vector<OutsideBucketConfig>& configs);

}  // namespace traccia::server
