// Routing and authentication.
// SPDX-License-Identifier: Apache-2.0
#include "api/front_door.h"

#include <fmt/format.h>

#include "api/error_table.h"
#include "api/events_endpoint.h"
#include "api/s3_front.h"
#include "api/s3_request_log.h"
#include "api/service_table.h"
#include "api/sns_links.h"
#include "api/sqs_call.h"
#include "api/traccia_operations.h"
#include "api/web_identity.h"
#include "aws/json11.h"
#include "aws/query_protocol.h"
#include "base/log.h"

namespace traccia::api {
namespace {

constexpr int kRefusalsLoggedPerSecond = 5;
constexpr std::string_view kBearer = "Bearer ";
constexpr size_t kQuickBytesMax = 16 << 10;  // of events: about 0.1 ms of work

// The protocol to speak with a client that has not proven which service it wants.
aws::Protocol guess_protocol(const http::Request& request) {
  if (request.headers.find("X-Amz-Target")) return aws::Protocol::Json11;
  const auto type = request.headers.get("Content-Type");
  if (type.starts_with("application/x-amz-json") || request.path.starts_with("/v1/")) {
    return aws::Protocol::Json11;
  }
  const bool form =
      request.method == "POST" && type.starts_with("application/x-www-form-urlencoded");
  const bool action = request.method == "GET" && request.query.find("Action=") != std::string::npos;
  return request.path == "/" && (form || action) ? aws::Protocol::Query : aws::Protocol::RestXml;
}

aws::Protocol protocol_of(const ServiceEntry& entry, const http::Request& request) {
  const bool query = entry.query_too && !request.headers.find("X-Amz-Target");
  return query ? aws::Protocol::Query : entry.protocol;
}

// What is signed there is meant for a bucket of that name, which there never is.
bool is_for_console(const http::Request& request) {
  return SigninPages::has(request.path) && !request.headers.find("Authorization") &&
         request.query.find("X-Amz-Algorithm=") == std::string::npos;
}

// Buckets and objects only, and no body that comes in signed pieces.
bool may_be_anonymous(const http::Request& request, aws::Protocol guessed, const Error& error) {
  return error.reason() == "MissingAuthenticationToken" && guessed == aws::Protocol::RestXml &&
         request.path.find_first_not_of('/') != std::string::npos &&
         !request.headers.get("x-amz-content-sha256").starts_with("STREAMING-");
}

http::Response json_answer(Output output, const aws::RequestId& request_id) {
  http::Response response;
  response.headers.add("Content-Type", aws::kJson11ContentType);
  aws::add_request_id(response, aws::Protocol::Json11, request_id);
  response.body = output.text.empty() ? json::serialize(output.document) : std::move(output.text);
  return response;
}

}  // namespace

http::Response FrontDoor::refuse(const Error& error, aws::Protocol protocol,
                                 const aws::RequestId& request_id, const ServiceEntry* service) {
  const bool query_too = service != nullptr && service->query_too;
  auto shown = to_api_error(error, query_too ? aws::Protocol::Query : protocol);
  const std::string code(query_code_of(shown.name));
  if (query_too && protocol == aws::Protocol::Query) shown.name = code;
  if (service != nullptr && !service->denied.empty() && shown.name == "AccessDenied") {
    shown.name = service->denied;
  }
  if (shown.status >= 500) {
    log(LogLevel::Error, "request failed",
        {{"requestId", request_id.id}, {"error", error.message()}});
  }
  auto response = aws::render_error(protocol, shown, request_id);
  if (shown.status == 503) response.headers.set("Retry-After", "1");
  if (query_too && protocol == aws::Protocol::Json11) {
    response.headers.set("Content-Type", aws::kJson10ContentType);
    response.headers.set("x-amzn-query-error",
                         fmt::format("{};{}", code, shown.status >= 500 ? "Receiver" : "Sender"));
  }
  if (protocol == aws::Protocol::RestXml) add_s3_headers(response);
  return response;
}

// A caller without a proven key has no account: its attempts are told to the log, a few a second.
void FrontDoor::note_refused_signature(const http::Request& request, const Error& error) {
  const auto second = to_unix_seconds(signature_clock_.now());
  {
    const MutexLock lock(mutex_);
    if (second != log_second_) {
      log_second_ = second;
      logged_this_second_ = 0;
    }
    if (++logged_this_second_ > kRefusalsLoggedPerSecond) return;
  }
  log(LogLevel::Warning, "request not authenticated",
      {{"reason", error.reason()},
       {"peer", request.peer_address},
       {"method", request.method},
       {"path", request.path},
       {"userAgent", request.headers.get("User-Agent")}});
}

// What is meant for a bucket that logs is in its access log.
void FrontDoor::log_unauthenticated(const http::Request& request, const Error& error,
                                    const aws::RequestId& request_id, http::Response& response) {
  const auto address = parse_s3_address(request);
  if (!address) return;
  Authenticated nobody;
  nobody.principal.type = identity::PrincipalType::Anonymous;
  const auto shown = to_api_error(error, aws::Protocol::RestXml);
  log_request(services_.access_logs,
              {services_.os.clock.now(), make_caller(request, nobody, request_id), request,
               *address, request_id, nullptr, shown.name},
              response);
}

void FrontDoor::count(std::string_view service, std::string_view operation, int status) {
  const MutexLock lock(mutex_);
  ++counts_[fmt::format("{} {} {}", service, operation, status)];
}

std::map<std::string, uint64_t> FrontDoor::counts() const {
  const MutexLock lock(mutex_);
  auto counts = counts_;
  if (const auto events = events_requests_.load()) counts["ingest events 200"] = events;
  return counts;
}

Caller FrontDoor::make_caller(const http::Request& request, const Authenticated& who,
                              const aws::RequestId& request_id) const {
  Caller caller;
  caller.principal = who.principal;
  caller.region = who.scope.region;
  caller.source_ip = request.peer_address;
  caller.user_agent = request.headers.get("User-Agent");
  caller.host = request.headers.get("Host");
  caller.request_id = request_id.id;
  caller.tls = request.tls;
  return caller;
}

http::Response FrontDoor::answer_json(const http::Request& request, const Caller& caller,
                                      std::string_view service, const aws::RequestId& request_id) {
  const auto& entry = *find_service(service);
  const auto refused = [&](const Error& error) {
    return refuse(error, aws::Protocol::Json11, request_id, &entry);
  };
  const auto unknown = [&](std::string_view what) {
    return refused(Error(ErrorCode::InvalidArgument, "UnknownOperationException",
                         fmt::format("The operation '{}' is not known.", what.substr(0, 128))));
  };
  // Some clients of SQS send to the queue's URL.
  const bool at_root = request.path == "/" || entry.query_too;
  if (request.method != "POST" || !at_root) return unknown(request.path);
  const auto header = request.headers.get("X-Amz-Target");
  const auto target = aws::parse_target(header, entry.targets);
  if (!target) return unknown(header);
  const auto* binding = entry.find(target->operation);
  if (binding == nullptr) return unknown(target->operation);
  const auto body =
      request.body.empty() ? Result<json::Value>(json::Object{}) : json::parse(request.body);
  if (!body || !body->is_object()) {
    const Error error(ErrorCode::InvalidArgument, "SerializationException",
                      body ? "The body is not a JSON object." : body.error().message());
    if (auto recorded = record_failure(services_, caller, *binding->operation, {}, error);
        !recorded) {
      return refused(recorded.error());
    }
    return refused(error);
  }
  auto output = execute(services_, caller, *binding, body->as_object());
  // What ends a token: its revocation, and the end of its account.
  if (service == "traccia" || service == "organizations") tokens_.forget();
  auto response = output ? json_answer(std::move(*output), request_id) : refused(output.error());
  if (output && entry.query_too) response.headers.set("Content-Type", aws::kJson10ContentType);
  if (entry.query_too) polls_.wake();
  response.request_class = binding->request_class;
  count(service, binding->operation->name, response.status);
  return response;
}

http::Response FrontDoor::answer_query(const http::Request& request, const Caller& caller,
                                       std::string_view service, const aws::RequestId& request_id) {
  const auto& entry = *find_service(service);
  const auto refused = [&](const Error& error) {
    return refuse(error, aws::Protocol::Query, request_id, &entry);
  };
  const auto form = aws::parse_form(request.method == "GET" ? request.query : request.body);
  if (!form) return refused(form.error());
  const auto action = form->get("Action");
  const auto* binding = entry.find(action);
  if (binding == nullptr) {
    return refused(Error(ErrorCode::InvalidArgument, "InvalidAction",
                         fmt::format("Could not find operation {} for version {}",
                                     action.substr(0, 128), form->get("Version").substr(0, 32))));
  }
  auto input = aws::decode_form(*form, *binding->operation->input);
  if (!input) {
    const auto recorded = record_failure(services_, caller, *binding->operation, {}, input.error());
    return refused(recorded ? input.error() : recorded.error());
  }
  if (entry.query_too) sqs_service::add_url_of_path(request.path, *binding->operation, *input);
  const auto output = execute(services_, caller, *binding, *input);
  if (service == "sns") services_.sns.outgoing.wake();
  if (!output) {
    auto response = refused(output.error());
    count(service, action, response.status);
    return response;
  }
  http::Response response;
  response.headers.add("Content-Type", "text/xml");
  aws::add_request_id(response, aws::Protocol::Query, request_id);
  response.body =
      aws::render_query_answer(*binding->operation, entry.xmlns, output->document, request_id.id);
  if (entry.query_too) polls_.wake();
  count(service, action, response.status);
  return response;
}

// A request without a signature is for the bucket's policy to judge. What is refused has no account
// to be told to: it goes to the log, a few a second, as failed signatures do.
http::Response FrontDoor::answer_anonymous(http::Request request, const Error& unsigned_error) {
  const auto request_id =
      aws::make_request_id(aws::Protocol::RestXml, services_.os.random.bytes(aws::kRequestIdBytes));
  Authenticated nobody;
  nobody.principal.type = identity::PrincipalType::Anonymous;
  const auto caller = make_caller(request, nobody, request_id);
  const auto method = request.method;
  http::Request asked;
  asked.method = method;
  asked.path = request.path;
  asked.peer_address = request.peer_address;
  asked.headers.add("User-Agent", request.headers.get("User-Agent"));
  auto response = handle_s3(services_, caller, std::move(request), request_id);
  if (response.status == 403) note_refused_signature(asked, unsigned_error);
  count("anonymous", method, response.status);
  return response;
}

http::Response FrontDoor::answer_console(const http::Request& request) {
  const auto request_id =
      aws::make_request_id(aws::Protocol::Json11, services_.os.random.bytes(aws::kRequestIdBytes));
  auto response = signin_.answer(request, request_id.id);
  count("console", request.method, response.status);
  return response;
}

// AssumeRoleWithWebIdentity is proven by its token. What is refused before that is nobody's: it
// goes to the log, as failed signatures do. nullopt: the request is another one.
std::optional<http::Response> FrontDoor::answer_web_identity(const http::Request& request) {
  const auto form = aws::parse_form(request.method == "GET" ? request.query : request.body);
  const auto* binding = find_service("sts")->find("AssumeRoleWithWebIdentity");
  if (!form || form->get("Action") != binding->operation->name) return std::nullopt;
  const auto request_id =
      aws::make_request_id(aws::Protocol::Query, services_.os.random.bytes(aws::kRequestIdBytes));
  const auto principal = [&]() -> Result<identity::Principal> {
    TRY_ASSIGN(const auto input, aws::decode_form(*form, *binding->operation->input));
    TRY(aws::validate(*binding->operation->input, input));
    return prove_web_identity(services_, get_string(input, "RoleArn"),
                              get_string(input, "WebIdentityToken"));
  }();
  if (!principal) {
    note_refused_signature(request, principal.error());
    auto response = refuse(principal.error(), aws::Protocol::Query, request_id);
    count("sts", binding->operation->name, response.status);
    return response;
  }
  Authenticated who;
  who.principal = *principal;
  who.scope.region = "us-east-1";
  return answer_query(request, make_caller(request, who, request_id), "sts", request_id);
}

// Links of SNS are proven by what they hold. What is about no topic is nobody's: it goes to the
// log. nullopt: the request is another one.
std::optional<http::Response> FrontDoor::answer_link(const http::Request& request) {
  const auto form = aws::parse_form(request.method == "GET" ? request.query : request.body);
  const auto* binding = form ? sns_service::find_link(*form) : nullptr;
  if (binding == nullptr) return std::nullopt;
  const auto request_id =
      aws::make_request_id(aws::Protocol::Query, services_.os.random.bytes(aws::kRequestIdBytes));
  const auto link = [&]() -> Result<Caller> {
    TRY_ASSIGN(const auto input, aws::decode_form(*form, *binding->operation->input));
    return sns_service::caller_of_link(services_, input);
  }();
  if (!link) {
    note_refused_signature(request, link.error());
    auto response = refuse(link.error(), aws::Protocol::Query, request_id, find_service("sns"));
    count("sns", binding->operation->name, response.status);
    return response;
  }
  Authenticated who;
  who.principal = link->principal;
  who.scope.region = link->region;
  return answer_query(request, make_caller(request, who, request_id), "sns", request_id);
}

http::Response FrontDoor::answer_certificate(const http::Request& request) {
  http::Response response;
  const auto found = services_.sns.signer.certificate(request.path);
  if (found && *found) {
    response.headers.add("Content-Type", "application/x-pem-file");
    response.body = **found;
  } else {
    response.status = found ? 404 : 503;
  }
  count("sns", "certificate", response.status);
  return response;
}

http::Response FrontDoor::answer(http::Request request) {
  const auto random = services_.os.random.bytes(aws::kRequestIdBytes);
  const auto guessed = guess_protocol(request);
  const auto who = authenticator_.authenticate(request);
  if (!who && guessed == aws::Protocol::Query &&
      who.error().reason() == "MissingAuthenticationToken") {
    if (auto response = answer_web_identity(request)) return std::move(*response);
    if (auto response = answer_link(request)) return std::move(*response);
  }
  if (!who && may_be_anonymous(request, guessed, who.error())) {
    return answer_anonymous(std::move(request), who.error());
  }
  if (!who) {
    note_refused_signature(request, who.error());
    // The scope of a signature that does not verify still tells which protocol the client speaks.
    const auto claimed = aws::parse_authorization(request);
    const auto* service = claimed ? find_service(claimed->scope.service) : nullptr;
    const auto protocol = service == nullptr ? guessed : protocol_of(*service, request);
    const auto request_id = aws::make_request_id(protocol, random);
    auto response = refuse(who.error(), protocol, request_id, service);
    if (protocol == aws::Protocol::RestXml) {
      log_unauthenticated(request, who.error(), request_id, response);
    }
    count("unauthenticated", who.error().reason(), response.status);
    return response;
  }
  const auto& entry = *find_service(who->scope.service);
  const auto protocol = protocol_of(entry, request);
  const auto request_id = aws::make_request_id(protocol, random);
  const auto caller = make_caller(request, *who, request_id);
  switch (protocol) {
    case aws::Protocol::Json11:
      return answer_json(request, caller, entry.name, request_id);
    case aws::Protocol::Query:
      return answer_query(request, caller, entry.name, request_id);
    case aws::Protocol::RestXml:
    case aws::Protocol::RestJson:
      break;
  }
  const auto method = request.method;
  auto response = handle_s3(services_, caller, std::move(request), request_id);
  count("s3", method, response.status);
  return response;
}

bool FrontDoor::has_messages(int64_t queue) {
  bool found = false;
  const auto done = services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(found, services_.messages.has_visible(transaction, queue));
    return {};
  });
  // Whoever waits shall hear of it.
  return found || !done;
}

