// Digest files as CloudTrail writes them. Source of the rules: CloudTrail user guide, "CloudTrail
// digest file structure" and "Custom implementations of log file integrity validation".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace traccia::digest {

inline constexpr std::string_view kSignatureAlgorithm = "SHA256withRSA";
inline constexpr std::string_view kHashAlgorithm = "SHA-256";
// Names of the object's metadata, without x-amz-meta-.
inline constexpr std::string_view kSignatureMetadata = "signature";
inline constexpr std::string_view kAlgorithmMetadata = "signature-algorithm";

struct LogFile {
  std::string bucket;
  std::string key;
  std::string sha256_hex;  // of the uncompressed bytes
  std::string newest_event_time;
  std::string oldest_event_time;
};

// The digest before this one in its chain.
struct Previous {
  std::string bucket;
  std::string key;
  std::string sha256_hex;  // of the uncompressed digest
  std::string signature_hex;
};

struct DigestFile {
  std::string account;
  std::string start_time;  // as written: 2026-11-24T05:06:07Z
  std::string end_time;
  std::string bucket;
  std::string key;
  std::string fingerprint;
  std::optional<std::string> newest_event_time;
  std::optional<std::string> oldest_event_time;
  std::optional<Previous> previous;  // none: a starting digest
  std::vector<LogFile> log_files;
};

inline constexpr size_t kDigestBytesMax = 64U << 20;  // uncompressed

// Compact JSON, members in AWS's order. These bytes are hashed and signed.
std::string render_digest(const DigestFile& digest);
// DataLoss when it is not JSON or a needed member is missing or of another type.
Result<DigestFile> parse_digest(std::string_view json);

// The same out of a digest object's bytes (gzip).
Result<DigestFile> read_digest(std::string_view gzip);

// The four lines that are signed.
std::string string_to_sign(const DigestFile& digest, std::string_view sha256_hex);

// Lower-case hexadecimal MD5 of the key's PKCS#1 DER.
std::string fingerprint(std::string_view public_pkcs1_der);

struct DigestKeyParts {
  std::string prefix;  // before AWSLogs/, without slash
  std::string account;
  std::string region;  // of the chain
  std::string trail_name;
  std::string home_region;
  Time end_time;
  bool backfill = false;
};
std::string digest_key(const DigestKeyParts& parts);
// The folder that holds the digests of an account in a region.
std::string digest_folder(std::string_view prefix, std::string_view account,
                          std::string_view region);
// nullopt for keys of another shape.
std::optional<DigestKeyParts> parse_digest_key(std::string_view key);

struct LogKeyParts {
  std::string account;
  std::string region;
  Time minute;
};
std::optional<LogKeyParts> parse_log_key(std::string_view key);

}  // namespace traccia::digest
