// Renders audit events.
// SPDX-License-Identifier: Apache-2.0
#include "api/audit.h"

#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr std::string_view kEventVersion = "1.11";
constexpr size_t kTextBytesMax = 1024;  // userAgent, errorCode, errorMessage (facts 2.1)

// "CloudTrail userIdentity element": who the session is of, and how it began.
json::Object session_context(const identity::LiveSession& live) {
  const auto& session = live.session;
  json::Object out;
  if (session.kind != identity::SessionKind::User) {
    const bool role = session.kind == identity::SessionKind::Role;
    const std::string_view user = live.issuer_name.empty() ? "Root" : "IAMUser";
    out["sessionIssuer"] = json::Object{{"type", role ? "Role" : user},
                                        {"principalId", session.issuer_id},
                                        {"arn", live.issuer_arn},
                                        {"accountId", session.account_id},
                                        {"userName", live.issuer_name}};
  }
  if (!session.provider.empty()) {
    out["webIdFederationData"] =
        json::Object{{"federatedProvider", session.provider}, {"attributes", json::Object{}}};
  }
  out["attributes"] = json::Object{{"creationDate", format_iso_seconds(session.issued)},
                                   {"mfaAuthenticated", session.mfa ? "true" : "false"}};
  if (!session.source_identity.empty()) out["sourceIdentity"] = session.source_identity;
  return out;
}

json::Object user_identity(const identity::Principal& principal) {
  json::Object identity;
  switch (principal.type) {
    case identity::PrincipalType::AwsService:
      identity["type"] = "AWSService";
      identity["invokedBy"] = principal.service;
      return identity;
    case identity::PrincipalType::Anonymous:
      identity["type"] = "AWSAccount";
      identity["principalId"] = "";
      identity["accountId"] = "anonymous";
      return identity;
    case identity::PrincipalType::WebIdentity:
      identity["type"] = "WebIdentityUser";
      identity["principalId"] = principal.principal_id;
      identity["userName"] = principal.user_name;
      identity["identityProvider"] = principal.web->provider_arn;
      return identity;
    case identity::PrincipalType::Root:
      identity["type"] = "Root";
      break;
    case identity::PrincipalType::IamUser:
      identity["type"] = "IAMUser";
      break;
    case identity::PrincipalType::AssumedRole:
      identity["type"] = "AssumedRole";
      break;
    case identity::PrincipalType::FederatedUser:
      identity["type"] = "FederatedUser";
      break;
  }
  identity["principalId"] = principal.principal_id;
  identity["arn"] = principal.arn;
  identity["accountId"] = principal.account_id;
  if (!principal.access_key_id.empty()) identity["accessKeyId"] = principal.access_key_id;
  if (!principal.user_name.empty()) identity["userName"] = principal.user_name;
  if (principal.session) identity["sessionContext"] = session_context(*principal.session);
  return identity;
}

// Cuts at a character boundary.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kTextBytesMax) return text;
  size_t end = kTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void add_tls_details(json::Object& record, const Caller& caller) {
  if (!caller.tls) return;
  json::Object details;
  details["tlsVersion"] = caller.tls->version;
  details["cipherSuite"] = caller.tls->cipher_suite;
  details["clientProvidedHostHeader"] = caller.host;
  record["tlsDetails"] = std::move(details);
}

