// Verification of digest chains and log files, offline but for the bucket. Verdicts and their texts
// are those of `aws cloudtrail validate-logs`; it finds more (see VerifyReport).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "digest/bucket.h"

namespace traccia::digest {

struct VerifyOptions {
  std::string bucket;
  std::string prefix;         // before AWSLogs/
  std::string account;        // empty: every account there is
  std::string region;         // empty: every region
  std::string trail_name;     // empty: every trail
  std::optional<Time> start;  // digests that end before are not looked at
  std::optional<Time> end;
  unsigned workers = 4;
  // A copy without object metadata: signatures come from each digest's successor.
  bool without_metadata = false;
};

enum class FileKind { Digest, BackfillDigest, Log };

struct FileVerdict {
  FileKind kind = FileKind::Log;
  std::string bucket;
  std::string key;
  std::string problem;  // "hash value doesn't match"; empty: valid
  // The key was worked out from the chain's interval: nothing names it any more.
  bool inferred = false;
};

struct Gap {
  Time start;
  Time end;
};

struct ChainReport {
  std::string account;
  std::string region;
  std::string trail_name;
  std::string home_region;
  std::vector<FileVerdict> files;  // digests newest first, each followed by its log files
  std::vector<Gap> gaps;           // no digest covers these: logging or validation was off
  std::optional<Time> oldest_start;
  std::optional<Time> newest_end;
};

// Beyond the AWS CLI: both of two neighbouring digests that are gone, digests whose successor holds
// another hash of them, log files listed twice, and log files in the folder that no digest lists.
struct VerifyReport {
  std::vector<ChainReport> chains;
  std::vector<FileVerdict> unlisted;  // of accounts and regions whose digests cover their time
  uint64_t log_bytes = 0;             // uncompressed, checked

  size_t count(FileKind kind, bool valid) const;
  bool all_valid() const;
};

// Errors are those of reaching the bucket or the keys; what is wrong inside is in the report.
Result<VerifyReport> verify(const VerifyOptions& options, const OpenBucket& open_bucket,
                            const FindKeys& find_keys);

// As validate-logs prints it; valid files only when asked for.
enum class Detail { ProblemsOnly, EveryFile };
std::string render_text(const VerifyReport& report, Detail detail);
std::string render_json(const VerifyReport& report);

}  // namespace traccia::digest