// nullopt for a request that is to be answered now, also because it will be refused: then without
// having waited.
std::optional<int64_t> FrontDoor::queue_to_wait_for(http::Request& request, Duration& wait) {
  const auto who = authenticator_.authenticate(request);
  if (!who || who->scope.service != "sqs") return std::nullopt;
  const auto* const binding = find_service("sqs")->find("ReceiveMessage");
  const auto input = sqs_service::read_input(request, *binding->operation);
  if (!input) return std::nullopt;
  const auto caller = make_caller(request, *who, {});
  const auto queue = sqs_service::find_wait(services_, caller, *binding->operation, *input, wait);
  return queue ? *queue : std::nullopt;
}

// Waits without a worker where the queue is empty. What then follows is an ordinary call, whose
// event is the only one.
void FrontDoor::receive_messages(http::Request request, http::Responder respond,
                                 std::optional<LongPolls::Clock::time_point> deadline) {
  const auto now = LongPolls::Clock::now();
  Duration wait{0};
  if (deadline && *deadline <= now) return respond(answer(std::move(request)));
  const auto queue = queue_to_wait_for(request, wait);
  if (!queue) return respond(answer(std::move(request)));
  const auto end = deadline.value_or(now + std::chrono::nanoseconds(wait));
  // Shared, since a refusal to wait must leave both as they are.
  const auto held = std::make_shared<std::pair<http::Request, http::Responder>>(std::move(request),
                                                                                std::move(respond));
  LongPolls::Waiting waiting{*queue, end, [this, held, end] {
                               receive_messages(std::move(held->first), std::move(held->second),
                                                end);
                             }};
  if (!polls_.wait(waiting)) held->second(answer(std::move(held->first)));
}

