// One port, every service: finds who asks, which service is meant, and who answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "api/audit.h"
#include "api/authenticator.h"
#include "api/long_polls.h"
#include "api/operation_call.h"
#include "api/service_table.h"
#include "api/services.h"
#include "api/signin.h"
#include "api/token_cache.h"
#include "aws/error.h"
#include "base/mutex.h"
#include "http/message.h"
#include "http/server.h"

namespace traccia::api {

// Pages that need no signature.
struct Pages {
  std::function<http::Response()> health;
  std::function<http::Response()> metrics;
};

// Thread-safe; handle() runs on the HTTP server's workers.
class FrontDoor {
 public:
  // Signatures are judged by `signature_clock`, the machine's own, also when the services' clock is
  // a test's.
  FrontDoor(Services& services, os::Clock& signature_clock, Pages pages)
      : services_(services),
        signature_clock_(signature_clock),
        authenticator_(services.database, services.identity, signature_clock, services.regions),
        pages_(std::move(pages)),
        signin_(services),
        polls_([this](int64_t queue) { return has_messages(queue); }) {}

  void handle(http::Request request, http::Responder respond);
  // Messages may have come without a request.
  void wake_receivers() { polls_.wake(); }
  // Whoever waits for messages is answered now, and nobody waits any more.
  void stop_waiting() { polls_.stop(); }
  // Takes what needs no waiting: a few events of a sender whose token is known. False: the request
  // and the responder are as they were, and handle() shall have them.
  bool handle_quickly(http::Request& request, http::Responder& respond);

  // Answers by "service operation status", for metrics.
  std::map<std::string, uint64_t> counts() const;

 private:
  http::Response answer(http::Request request);
  http::Response answer_console(const http::Request& request);
  http::Response answer_anonymous(http::Request request, const Error& unsigned_error);
  std::optional<http::Response> answer_web_identity(const http::Request& request);
  std::optional<http::Response> answer_link(const http::Request& request);
  http::Response answer_certificate(const http::Request& request);
  bool has_messages(int64_t queue);
  Caller make_caller(const http::Request& request, const Authenticated& who,
                     const aws::RequestId& request_id) const;
  http::Response answer_json(const http::Request& request, const Caller& caller,
                             std::string_view service, const aws::RequestId& request_id);
  http::Response answer_query(const http::Request& request, const Caller& caller,
                              std::string_view service, const aws::RequestId& request_id);
  http::Response refuse(const Error& error, aws::Protocol protocol,
                        const aws::RequestId& request_id, const ServiceEntry* service = nullptr);
  std::optional<int64_t> queue_to_wait_for(http::Request& request, Duration& wait);
  void receive_messages(http::Request request, http::Responder respond,
                        std::optional<LongPolls::Clock::time_point> deadline);
  Result<bool> authorise_sender(const Caller& caller);
  void handle_ingest(http::Request request, http::Responder respond);
  Result<std::optional<identity::Token>> find_token(std::string_view secret);
  void log_unauthenticated(const http::Request& request, const Error& error,
                           const aws::RequestId& request_id, http::Response& response);
  void note_refused_signature(const http::Request& request, const Error& error);
  void count(std::string_view service, std::string_view operation, int status);
  void count_events() { events_requests_.fetch_add(1, std::memory_order_relaxed); }

  Services& services_;
  os::Clock& signature_clock_;
  Authenticator authenticator_;
  Pages pages_;
  SigninPages signin_;
  TokenCache tokens_;
  std::atomic<uint64_t> events_requests_{0};
  mutable Mutex mutex_;
  std::map<std::string, uint64_t> counts_ GUARDED_BY(mutex_);
  int64_t log_second_ GUARDED_BY(mutex_) = 0;
  int logged_this_second_ GUARDED_BY(mutex_) = 0;
  LongPolls polls_;  // its thread uses the above
};

// The server's own refusals (before a handler sees the request), in the shape the client expects
// from S3, whose clients read them; others show the status.
http::Response render_refusal(os::Os os, int status, std::string_view code,
                              std::string_view message);

}  // namespace traccia::api
