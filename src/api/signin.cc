// Checks who signs in, keeps the sessions, and tells the trail.
// SPDX-License-Identifier: Apache-2.0
#include "api/signin.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/error_table.h"
#include "api/operation_call.h"
#include "aws/query_protocol.h"
#include "base/bytes.h"
#include "base/log.h"

namespace traccia::api {

using identity::EntityKind;

namespace {

constexpr std::string_view kEventSource = "signin.amazonaws.com";
constexpr std::string_view kRegion = "us-east-1";  // of the console's global address
constexpr std::string_view kFailedMessage =
    "Your authentication information is incorrect. Please try again.";
constexpr size_t kFormBytesMax = 8 << 10;
// Behind TLS with the prefix, which keeps other hosts of the domain from setting it.
constexpr std::string_view kCookie = "traccia-session";
constexpr std::string_view kSecureCookie = "__Host-traccia-session";

bool wants_json(const http::Request& request) {
  return request.headers.get("Accept").find("application/json") != std::string_view::npos;
}

http::Response json_response(int status, const json::Object& document) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  add_page_headers(response);
  response.body = json::serialize(document);
  return response;
}

http::Response redirect(std::string_view to) {
  http::Response response;
  response.status = 303;
  response.headers.add("Location", to);
  add_page_headers(response);
  return response;
}

std::string_view cookie_name(const http::Request& request) {
  return request.tls ? kSecureCookie : kCookie;
}

std::string cookie(const http::Request& request, std::string_view value, std::string_view rest) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", cookie_name(request), value,
                     request.tls ? "; Secure" : "", rest);
}

std::string_view read_cookie(const http::Request& request) {
  auto rest = request.headers.get("Cookie");
  const auto name = cookie_name(request);
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
      return one.substr(name.size() + 1);
    }
  }
  return {};
}

// A page for people, JSON for others.
http::Response notice(const http::Request& request, int status, std::string_view text) {
  if (request.headers.get("Accept").find("text/html") == std::string_view::npos) {
    return json_response(status, {{"message", text}});
  }
  return notice_page(status == 404 ? "Not found" : "Not done", text, status);
}

// Pages of other origins may not sign anybody in or out. Clients that are no browsers send neither
// header. The scheme says nothing: TLS may end before this server.
bool from_elsewhere(const http::Request& request) {
  const auto origin = request.headers.get("Origin");
  const auto scheme = origin.find("://");
  const bool own =
      scheme != origin.npos && origin.substr(scheme + 3) == request.headers.get("Host");
  if (!origin.empty() && !own) return true;
  const auto site = request.headers.get("Sec-Fetch-Site");
  return !site.empty() && site != "same-origin" && site != "none";
}

std::string login_to(const Caller& caller) {
  return fmt::format("{}://{}/console/", caller.tls ? "https" : "http", caller.host);
}

}  // namespace

bool AttemptLimit::take(std::string_view source, Time now) {
  const auto minute = to_unix_seconds(now) / 60;
  const MutexLock lock(mutex_);
  if (minute != minute_) {
    minute_ = minute;
    counts_.clear();
  }
  auto at = counts_.find(source);
  if (at == counts_.end()) {
    at = counts_.emplace(counts_.size() < kSourcesMax ? source : std::string_view(), 0).first;
  }
  return ++at->second <= kPerMinute;
}

struct SigninPages::Attempt {
  const http::Request& request;
  Caller caller;  // without a principal
  std::string account, user_name, password, code, new_password;

  bool root() const { return user_name.empty(); }
};

// Whom the attempt is on: an account that exists, and its user where there is one.
struct SigninPages::Subject {
  std::string account_id;
  std::optional<identity::Entity> entity;
  std::optional<identity::Principal> principal;
  std::optional<identity::LoginProfile> profile;
  std::optional<identity::PasswordPolicy> policy;
  bool locked = false;
  std::vector<identity::MfaDevice> devices;
  bool mfa = false;  // a code was asked for

