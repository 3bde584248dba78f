// A directory as a bucket.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "digest/bucket.h"
#include "json/json.h"

namespace traccia::digest {
namespace {

constexpr std::string_view kSidecar = ".metadata.json";
constexpr uint64_t kSidecarBytesMax = 64 << 10;

}  // namespace

Result<> LocalBucket::walk(const std::string& folder, const std::string& prefix,
                           std::vector<std::string>& keys) {
  TRY_ASSIGN(const auto entries, files_.list(directory_ + (folder.empty() ? "" : "/" + folder)));
  for (const auto& entry : entries) {
    const auto key = folder.empty() ? entry.name : fmt::format("{}/{}", folder, entry.name);
    if (entry.is_directory) {
      const auto inside = key + "/";
      if (inside.starts_with(prefix) || prefix.starts_with(inside)) TRY(walk(key, prefix, keys));
    } else if (key.starts_with(prefix) && !key.ends_with(kSidecar)) {
      keys.push_back(key);
    }
  }
  return {};
}

Result<std::vector<std::string>> LocalBucket::list(const std::string& prefix) {
  std::vector<std::string> keys;
  TRY(walk("", prefix, keys));
  std::ranges::sort(keys);
  return keys;
}

Result<FetchedObject> LocalBucket::get(const std::string& key) {
  // Keys come out of digests, too: they must not lead out of the directory.
  if (key.find("..") != std::string::npos || key.starts_with('/')) {
    return fail(ErrorCode::NotFound, "NoSuchKey", fmt::format("key '{}' leaves the copy", key));
  }
  const auto path = fmt::format("{}/{}", directory_, key);
  auto bytes = os::read_file(files_, path, kObjectBytesMax);
  if (!bytes) {
    if (bytes.error().code() != ErrorCode::NotFound) return std::unexpected(bytes.error());
    return fail(ErrorCode::NotFound, "NoSuchKey", bytes.error().message());
  }
  FetchedObject object{std::move(*bytes), {}};
  TRY_ASSIGN(const bool described, files_.exists(path + std::string(kSidecar)));
  if (!described) return object;
  TRY_ASSIGN(const auto text,
             os::read_file(files_, path + std::string(kSidecar), kSidecarBytesMax));
  TRY_ASSIGN(const auto metadata, json::parse(text));
  if (!metadata.is_object()) return object;
  for (const auto& [name, value] : metadata.get_object()) {
    if (value.is_string()) object.metadata[std::string(name)] = std::string(value.get_string());
  }
  return object;
}

}  // namespace traccia::digest
