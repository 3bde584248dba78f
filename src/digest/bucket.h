// Where verification reads from: a bucket on any S3 endpoint, or a copy of one on disk.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "os/os.h"

namespace traccia::digest {

struct FetchedObject {
  std::string bytes;
  std::map<std::string, std::string> metadata;  // x-amz-meta-*, names without the prefix
};

// owned by one thread. Reason NoSuchKey when the key is not there.
class BucketReader {
 public:
  virtual ~BucketReader() = default;
  // Every key that begins with `prefix`, in order.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  virtual Result<FetchedObject> get(const std::string& key) = 0;
};

// Makes a reader for a worker; `bucket` may differ from the one asked for when a chain changed it.
using OpenBucket = std::function<Result<std::unique_ptr<BucketReader>>(const std::string& bucket)>;

// Public keys (PKCS#1 DER) by fingerprint that may have signed in the region and period. From any
// thread, one at a time.
using FindKeys = std::function<Result<std::map<std::string, std::string>>(const std::string& region,
                                                                          Time start, Time end)>;

inline constexpr uint64_t kObjectBytesMax = 256ULL << 20;

// Files under a directory as keys. Metadata comes from KEY.metadata.json ({"signature":"…"}) beside
// the file; a plain copy has none.
class LocalBucket : public BucketReader {
 public:
  LocalBucket(os::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<FetchedObject> get(const std::string& key) override;

 private:
  Result<> walk(const std::string& folder, const std::string& prefix,
                std::vector<std::string>& keys);
  os::FileSystem& files_;
  std::string directory_;
};

}  // namespace traccia::digest