  bool must_change(Time now) const { return profile->must_change || profile->expired(policy, now); }
};

Result<std::optional<SigninPages::Subject>> SigninPages::find_subject(const Attempt& attempt) {
  std::optional<Subject> found;
  auto& identity = services_.identity;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto account, identity.find_account(transaction, attempt.account));
    if (!account) return {};
    found.emplace();
    found->account_id = *account;
    const identity::EntityName name{*account, attempt.root() ? EntityKind::Root : EntityKind::User,
                                    attempt.root() ? identity::kRootName : attempt.user_name};
    TRY_ASSIGN(found->entity, identity.entities().find(transaction, name));
    if (!found->entity) return {};
    const auto& id = found->entity->id;
    TRY_ASSIGN(found->principal, identity.principal_of(transaction, id));
    TRY_ASSIGN(found->profile, identity.passwords().find(transaction, id));
    TRY_ASSIGN(found->policy, identity::find_password_policy(transaction, *account));
    TRY_ASSIGN(const auto until, identity.signin().locked_until(transaction, id));
    found->locked = until.has_value();
    TRY_ASSIGN(auto devices, identity.mfa().list_of(transaction, *found->entity, {}));
    found->devices = std::move(devices.items);
    return {};
  }));
  return found;
}

// Users that there are not, or that have no password, take as long.
Result<bool> SigninPages::password_matches(const Subject& subject, std::string_view password) {
  const std::string_view salt = subject.profile ? std::string_view(subject.profile->salt) : "none";
  TRY_ASSIGN(const auto hashed, services_.identity.passwords().hash(password, salt));
  return subject.profile && constant_time_equal(hashed.hash, subject.profile->hash);
}

// A code is good once, whatever becomes of the attempt.
Result<bool> SigninPages::code_matches(const Subject& subject, std::string_view code) {
  auto checked = identity::MfaCheck::NotOfUser;
  TRY(services_.database.write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(checked, services_.identity.mfa().check(transaction, subject.entity->id, "", code));
    return {};
  }));
  return checked == identity::MfaCheck::Good;
}

namespace {

// Facts 2.2: who it is that the record of a sign-in names. A name that is none may be a password
// typed into the wrong field.
json::Object unproven_identity(std::string_view account, bool root, const identity::Entity* user) {
  if (root) {
    return {{"type", "Root"},
            {"principalId", account},
            {"arn", fmt::format("arn:aws:iam::{}:root", account)},
            {"accountId", account},
            {"accessKeyId", ""}};
  }
  json::Object out{{"type", "IAMUser"}};
  if (user != nullptr) out["principalId"] = user->id;
  out["accountId"] = account;
  out["accessKeyId"] = "";
  out["userName"] = user != nullptr ? std::string_view(user->name) : aws::kHidden;
  return out;
}

AuditEvent login_event(const Caller& caller, std::string_view outcome, bool mfa,
                       const std::vector<identity::MfaDevice>& devices) {
  AuditEvent event;
  event.source = kEventSource;
  event.name = "ConsoleLogin";
  event.region = kRegion;
  event.type = "AwsConsoleSignIn";
  event.response_elements = json::Object{{"ConsoleLogin", outcome}};
  event.additional_event_data = json::Object{
      {"LoginTo", login_to(caller)}, {"MobileVersion", "No"}, {"MFAUsed", mfa ? "Yes" : "No"}};
  // Of several, no code says whose it is.
  if (mfa && devices.size() == 1) {
    event.additional_event_data.as_object()["MFAIdentifier"] = devices.front().serial;
  }
  return event;
}

}  // namespace

Result<> SigninPages::commit(const Caller& caller, const AuditEvent& event,
                             const std::function<Result<>(meta::Transaction&)>& change) {
  return services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        TRY(change(transaction));
        TRY_ASSIGN(auto draft, audit_draft(services_.os, services_.os.clock.now(), caller, event));
        std::vector<ingest::Draft> drafts;
        drafts.push_back(std::move(draft));
        return drafts;
      });
}

