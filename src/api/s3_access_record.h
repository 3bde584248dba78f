// One record of a bucket's server access log ("Amazon S3 server access log format").
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "s3/storage_class.h"

namespace traccia::api {

// In the order of the format. What is empty, or nothing, is "-".
struct AccessRecord {
  std::string owner, bucket;
  Time time = {};  // when the request came
  std::string remote_ip;
  std::string requester;
  std::string request_id;
  std::string operation;                   // "REST.GET.OBJECT"
  std::string key;                         // decoded
  std::optional<std::string> request_uri;  // as request_uri() gives it
  int status = 0;
  std::string error_code;
  uint64_t bytes_sent = 0;
  std::optional<uint64_t> object_size;
  std::optional<std::chrono::nanoseconds> total, turn_around;
  std::optional<std::string> referer, user_agent;  // nothing: there was no request
  std::string version_id;                          // that the request names
  std::string host_id;
  std::string signature_version, cipher_suite, authentication, host, tls_version;
};

// Of what a client sends in one field, so much is told.
inline constexpr size_t kRecordFieldBytesMax = 4096;

// The line, with its end. Nothing that a client sends ends a field, a quotation or a line: bytes
// that could are percent-encoded, in the quoted fields too.
std::string render_record(const AccessRecord& record);

// "S3.TRANSITION_SIA.OBJECT": of lifecycle rules ("Lifecycle and logging").
std::string_view transition_operation(s3::StorageClass storage_class);

// "GET /bucket/key?versions HTTP/1.1". What a presigned URL proves itself with is hidden: who reads
// the log must not be able to use it.
std::string request_uri(std::string_view method, std::string_view path, std::string_view query,
                        unsigned version);

}  // namespace traccia::api
