// Walks chains from their newest digest to the oldest and checks what they list.
// SPDX-License-Identifier: Apache-2.0
#include "digest/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/mutex.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "digest/format.h"

namespace traccia::digest {
namespace {

constexpr unsigned kWorkersMax = 64;
constexpr size_t kInferredMax = 1000;  // digests reported missing in one place

constexpr std::string_view kNotFound = "not found";
constexpr std::string_view kInvalidFormat = "invalid format";
constexpr std::string_view kMoved = "has been moved from its original location";
constexpr std::string_view kBadSignature = "signature verification failed";
constexpr std::string_view kBadHash = "hash value doesn't match";

// Runs `job` for every index on several threads, each with its own readers. The first error of
// reaching the bucket ends it.
class Workers {
 public:
  Workers(unsigned count, const OpenBucket& open_bucket)
      : count_(std::clamp(count, 1U, kWorkersMax)), open_bucket_(open_bucket) {}

  using Readers = std::map<std::string, std::unique_ptr<BucketReader>>;
  using Get =
      std::function<Result<FetchedObject>(const std::string& bucket, const std::string& key)>;
  Result<> run(size_t jobs, const std::function<Result<>(size_t, const Get&)>& job) {
    std::atomic<size_t> next{0};
    Mutex mutex;
    std::optional<Error> failed;
    const auto work = [&] {
      Readers readers;
      const Get get = [&](const std::string& bucket, const std::string& key) {
        return fetch(readers, bucket, key);
      };
      while (true) {
        const auto index = next.fetch_add(1);
        if (index >= jobs) return;
        if (auto done = job(index, get); !done) {
          const MutexLock lock(mutex);
          if (!failed) failed = done.error();
          next = jobs;
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < std::min<size_t>(count_, jobs); ++i) threads.emplace_back(work);
    }
    if (failed) return std::unexpected(std::move(*failed));
    return {};
  }

 private:
  Result<FetchedObject> fetch(Readers& readers, const std::string& bucket,
                              const std::string& key) const {
    auto& reader = readers[bucket];
    if (!reader) {
      TRY_ASSIGN(reader, open_bucket_(bucket));
    }
    return reader->get(key);
  }

  unsigned count_;
  const OpenBucket& open_bucket_;
};

// One digest as found in the bucket.
struct Found {
  std::string key;
  DigestKeyParts parts;
  std::optional<DigestFile> digest;  // when it could be read
  std::string sha256_hex;
  std::string signature_hex;
  std::string problem;
  bool missing = false;
};

std::string_view problem_of_gunzip(const Error& error) {
  return error.reason() == "TrailingData" ? "unexpected data after end of compressed stream"
                                          : kInvalidFormat;
}

// What the digest says of itself; its signature is checked once the keys are there.
Result<> load_digest(Found& found, const VerifyOptions& options, const Workers::Get& get) {
  const auto object = get(options.bucket, found.key);
  if (!object) {
    if (object.error().reason() != "NoSuchKey") return std::unexpected(object.error());
    found.problem = kNotFound;
    found.missing = true;
    return {};
  }
  compress::DecompressLimits limits;
  limits.bytes_max = kDigestBytesMax;
  const auto json = compress::gunzip(object->bytes, limits);
  if (!json) {
    found.problem = kInvalidFormat;
    return {};
  }
  auto digest = parse_digest(*json);
  if (!digest) {
    found.problem = kInvalidFormat;
    return {};
  }
  found.sha256_hex = crypto::sha256_hex(*json);
  const auto signature = object->metadata.find(std::string(kSignatureMetadata));
  if (signature != object->metadata.end()) found.signature_hex = signature->second;
  if (digest->bucket != options.bucket || digest->key != found.key) found.problem = kMoved;
  found.digest = std::move(*digest);
  return {};
}

void check_signature(Found& found, const std::map<std::string, std::string>& keys) {
  if (!found.problem.empty()) return;
  const auto key = keys.find(found.digest->fingerprint);
  if (key == keys.end()) {
    found.problem = fmt::format("public key not found in region {} for fingerprint {}",
                                found.parts.region, found.digest->fingerprint);
    return;
  }
  const auto signature = hex_decode(found.signature_hex);
  if (found.signature_hex.empty() || !signature) {
    found.problem = kBadSignature;
    return;
  }
  const auto verified = crypto::rsa_verify_sha256(
      key->second, string_to_sign(*found.digest, found.sha256_hex), *signature);
  if (!verified) {
    found.problem =
        fmt::format("Unable to load PKCS #1 key with fingerprint {}", found.digest->fingerprint);
  } else if (!*verified) {
    found.problem = kBadSignature;
  }
}

// A plain copy holds no signatures of its own, but each digest holds its predecessor's.
void take_signatures_from_successors(std::vector<Found>& newest_first) {
  std::map<std::string, std::string> signatures;
  for (const auto& found : newest_first) {
    if (found.digest && found.digest->previous) {
      signatures[found.digest->previous->key] = found.digest->previous->signature_hex;
    }
  }
  for (auto& found : newest_first) {
    if (!found.signature_hex.empty()) continue;
    const auto at = signatures.find(found.key);
    if (at != signatures.end()) {
      found.signature_hex = at->second;
    } else if (found.problem.empty()) {
      found.problem = "the copy holds no signature of it (no metadata, no successor)";
    }
  }
}

struct ListedLog {
  size_t chain = 0;
  size_t place = 0;  // in the chain's verdicts
  LogFile file;
};

class Verifier {
 public:
  Verifier(const VerifyOptions& options, const OpenBucket& open_bucket, const FindKeys& find_keys)
      : options_(options),
        open_bucket_(open_bucket),
        find_keys_(find_keys),
        workers_(options.workers, open_bucket) {}

