// POST /v1/events: native ingest. The answer is sent by the log's completion.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/services.h"
#include "http/message.h"
#include "http/server.h"

namespace traccia::api {

// Who sends: proven by a token or a signature.
struct EventSender {
  std::string account;
  std::string name;    // ARN or token id
  std::string region;  // default awsRegion
  enum class Scope { OwnAccount, MayImport } scope = Scope::OwnAccount;
};

inline constexpr uint64_t kEventsBytesMax = 64ULL << 20;  // decompressed
inline constexpr size_t kEventsRecordsMax = 500'000;      // records in one request
inline constexpr uint64_t kEventsRatioMax = 200;          // beyond the first MiB
inline constexpr uint64_t kPacedAboveBytes = 16 << 10;    // decompressed

// Answers 200 {"accepted","duplicates","rejected":[{line,code,message}],"receipts"} once everything
// accepted is durable; 400 (body or encoding broken), 413 (limits), 503 + Retry-After (log full or
// stopped): nothing of it was kept. A body above kPacedAboveBytes is answered at the pace of the
// sinks.
void handle_events(Services& services, const EventSender& sender, http::Request request,
                   http::Responder respond);

}  // namespace traccia::api