Result<> SigninPages::record_failure(const Attempt& attempt, const Subject& subject) {
  auto event = login_event(attempt.caller, "Failure", subject.mfa, subject.devices);
  const auto* entity = subject.entity ? &*subject.entity : nullptr;
  event.account = subject.account_id;
  event.user_identity = unproven_identity(subject.account_id, attempt.root(), entity);
  const bool unknown = entity == nullptr && !attempt.root();
  event.error_message = unknown ? "No username found in supplied account" : "Failed authentication";
  return commit(attempt.caller, event, [&](meta::Transaction& transaction) -> Result<> {
    if (entity == nullptr || subject.locked) return {};
    return services_.identity.signin().note_failure(transaction, entity->id);
  });
}

// Somebody knows the password of a user with MFA devices, and was asked for a code.
Result<> SigninPages::record_check_mfa(const Attempt& attempt, const Subject& subject) {
  AuditEvent event;
  event.source = kEventSource;
  event.name = "CheckMfa";
  event.region = kRegion;
  event.type = "AwsConsoleSignIn";
  event.account = subject.account_id;
  event.user_identity = unproven_identity(subject.account_id, attempt.root(), &*subject.entity);
  event.response_elements = json::Object{{"CheckMfa", "Success"}};
  event.additional_event_data = json::Object{{"MfaType", "Virtual MFA"}};
  return commit(attempt.caller, event, [](meta::Transaction&) { return Result<>(); });
}

Result<identity::NewSigninSession> SigninPages::record_success(const Attempt& attempt,
                                                               const Subject& subject) {
  auto caller = attempt.caller;
  caller.principal = *subject.principal;
  const auto event = login_event(caller, "Success", subject.mfa, subject.devices);
  const auto lifetime =
      subject.profile->session_seconds
          ? std::chrono::seconds(*subject.profile->session_seconds)
          : std::chrono::duration_cast<std::chrono::seconds>(identity::Signin::kSessionMax);
  identity::NewSigninSession made;
  TRY(commit(caller, event, [&](meta::Transaction& transaction) -> Result<> {
    auto& signin = services_.identity.signin();
    const auto& id = subject.entity->id;
    // Hashing took long: who changed or took the password meanwhile meant to keep others out.
    TRY_ASSIGN(const auto profile, services_.identity.passwords().find(transaction, id));
    if (!profile || profile->hash != subject.profile->hash) {
      return fail(ErrorCode::Aborted, "PasswordChanged", "the password was changed meanwhile");
    }
    TRY(signin.forget_failures(transaction, id));
    TRY(services_.identity.passwords().note_use(transaction, id));
    TRY_ASSIGN(made, signin.open(transaction, subject.account_id, id, subject.mfa, lifetime));
    return {};
  }));
  return made;
}

// IAM's own operation, with its permission, its rules and its event.
Result<> SigninPages::replace_password(const Attempt& attempt, const Subject& subject) {
  auto caller = attempt.caller;
  caller.principal = *subject.principal;
  for (const auto& binding : iam_bindings()) {
    if (binding.operation->name != "ChangePassword") continue;
    TRY(execute(services_, caller, binding,
                {{"OldPassword", attempt.password}, {"NewPassword", attempt.new_password}}));
    return {};
  }
  return fail(ErrorCode::Internal, "IAM has no ChangePassword");
}

http::Response SigninPages::refuse(const Attempt& attempt, std::string_view message, Lacks lacks) {
  if (wants_json(attempt.request)) {
    json::Object document{{"message", message}};
    if (lacks.code) document["mfaRequired"] = true;
    if (lacks.new_password) document["passwordChangeRequired"] = true;
    return json_response(401, document);
  }
  return signin_page({.account = attempt.account,
                      .user_name = attempt.user_name,
                      .asks_code = lacks.code,
                      .asks_new_password = lacks.new_password,
                      .message = std::string(message)},
                     401);
}

