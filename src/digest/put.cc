// From stored digests to objects.
// SPDX-License-Identifier: Apache-2.0
#include "digest/digest.h"

namespace traccia::digest {
namespace {

std::string shown(const Error& error) {
  return error.reason().empty() ? std::string(to_string(error.code()))
                                : std::string(error.reason());
}

}  // namespace

Result<bool> Digest::put_next() {
  auto turn = turns_.take(os_.clock.monotonic());
  if (!turn) return false;
  auto attempted = attempt(*turn);
  const auto now = os_.clock.monotonic();
  if (attempted && attempted->settled) {
    turns_.finish(*turn, std::move(attempted->next), now);
  } else {
    turns_.refuse(*turn, now);
  }
  if (!attempted) return std::unexpected(std::move(attempted).error());
  return true;
}

// Errors are the database's; the store's are a failed attempt.
Result<Digest::Attempted> Digest::attempt(Turns::Turn& turn) {
  std::optional<StoredDigest> digest;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(digest, load_oldest_pending(transaction, turn.trail_arn));
    return {};
  }));
  if (!digest) return Attempted{true, std::nullopt};
  turns_.sending(turn, os_.clock.monotonic());
  const auto error = put(*digest);
  const auto now = os_.clock.now();
  Attempted attempted;
  attempted.settled = error.empty() || now - digest->made > options_.retry_for;
  TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
    TRY(record_attempt(transaction, *digest, now, error));
    if (!attempted.settled) return {};
    TRY(settle(transaction, digest->id));
    TRY_ASSIGN(attempted.next, next_pending_bucket(transaction, turn.trail_arn));
    return {};
  }));
  return attempted;
}

// An S3 error code; empty when the store has the digest.
std::string Digest::put(const StoredDigest& digest) {
  const std::map<std::string, std::string> metadata{
      {std::string(kSignatureMetadata), digest.signature_hex},
      {std::string(kAlgorithmMetadata), std::string(kSignatureAlgorithm)}};
  const delivery::PutRequest request{digest.bucket, digest.key,       digest.bytes,
                                     metadata,      digest.trail_arn, digest.region};
  const auto put = store_.put_if_absent(request);
  if (put) return "";
  if (put.error().reason() != "PreconditionFailed") return shown(put.error());
  // Ours from before a crash, or somebody else's: only the bytes can tell (I2).
  const auto same = store_.holds(request);
  if (!same) return shown(same.error());
  return *same ? "" : "ObjectAlreadyExistsWithOtherContent";
}

}  // namespace traccia::digest
