// Sign-in of people to the console: /console/signin, /console/signout, /console/session.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/audit.h"
#include "api/services.h"
#include "api/signin_page.h"
#include "base/mutex.h"
#include "http/message.h"

namespace traccia::api {

// How often somebody may try, by address. Thread-safe. A window is a minute of the clock.
class AttemptLimit {
 public:
  static constexpr int kPerMinute = 60;
  static constexpr size_t kSourcesMax = 4096;  // further ones share one count

  bool take(std::string_view source, Time now);

 private:
  Mutex mutex_;
  int64_t minute_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, int, std::less<>> counts_ GUARDED_BY(mutex_);
};

// Thread-safe. Pages for browsers; JSON for requests that accept application/json. Every attempt on
// an account that exists is a ConsoleLogin event, durable before its answer leaves. One message
// tells of all failures, and all take the same time.
//
//   POST /console/signin   form: account (id or alias), username (none: the root user), password,
//                          mfa_code, new_password (when the present one must be replaced).
//                          200 {arn, expires} or 303, with the cookie of a session;
//                          401 {message}, with mfaRequired and passwordChangeRequired: what lacks
//                          to one who knows the password (mfaRequired is a CheckMfa event);
//                          429 beyond AttemptLimit, or when too many passwords are being checked
//   POST /console/signout  ends the session
//   GET  /console/session  200 {account, arn, mfaUsed, expires}, 401
//   GET  /console/         who is signed in; GET /console/signin the form
class SigninPages {
 public:
  explicit SigninPages(Services& services) : services_(services) {}

  static bool has(std::string_view path) {
    return path == "/console" || path.starts_with("/console/");
  }
  http::Response answer(const http::Request& request, std::string_view request_id);

 private:
  struct Attempt;
  struct Subject;
  // What the form has to ask for.
  struct Lacks {
    bool code = false;
    bool new_password = false;
  };
  struct Visitor {
    identity::SigninSession session;
    identity::Principal principal;
  };

  http::Response sign_in(const http::Request& request, std::string_view request_id);
  http::Response sign_out(const http::Request& request);
  http::Response show_session(const http::Request& request);
  http::Response show_home(const http::Request& request);

  Result<std::optional<Subject>> find_subject(const Attempt& attempt);
  Result<bool> password_matches(const Subject& subject, std::string_view password);
  Result<bool> code_matches(const Subject& subject, std::string_view code);
  Result<> replace_password(const Attempt& attempt, const Subject& subject);
  // The event with the change, durable in the log on return.
  Result<> commit(const Caller& caller, const AuditEvent& event,
                  const std::function<Result<>(meta::Transaction&)>& change);
  Result<> record_failure(const Attempt& attempt, const Subject& subject);
  Result<> record_check_mfa(const Attempt& attempt, const Subject& subject);
  Result<identity::NewSigninSession> record_success(const Attempt& attempt, const Subject& subject);
  static http::Response refuse(const Attempt& attempt, std::string_view message, Lacks lacks);
  // An answer when the attempt ends here.
  Result<std::optional<http::Response>> check_rest(const Attempt& attempt, Subject& subject);
  Result<http::Response> try_sign_in(const Attempt& attempt);
  // Who is signed in, and is seen by it.
  Result<std::optional<Visitor>> visitor_of(const http::Request& request);

  Services& services_;
  AttemptLimit attempts_;
};

}  // namespace traccia::api