Result<std::optional<identity::Token>> FrontDoor::find_token(std::string_view secret) {
  if (auto known = tokens_.find(secret, services_.os.clock.now())) return known;
  const auto generation = tokens_.generation();
  std::optional<identity::Token> token;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(token, services_.identity.find_token(transaction, secret));
    return {};
  }));
  if (token) tokens_.keep(secret, *token, generation);
  return token;
}

bool FrontDoor::handle_quickly(http::Request& request, http::Responder& respond) {
  if (request.path != "/v1/events" || request.method != "POST" ||
      request.body.size() > kQuickBytesMax || request.headers.find("Content-Encoding")) {
    return false;
  }
  const auto authorization = request.headers.get("Authorization");
  if (!authorization.starts_with(kBearer)) return false;
  const auto token = tokens_.find(authorization.substr(kBearer.size()), services_.os.clock.now());
  if (!token) return false;
  EventSender sender;
  sender.region = "us-east-1";
  sender.account = token->account_id;
  sender.name = token->id;
  count_events();
  handle_events(services_, sender, std::move(request), std::move(respond));
  return true;
}

// Whether the sender may import. Denials are events, though what is sent is not.
Result<bool> FrontDoor::authorise_sender(const Caller& caller) {
  bool may_import = false;
  const auto done = services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(may_import, services_.authoriser.authorise_sender(transaction, caller));
    return {};
  });
  if (done) return may_import;
  if (!services_.ingest.stopped()) {
    TRY(record_failure(services_, caller, traccia_service::kPutEvents, {}, done.error()));
  }
  return std::unexpected(done.error());
}