// Whoever comes here knows the password. What lacks is asked for at once, before a code is spent.
Result<std::optional<http::Response>> SigninPages::check_rest(const Attempt& attempt,
                                                              Subject& subject) {
  const bool renews = subject.must_change(services_.os.clock.now());
  const bool proves = !subject.devices.empty();
  if (renews && !subject.profile->must_change && subject.policy->hard_expiry) {
    TRY(record_failure(attempt, subject));
    return refuse(attempt, "Your password has expired. Ask an administrator for a new one.", {});
  }
  const Lacks lacks{.code = proves && attempt.code.empty(),
                    .new_password = renews && attempt.new_password.empty()};
  if (lacks.code) {
    TRY(record_check_mfa(attempt, subject));
    return refuse(attempt,
                  renews ? "Enter the code that your MFA device shows, and a new password."
                         : "Enter the code that your MFA device shows.",
                  {.code = true, .new_password = renews});
  }
  if (lacks.new_password) {
    return refuse(attempt, "You must change your password to continue.",
                  {.code = proves, .new_password = true});
  }
  if (proves) {
    subject.mfa = true;
    TRY_ASSIGN(const bool proven, code_matches(subject, attempt.code));
    if (!proven) {
      TRY(record_failure(attempt, subject));
      return refuse(attempt, kFailedMessage, {.code = true, .new_password = renews});
    }
  }
  if (!renews) return std::nullopt;
  if (auto replaced = replace_password(attempt, subject); !replaced) {
    return refuse(attempt, replaced.error().message(), {.code = proves, .new_password = true});
  }
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(subject.profile, services_.identity.passwords().get(transaction, *subject.entity));
    return {};
  }));
  return std::nullopt;
}

Result<http::Response> SigninPages::try_sign_in(const Attempt& attempt) {
  TRY_ASSIGN(auto subject, find_subject(attempt));
  if (!subject) {
    log(LogLevel::Warning, "sign-in to an account that does not exist",
        {{"peer", attempt.caller.source_ip}});
    TRY(password_matches({}, attempt.password));
    return refuse(attempt, kFailedMessage, {});
  }
  TRY_ASSIGN(const bool matches, password_matches(*subject, attempt.password));
  if (!matches || subject->locked) {
    TRY(record_failure(attempt, *subject));
    return refuse(attempt, kFailedMessage, {});
  }
  TRY_ASSIGN(auto refused, check_rest(attempt, *subject));
  if (refused) return std::move(*refused);
  TRY_ASSIGN(const auto made, record_success(attempt, *subject));
  auto response = wants_json(attempt.request)
                      ? json_response(200, {{"arn", subject->principal->arn},
                                            {"expires", format_iso_seconds(made.session.expires)}})
                      : redirect("/console/");
  response.headers.add("Set-Cookie", cookie(attempt.request, made.token, ""));
  return response;
}

http::Response SigninPages::sign_in(const http::Request& request, std::string_view request_id) {
  const auto refused = [&](int status, std::string_view message) {
    return wants_json(request) ? json_response(status, {{"message", message}})
                               : signin_page({.message = std::string(message)}, status);
  };
  if (request.body.size() > kFormBytesMax) return refused(413, "The form is too long.");
  const auto form = aws::parse_form(request.body);
  if (!form) return refused(400, form.error().message());
  if (!attempts_.take(request.peer_address, services_.os.clock.now())) {
    return refused(429, "Too many attempts. Try again in a minute.");
  }
  Attempt attempt{.request = request,
                  .caller = {},
                  .account = std::string(form->get("account")),
                  .user_name = std::string(form->get("username")),
                  .password = std::string(form->get("password")),
                  .code = std::string(form->get("mfa_code")),
                  .new_password = std::string(form->get("new_password"))};
  attempt.caller.region = kRegion;
  attempt.caller.source_ip = request.peer_address;
  attempt.caller.user_agent = request.headers.get("User-Agent");
  attempt.caller.host = request.headers.get("Host");
  attempt.caller.request_id = request_id;
  attempt.caller.tls = request.tls;
  auto response = try_sign_in(attempt);
  if (response) return std::move(*response);
  if (response.error().reason() == "PasswordChanged") return refused(401, kFailedMessage);
  if (response.error().reason() == "Throttling") {
    return refused(429, "Too many people are signing in. Try again in a few seconds.");
  }
  log(LogLevel::Error, "sign-in", {{"error", response.error().message()}});
  return refused(503, "Nobody can sign in at the moment. Try again later.");
}

