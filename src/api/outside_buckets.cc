// PUTs into outside buckets, and probes of their stores.
// SPDX-License-Identifier: Apache-2.0
#include "api/outside_buckets.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/assert.h"

namespace traccia::api {
namespace {

using blob::IfTaken;

// Of probes, and of markers: a caller and a worker wait for those.
constexpr std::chrono::milliseconds kQuickTimeout{10'000};
constexpr int kMarkersMax = 2;  // side by side
constexpr size_t kProbeKeysMax = 1000;
constexpr std::string_view kProbeBytes =
    "Traccia writes this object to learn what the store of this bucket can do.\n";
constexpr std::string_view kProbeMetadata = "traccia-probe";

bool is(const Error& error, std::string_view reason) {
  return error.reason() == reason;
}

}  // namespace

std::string_view to_string(ConditionalPut found) {
  switch (found) {
    case ConditionalPut::Unknown:
      return "unknown";
    case ConditionalPut::Honoured:
      return "honoured";
    case ConditionalPut::Ignored:
      return "ignored";
    case ConditionalPut::Refused:
      return "refused";
  }
  return "unknown";
}

// A client of the bucket's for one call; one that was used before, when one is free.
class OutsideBuckets::Connection {
 public:
  Connection(const OutsideBuckets& buckets, Bucket& bucket) : bucket_(bucket) {
    {
      const MutexLock lock(bucket.mutex);
      if (!bucket.idle.empty()) {
        client_ = std::move(bucket.idle.back());
        bucket.idle.pop_back();
      }
    }
    if (!client_) client_ = buckets.connect(bucket, bucket.config.timeout);
  }
  ~Connection() {
    const MutexLock lock(bucket_.mutex);
    bucket_.idle.push_back(std::move(client_));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  blob::S3Client* operator->() const { return client_.get(); }

 private:
  Bucket& bucket_;
  std::unique_ptr<blob::S3Client> client_;
};

OutsideBuckets::OutsideBuckets(os::Clock& clock, std::vector<OutsideBucket> buckets)
    : clock_(clock) {
  for (auto& config : buckets) {
    auto bucket = std::make_unique<Bucket>();
    bucket->config = std::move(config);
    auto name = bucket->config.name;
    buckets_[std::move(name)] = std::move(bucket);
  }
}

std::vector<std::string> OutsideBuckets::names() const {
  std::vector<std::string> out;
  out.reserve(buckets_.size());
  for (const auto& [name, bucket] : buckets_) out.push_back(name);
  return out;
}

OutsideBuckets::Bucket& OutsideBuckets::find(std::string_view bucket) const {
  const auto at = buckets_.find(bucket);
  TRACCIA_ASSERT(at != buckets_.end());
  return *at->second;
}

std::unique_ptr<blob::S3Client> OutsideBuckets::connect(const Bucket& bucket,
                                                        std::chrono::milliseconds timeout) const {
  http::ClientOptions options;
  options.connect_timeout = std::min(options.connect_timeout, timeout);
  options.total_timeout = timeout;
  options.ca_file = bucket.config.ca_file;
  options.stop = &stop_;
  return std::make_unique<blob::S3Client>(clock_, bucket.config.endpoint, std::move(options));
}

// As CloudTrail writes: the bucket's owner may do with it as with its own ("Amazon S3 bucket policy
// for CloudTrail").
blob::S3Put OutsideBuckets::put_of(const Bucket& bucket, std::string_view key,
                                   std::string_view bytes) {
  return {.bucket = bucket.config.name,
          .key = key,
          .bytes = bytes,
          .if_taken = bucket.conditional_put == ConditionalPut::Refused ? IfTaken::Replace
                                                                        : IfTaken::Refuse,
          .content_type = "application/json",
          .acl = "bucket-owner-full-control",
          .encryption = bucket.config.encryption,
          .kms_key_id = bucket.config.kms_key_id};
}

Result<> OutsideBuckets::admit(std::string_view bucket, std::string_view account) const {
  for (const auto& admitted : find(bucket).config.accounts) {
    if (admitted == "*" || admitted == account) return {};
  }
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              fmt::format("trails of account {} may not deliver to bucket {}", account, bucket));
}

Result<> OutsideBuckets::put_if_absent(const delivery::PutRequest& request) {
  auto& bucket = find(request.bucket);
  TRY_ASSIGN(const auto trail, aws::parse_arn(request.trail_arn));
  TRY(admit(request.bucket, trail.account));
  const Connection client(*this, bucket);
  if (bucket.conditional_put != ConditionalPut::Honoured) {
    const auto there = client->head(request.bucket, request.key);
    if (there) {
      return fail(ErrorCode::FailedPrecondition, "PreconditionFailed",
                  fmt::format("s3://{}/{} is there already", request.bucket, request.key));
    }
    // A missing bucket looks the same; the PUT tells.
    if (!is(there.error(), "NoSuchKey")) return std::unexpected(there.error());
  }
  auto put = put_of(bucket, request.key, request.bytes);
  put.content_encoding = "gzip";
  put.metadata = request.metadata;
  return client->put(put);
}

Result<bool> OutsideBuckets::holds(const delivery::PutRequest& request) {
  const Connection client(*this, find(request.bucket));
  TRY_ASSIGN(const auto object, client->get(request.bucket, request.key));
  return object.bytes == request.bytes;
}

Result<> OutsideBuckets::put_marker(std::string_view bucket, std::string_view key) {
  const auto& found = find(bucket);
  struct Turn {
    std::atomic<int>& count;
    ~Turn() { --count; }
  };
  const bool busy = ++markers_ > kMarkersMax;
  const Turn turn{markers_};
  if (busy) {
    return fail(ErrorCode::Unavailable, "SlowDown",
                fmt::format("others wait for the stores of outside buckets, such as {}'s", bucket));
  }
  const auto client = connect(found, std::min(found.config.timeout, kQuickTimeout));
  auto done = client->put(put_of(found, key, ""));
  if (!done && is(done.error(), "PreconditionFailed")) return {};
  return done;
}

// Whether a second PUT is stopped. One that meets another is told so, too: 409.
Result<ConditionalPut> OutsideBuckets::probe_condition(blob::S3Client& client,
                                                       const Bucket& bucket) {
  auto put = put_of(bucket, bucket.config.probe_key, kProbeBytes);
  put.metadata = {{std::string(kProbeMetadata), "1"}};
  put.if_taken = IfTaken::Refuse;
  for (int i = 0; i < 2; ++i) {
    const auto done = client.put(put);
    if (done) continue;
    const auto& error = done.error();
    if (is(error, "PreconditionFailed") || is(error, "ConditionalRequestConflict")) {
      return ConditionalPut::Honoured;
    }
    if (!is(error, "NotImplemented")) return std::unexpected(error);
    put.if_taken = IfTaken::Replace;
    TRY(client.put(put));
    return ConditionalPut::Refused;
  }
  return ConditionalPut::Ignored;
}

Result<> OutsideBuckets::probe_object(blob::S3Client& client, const Bucket& bucket) {
  const auto& config = bucket.config;
  TRY_ASSIGN(const auto object, client.get(config.name, config.probe_key));
  if (object.bytes != kProbeBytes) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("s3://{}/{} holds something else than was written: remove it, or name "
                            "another key with probe-key",
                            config.name, config.probe_key));
  }
  if (!object.metadata.contains(std::string(kProbeMetadata))) {
    return fail(ErrorCode::FailedPrecondition,
                "the store drops the metadata of objects, where the signatures of digests are: "
                "digests delivered to it cannot be validated; use another store");
  }
  TRY_ASSIGN(const auto keys, client.list(config.name, config.probe_key, kProbeKeysMax));
  if (std::ranges::find(keys, config.probe_key) == keys.end()) {
    return fail(ErrorCode::FailedPrecondition,
                "the store does not list objects that are there: whoever reads the bucket, traccia "
                "verify included, will miss files; use another store");
  }
  return {};
}