json::Object render(Time time, const Caller& caller, const AuditEvent& event,
                    std::string_view event_id, std::string_view account) {
  json::Object record;
  record["eventVersion"] = kEventVersion;
  record["userIdentity"] = event.user_identity.is_object() ? event.user_identity.get_object()
                                                           : user_identity(caller.principal);
  const auto through = caller.via_service.empty() ? "" : caller.via_service + ".amazonaws.com";
  if (!through.empty()) record["userIdentity"].get_object()["invokedBy"] = through;
  record["eventTime"] = format_iso_seconds(time);
  record["eventSource"] = event.source;
  record["eventName"] = event.name;
  record["awsRegion"] = event.region;
  record["sourceIPAddress"] = through.empty() ? caller.source_ip : through;
  record["userAgent"] = through.empty() ? shortened(caller.user_agent) : through;
  if (!event.error_code.empty()) record["errorCode"] = shortened(event.error_code);
  if (!event.error_code.empty() || !event.error_message.empty()) {
    record["errorMessage"] = shortened(event.error_message);
  }
  record["requestParameters"] = event.request_parameters;
  record["responseElements"] = event.response_elements;
  if (event.additional_event_data.is_object()) {
    record["additionalEventData"] = event.additional_event_data;
  }
  if (!caller.request_id.empty()) record["requestID"] = caller.request_id;
  record["eventID"] = event_id;
  record["readOnly"] = event.read_only;
  if (event.resources.is_array()) record["resources"] = event.resources;
  record["eventType"] = event.type;
  if (!event.api_version.empty()) record["apiVersion"] = event.api_version;
  record["managementEvent"] = event.category == event::Category::Management;
  record["recipientAccountId"] = account;
  if (!event.shared_event_id.empty()) record["sharedEventID"] = event.shared_event_id;
  if (event.service_event_details.is_object()) {
    record["serviceEventDetails"] = event.service_event_details;
  }
  record["eventCategory"] = event::category_name(event.category);
  add_tls_details(record, caller);
  return record;
}

}  // namespace

namespace {

// Who sent the record, as it is kept beside it.
const std::string& sender_of(const identity::Principal& principal) {
  if (principal.type == identity::PrincipalType::AwsService) return principal.service;
  return principal.web ? principal.principal_id : principal.arn;
}

}  // namespace

Result<ingest::Draft> audit_draft(os::Os os, Time time, const Caller& caller,
                                  const AuditEvent& event) {
  const std::string event_id = event.event_id.empty() ? os.random.uuid() : event.event_id;
  const std::string& account = event.account.empty() ? caller.principal.account_id : event.account;
  auto record = render(time, caller, event, event_id, account);
  auto text = json::serialize(record);
  if (text.size() > event::kRecordBytesMax) {
    // Facts 2.1: oversize content is left out and marked, the event itself is never dropped.
    const json::Object omitted{{"omitted", true}};
    for (const auto* member : {"requestParameters", "responseElements", "additionalEventData"}) {
      if (record.contains(member) && record[member].is_object()) record[member] = omitted;
    }
    text = json::serialize(record);
  }
  event::AdmitOptions options;
  options.account = account;
  options.default_region = event.region;
  options.now = time;
  return ingest::event_draft(text, options, sender_of(caller.principal));
}

Result<ingest::Draft> service_event_draft(os::Os os, Time time, ServiceEvent event) {
  Caller caller;
  caller.principal.type = identity::PrincipalType::AwsService;
  caller.principal.account_id = event.account;
  caller.principal.service = event.service;
  const auto actor = event.actor.empty() ? event.service : event.actor;
  caller.source_ip = actor;
  caller.user_agent = actor;
  AuditEvent out;
  out.source = event.service;
  out.name = event.name;
  out.region = event.region;
  out.account = event.account;
  out.type = "AwsServiceEvent";
  // Facts 2.2: such an identity has no type.
  out.user_identity = json::Object{{"accountId", event.account}, {"invokedBy", actor}};
  out.service_event_details = std::move(event.details);
  out.resources = std::move(event.resources);
  return audit_draft(os, time, caller, out);
}

Caller service_caller(std::string_view service, std::string_view source_arn,
                      std::string_view account, std::string_view region, std::string request_id) {
  Caller caller;
  caller.principal.type = identity::PrincipalType::AwsService;
  caller.principal.account_id = account;
  caller.principal.service = service;
  caller.region = region;
  caller.source_arn = source_arn;
  caller.source_ip = service;
  caller.user_agent = service;
  caller.request_id = std::move(request_id);
  return caller;
}

Caller cloudtrail_service(std::string_view trail_arn, std::string_view account,
                          std::string_view region, std::string request_id) {
  return service_caller("cloudtrail.amazonaws.com", trail_arn, account, region,
                        std::move(request_id));
}

std::string derived_event_id(std::string_view text) {
  auto hex = crypto::sha256_hex(text).substr(0, 32);
  hex[12] = '8';  // RFC 9562 version 8: a name-based id of the vendor's own making
  hex[16] = "89ab"[static_cast<size_t>(hex[16]) % 4];
  for (const size_t at : {20UL, 16UL, 12UL, 8UL}) hex.insert(at, "-");
  return hex;
}

}  // namespace traccia::api