  Result<VerifyReport> run() {
    TRY(find_chains());
    for (auto& [name, found] : chains_) TRY(verify_chain(found));
    TRY(verify_logs());
    TRY(find_unlisted());
    return std::move(report_);
  }

 private:
  Result<> find_chains();
  Result<> verify_chain(std::vector<Found>& oldest_first);
  void follow_link(const Found& newer, const Found* older, ChainReport& chain);
  void infer_missing(const Found& newer, const Found* older, ChainReport& chain);
  void add_digest(const Found& found, ChainReport& chain);
  Result<> verify_logs();
  Result<std::string> check_log(const LogFile& file, const Workers::Get& get, uint64_t& bytes);
  Result<> find_unlisted();

  const VerifyOptions& options_;
  const OpenBucket& open_bucket_;
  const FindKeys& find_keys_;
  Workers workers_;
  VerifyReport report_;
  // By account, region, trail name, home region; backfill digests chain by themselves.
  std::map<std::tuple<std::string, std::string, std::string, std::string, bool>, std::vector<Found>>
      chains_;
  std::vector<ListedLog> logs_;
  std::set<std::string> listed_;
  // Periods that valid digests (not starting ones) cover, by account and region.
  std::map<std::pair<std::string, std::string>, std::vector<Gap>> covered_;
};

Result<> Verifier::find_chains() {
  TRY_ASSIGN(const auto reader, open_bucket_(options_.bucket));
  const auto root = options_.prefix.empty() ? "" : options_.prefix + "/";
  auto folder = fmt::format("{}AWSLogs/", root);
  if (!options_.account.empty()) {
    folder = fmt::format("{}AWSLogs/{}/CloudTrail-Digest/", root, options_.account);
    if (!options_.region.empty()) folder += options_.region + "/";
  }
  TRY_ASSIGN(const auto keys, reader->list(folder));
  for (const auto& key : keys) {
    const auto parts = parse_digest_key(key);
    if (!parts || parts->prefix != options_.prefix) continue;
    const auto wanted = [](const std::string& filter, const std::string& value) {
      return filter.empty() || filter == value;
    };
    if (!wanted(options_.account, parts->account) || !wanted(options_.region, parts->region) ||
        !wanted(options_.trail_name, parts->trail_name)) {
      continue;
    }
    if ((options_.start && parts->end_time < *options_.start) ||
        (options_.end && parts->end_time > *options_.end)) {
      continue;
    }
    Found found;
    found.key = key;
    found.parts = *parts;
    chains_[{parts->account, parts->region, parts->trail_name, parts->home_region, parts->backfill}]
        .push_back(std::move(found));
  }
  return {};
}

void Verifier::add_digest(const Found& found, ChainReport& chain) {
  chain.files.push_back({found.parts.backfill ? FileKind::BackfillDigest : FileKind::Digest,
                         options_.bucket, found.key, found.problem, false});
  if (!found.problem.empty()) return;
  const auto start = parse_iso(found.digest->start_time);
  const auto end = parse_iso(found.digest->end_time);
  if (start && end) {
    if (!chain.newest_end) chain.newest_end = *end;
    chain.oldest_start = *start;
    if (found.digest->previous) {
      covered_[{chain.account, chain.region}].push_back({*start, *end});
    }
  }
  for (const auto& file : found.digest->log_files) {
    FileVerdict verdict{FileKind::Log, file.bucket, file.key, "", false};
    if (!listed_.insert(file.bucket + "/" + file.key).second) {
      verdict.problem = "listed in two digests";
    } else {
      logs_.push_back({report_.chains.size(), chain.files.size(), file});
    }
    chain.files.push_back(std::move(verdict));
  }
}

// Digests that only the rhythm of the chain tells of: between the missing predecessor of `newer`
// and the next one that is there.
void Verifier::infer_missing(const Found& newer, const Found* older, ChainReport& chain) {
  const auto start = parse_iso(newer.digest->start_time);
  const auto end = parse_iso(newer.digest->end_time);
  if (older == nullptr || !start || !end || *end <= *start) return;
  const auto interval = *end - *start;
  const auto missing = *start - older->parts.end_time;
  if (missing % interval != Duration(0)) return;
  auto parts = newer.parts;
  for (int64_t i = 1; i < missing / interval && i < static_cast<int64_t>(kInferredMax); ++i) {
    parts.end_time = *start - i * interval;
    chain.files.push_back(
        {FileKind::Digest, options_.bucket, digest_key(parts), std::string(kNotFound), true});
  }
}

// Whether the digest before `newer` is the one that is there.
void Verifier::follow_link(const Found& newer, const Found* older, ChainReport& chain) {
  if (!newer.problem.empty()) return;
  const auto& previous = newer.digest->previous;
  if (!previous) {
    if (older == nullptr) return;
    const auto start = parse_iso(newer.digest->start_time);
    if (start && *start > older->parts.end_time) {
      chain.gaps.push_back({older->parts.end_time, *start});
    }
    return;
  }
  if (older != nullptr && previous->key == older->key) return;
  const auto parts = parse_digest_key(previous->key);
  // Not listed because the caller did not ask for its time, or its bucket.
  if (previous->bucket != options_.bucket) return;
  if (parts && options_.start && parts->end_time < *options_.start) return;
  chain.files.push_back({newer.parts.backfill ? FileKind::BackfillDigest : FileKind::Digest,
                         previous->bucket, previous->key, std::string(kNotFound), false});
  infer_missing(newer, older, chain);
}

Result<> Verifier::verify_chain(std::vector<Found>& found) {
  std::ranges::sort(found, std::ranges::greater(),
                    [](const Found& one) { return one.parts.end_time; });
  TRY(workers_.run(found.size(), [&](size_t i, const Workers::Get& get) {
    return load_digest(found[i], options_, get);
  }));
  if (options_.without_metadata) take_signatures_from_successors(found);
  TRY_ASSIGN(const auto keys, find_keys_(found.front().parts.region,
                                         found.back().parts.end_time - std::chrono::hours(2),
                                         found.front().parts.end_time + std::chrono::hours(2)));
  TRY(workers_.run(found.size(), [&](size_t i, const Workers::Get&) -> Result<> {
    check_signature(found[i], keys);
    return {};
  }));
  // A digest that its successor knows by another hash was replaced, whoever signed it.
  for (size_t i = 0; i + 1 < found.size(); ++i) {
    const auto& newer = found[i];
    auto& older = found[i + 1];
    if (newer.problem.empty() && older.problem.empty() && newer.digest->previous &&
        newer.digest->previous->key == older.key &&
        newer.digest->previous->sha256_hex != older.sha256_hex) {
      older.problem = kBadHash;
    }
  }
  const auto& parts = found.front().parts;
  ChainReport chain;
  chain.account = parts.account;
  chain.region = parts.region;
  chain.trail_name = parts.trail_name;
  chain.home_region = parts.home_region;
  for (size_t i = 0; i < found.size(); ++i) {
    add_digest(found[i], chain);
    follow_link(found[i], i + 1 < found.size() ? &found[i + 1] : nullptr, chain);
  }
  report_.chains.push_back(std::move(chain));
  return {};
}

Result<std::string> Verifier::check_log(const LogFile& file, const Workers::Get& get,
                                        uint64_t& bytes) {
  const auto object = get(file.bucket, file.key);
  if (!object) {
    if (object.error().reason() == "NoSuchKey") return std::string(kNotFound);
    return std::unexpected(object.error());
  }
  compress::DecompressLimits limits;
  limits.bytes_max = kObjectBytesMax;
  crypto::Hasher hasher(crypto::Hasher::Algorithm::Sha256);
  const auto size = compress::gunzip_pieces(object->bytes, limits,
                                            [&](std::string_view piece) { hasher.update(piece); });
  if (!size) return std::string(problem_of_gunzip(size.error()));
  bytes = *size;
  if (hex_encode(hasher.finish()) != file.sha256_hex) return std::string(kBadHash);
  return std::string();
}

Result<> Verifier::verify_logs() {
  std::atomic<uint64_t> all_bytes{0};
  TRY(workers_.run(logs_.size(), [&](size_t i, const Workers::Get& get) -> Result<> {
    const auto& log = logs_[i];
    uint64_t bytes = 0;
    auto& verdict = report_.chains[log.chain].files[log.place];
    TRY_ASSIGN(verdict.problem, check_log(log.file, get, bytes));
    all_bytes += bytes;
    return {};
  }));
  report_.log_bytes = all_bytes;
  return {};
}

Result<> Verifier::find_unlisted() {
  TRY_ASSIGN(const auto reader, open_bucket_(options_.bucket));
  const auto root = options_.prefix.empty() ? "" : options_.prefix + "/";
  // With one trail asked for, the others' files would all seem unlisted.
  if (!options_.trail_name.empty()) return {};
  for (const auto& [where, periods] : covered_) {
    TRY_ASSIGN(const auto keys, reader->list(fmt::format("{}AWSLogs/{}/CloudTrail/{}/", root,
                                                         where.first, where.second)));
    // What was delivered in the newest period may be listed by a digest still to come. Keys have
    // whole minutes.
    const auto newest = std::ranges::max(periods, {}, &Gap::end).start - std::chrono::minutes(1);
    for (const auto& key : keys) {
      const auto parts = parse_log_key(key);
      if (!parts || listed_.contains(options_.bucket + "/" + key)) continue;
      const bool covered = std::ranges::any_of(periods, [&](const Gap& period) {
        return parts->minute > period.start && parts->minute <= period.end;
      });
      if (!covered || parts->minute > newest) continue;
      report_.unlisted.push_back(
          {FileKind::Log, options_.bucket, key, "not listed in any digest", false});
    }
  }
  return {};
}

}  // namespace

size_t VerifyReport::count(FileKind kind, bool valid) const {
  size_t out = 0;
  for (const auto& chain : chains) {
    out += static_cast<size_t>(std::ranges::count_if(chain.files, [&](const FileVerdict& file) {
      return file.kind == kind && file.problem.empty() == valid;
    }));
  }
  return out;
}

bool VerifyReport::all_valid() const {
  return unlisted.empty() && std::ranges::all_of(chains, [](const ChainReport& chain) {
           return std::ranges::all_of(chain.files,
                                      [](const FileVerdict& file) { return file.problem.empty(); });
         });
}

Result<VerifyReport> verify(const VerifyOptions& options, const OpenBucket& open_bucket,
                            const FindKeys& find_keys) {
  return Verifier(options, open_bucket, find_keys).run();
}

}  // namespace traccia::digest