Result<> OutsideBuckets::run_probe(Bucket& bucket) const {
  // Not one of the deliveries' connections: it has less time.
  const auto client = connect(bucket, std::min(bucket.config.timeout, kQuickTimeout));
  const auto with_advice = [&](const Error& error) {
    const auto advice = is(error, "AccessDenied")
                            ? fmt::format(
                                  "; the bucket's credentials need s3:PutObject, "
                                  "s3:GetObject and s3:ListBucket for the key {}",
                                  bucket.config.probe_key)
                            : std::string();
    return std::unexpected(Error(error.code(), error.reason(), error.message() + advice));
  };
  const auto found = probe_condition(*client, bucket);
  if (!found) return with_advice(found.error());
  bucket.conditional_put = *found;
  if (const auto seen = probe_object(*client, bucket); !seen) return with_advice(seen.error());
  return {};
}

Result<> OutsideBuckets::probe(std::string_view name) {
  auto& bucket = find(name);
  auto done = run_probe(bucket);
  const MutexLock lock(bucket.mutex);
  bucket.checked = clock_.now();
  bucket.error = done ? "" : done.error().message();
  return done;
}

std::vector<OutsideState> OutsideBuckets::states() const {
  std::vector<OutsideState> out;
  for (const auto& [name, bucket] : buckets_) {
    const MutexLock lock(bucket->mutex);
    out.push_back({name, bucket->config.endpoint.url, bucket->conditional_put, bucket->checked,
                   bucket->error});
  }
  return out;
}

}  // namespace traccia::api
