// The server access logging of buckets: what their configuration says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "aws/xml.h"
#include "base/error.h"
#include "s3/s3.h"

namespace traccia::api {

// How the keys of log objects are made ("Log object key format").
enum class LogKeyFormat : uint8_t {
  Simple,         // PREFIX, the time of the delivery
  ByEventDay,     // PREFIX, folders of the source and of the day of the requests
  ByDeliveryTime  // PREFIX, folders of the source and of the day of the delivery
};

struct BucketLogging {
  std::string target_bucket;
  std::string target_prefix;
  std::optional<LogKeyFormat> format = std::nullopt;  // as it was given

  bool operator==(const BucketLogging&) const = default;
  LogKeyFormat key_format() const { return format.value_or(LogKeyFormat::Simple); }
};

// What the formats put behind a prefix is 150 bytes at most.
inline constexpr size_t kLogPrefixBytesMax = s3::kKeyBytesMax - 150;

struct LoggingStatus {
  std::optional<BucketLogging> logging;  // nothing: it is off
  bool grants = false;                   // the document asks for grants to others
};
// A BucketLoggingStatus. Reasons: MalformedXML, InvalidArgument.
Result<LoggingStatus> parse_logging(const aws::XmlElement& root);
// The document as it is kept and shown.
std::string render_logging(const std::optional<BucketLogging>& logging);

}  // namespace traccia::api