Result<std::optional<SigninPages::Visitor>> SigninPages::visitor_of(const http::Request& request) {
  const auto token = read_cookie(request);
  if (token.empty()) return std::nullopt;
  auto& signin = services_.identity.signin();
  std::optional<Visitor> visitor;
  Time seen;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto found, signin.find(transaction, token));
    if (!found) return {};
    TRY_ASSIGN(auto principal, services_.identity.principal_of(transaction, found->session.owner));
    if (!principal) return {};
    seen = found->seen_before;
    visitor = Visitor{std::move(found->session), std::move(*principal)};
    return {};
  }));
  if (visitor && services_.os.clock.now() - seen >= identity::Signin::kSeenStep) {
    TRY(services_.database.write(
        [&](meta::Transaction& transaction) { return signin.note_seen(transaction, token); }));
  }
  return visitor;
}

http::Response SigninPages::sign_out(const http::Request& request) {
  const auto token = read_cookie(request);
  if (!token.empty()) {
    const auto closed = services_.database.write([&](meta::Transaction& transaction) {
      return services_.identity.signin().close(transaction, token);
    });
    if (!closed) {
      log(LogLevel::Error, "sign-out", {{"error", closed.error().message()}});
      return notice(request, 503, "You are still signed in. Try again later.");
    }
  }
  auto response = redirect("/console/signin");
  response.headers.add("Set-Cookie", cookie(request, "", "; Max-Age=0"));
  return response;
}

http::Response SigninPages::show_session(const http::Request& request) {
  const auto visitor = visitor_of(request);
  if (!visitor) return json_response(503, {{"message", visitor.error().message()}});
  if (!*visitor) return json_response(401, {{"message", "Nobody is signed in."}});
  const auto& [session, principal] = **visitor;
  return json_response(200, {{"account", principal.account_id},
                             {"arn", principal.arn},
                             {"mfaUsed", session.mfa},
                             {"expires", format_iso_seconds(session.expires)}});
}

http::Response SigninPages::show_home(const http::Request& request) {
  const auto visitor = visitor_of(request);
  if (!visitor) {
    log(LogLevel::Error, "console", {{"error", visitor.error().message()}});
    return signin_page({.message = "Try again later."}, 503);
  }
  if (!*visitor) return redirect("/console/signin");
  return signed_in_page((*visitor)->principal.arn, format_iso_seconds((*visitor)->session.expires));
}

http::Response SigninPages::answer(const http::Request& request, std::string_view request_id) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && request.method != "POST") {
    auto response = notice(request, 405, "GET or POST");
    response.headers.add("Allow", "GET, HEAD, POST");
    return response;
  }
  if (!reads && from_elsewhere(request)) {
    return notice(request, 403, "The request comes from a page of another origin.");
  }
  if (!reads && request.path == "/console/signin") return sign_in(request, request_id);
  if (!reads && request.path == "/console/signout") return sign_out(request);
  if (reads && request.path == "/console/session") return show_session(request);
  if (reads && request.path == "/console/signin") return signin_page({}, 200);
  if (reads && (request.path == "/console" || request.path == "/console/")) {
    return show_home(request);
  }
  return notice(request, 404, "There is no such page.");
}

}  // namespace traccia::api