void FrontDoor::handle_ingest(http::Request request, http::Responder respond) {
  const auto random = services_.os.random.bytes(aws::kRequestIdBytes);
  const auto request_id = aws::make_request_id(aws::Protocol::Json11, random);
  const auto refused = [&](const Error& error) {
    note_refused_signature(request, error);
    count("ingest", error.reason(), 403);
    respond(refuse(error, aws::Protocol::Json11, request_id));
  };
  if (request.method != "POST") {
    http::Response response;
    response.status = 405;
    response.headers.add("Allow", "POST");
    return respond(std::move(response));
  }
  EventSender sender;
  sender.region = "us-east-1";
  const auto authorization = request.headers.get("Authorization");
  if (authorization.starts_with(kBearer)) {
    const auto found = find_token(authorization.substr(kBearer.size()));
    if (!found) return refused(found.error());
    const auto& token = *found;
    if (!token) {
      return refused(Error(ErrorCode::PermissionDenied, "UnknownAccessKey",
                           "the token is unknown, expired or revoked"));
    }
    sender.account = token->account_id;
    sender.name = token->id;
  } else {
    const auto who = authenticator_.authenticate(request);
    if (!who) return refused(who.error());
    if (who->scope.service != "traccia") {
      return refused(Error(ErrorCode::PermissionDenied, "SignatureDoesNotMatch",
                           "sign for the service name traccia"));
    }
    sender.account = who->principal.account_id;
    sender.name = who->principal.arn;
    sender.region = who->scope.region;
    const auto may_import = authorise_sender(make_caller(request, *who, request_id));
    if (!may_import) {
      auto response = refuse(may_import.error(), aws::Protocol::Json11, request_id);
      count("ingest", may_import.error().reason(), response.status);
      return respond(std::move(response));
    }
    if (*may_import) sender.scope = EventSender::Scope::MayImport;
  }
  count_events();
  handle_events(services_, sender, std::move(request), std::move(respond));
}

void FrontDoor::handle(http::Request request, http::Responder respond) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && request.path == "/healthz") return respond(pages_.health());
  if (reads && request.path == "/metrics") return respond(pages_.metrics());
  if (request.path == "/v1/events") return handle_ingest(std::move(request), std::move(respond));
  if (reads && sns::Signer::is_certificate(request.path)) {
    return respond(answer_certificate(request));
  }
  if (is_for_console(request)) return respond(answer_console(request));
  if (sqs_service::is_receive(request)) {
    return receive_messages(std::move(request), std::move(respond), std::nullopt);
  }
  respond(answer(std::move(request)));
}

http::Response render_refusal(os::Os os, int status, std::string_view code,
                              std::string_view message) {
  const auto request_id =
      aws::make_request_id(aws::Protocol::RestXml, os.random.bytes(aws::kRequestIdBytes));
  auto response = aws::render_error(aws::Protocol::RestXml,
                                    {std::string(code), status, std::string(message)}, request_id);
  add_s3_headers(response);
  return response;
}

}  // namespace traccia::api
