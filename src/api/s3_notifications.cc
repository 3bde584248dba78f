// Reads configurations and writes events ("Event message structure").
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_notifications.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/s3_call.h"
#include "api/service_messages.h"
#include "aws/arn.h"
#include "base/bytes.h"
#include "base/log.h"

namespace traccia::api {
namespace {

using aws::XmlElement;
using s3::Document;

constexpr std::string_view kService = "s3.amazonaws.com";
// "Supported event types for SQS and SNS", as far as this server has what they tell of.
constexpr std::string_view kEvents[] = {"s3:ObjectCreated:*",
                                        "s3:ObjectCreated:Put",
                                        "s3:ObjectCreated:Copy",
                                        "s3:ObjectCreated:CompleteMultipartUpload",
                                        "s3:ObjectCreated:Post",
                                        "s3:ObjectRemoved:*",
                                        "s3:ObjectRemoved:Delete",
                                        "s3:ObjectRemoved:DeleteMarkerCreated",
                                        "s3:ObjectRestore:*",
                                        "s3:ObjectRestore:Post",
                                        "s3:ObjectRestore:Completed",
                                        "s3:ObjectRestore:Delete",
                                        "s3:ObjectTagging:*",
                                        "s3:ObjectTagging:Put",
                                        "s3:ObjectTagging:Delete",
                                        "s3:ObjectAcl:Put",
                                        "s3:LifecycleExpiration:*",
                                        "s3:LifecycleExpiration:Delete",
                                        "s3:LifecycleExpiration:DeleteMarkerCreated",
                                        "s3:LifecycleTransition"};

// "Event message structure": the version that these events came with.
constexpr std::string_view kLaterEvents[] = {
    "Lifecycle", "ObjectTagging:", "ObjectAcl:", "ObjectRestore:Delete"};

std::string_view version_of(std::string_view event) {
  const bool later = std::ranges::any_of(
      kLaterEvents, [&](std::string_view begin) { return event.starts_with(begin); });
  return later ? "2.3" : "2.1";
}

struct Kind {
  std::string_view element;  // of a rule
  std::string_view destination;
  std::string_view service;
};
constexpr Kind kKinds[] = {{"TopicConfiguration", "Topic", "sns"},
                           {"QueueConfiguration", "Queue", "sqs"}};

bool covers(std::string_view pattern, std::string_view event) {
  if (!pattern.ends_with('*')) return pattern == event;
  return event.starts_with(pattern.substr(0, pattern.size() - 1));
}

Result<> read_filter(const XmlElement& filter, NotificationRule& rule) {
  const auto* keys = filter.child("S3Key");
  if (keys == nullptr) return {};
  std::set<std::string> names;
  for (const auto* one : keys->children_named("FilterRule")) {
    std::string name(one->child_text("Name"));
    for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (name != "prefix" && name != "suffix") {
      return s3_error("InvalidArgument", "filter rule name must be either prefix or suffix");
    }
    if (!names.insert(name).second) {
      return s3_error("InvalidArgument",
                      fmt::format("Cannot specify more than one {} rule in a filter.", name));
    }
    (name == "prefix" ? rule.prefix : rule.suffix) = one->child_text("Value");
  }
  return {};
}

Result<NotificationRule> read_rule(const XmlElement& element, const Kind& kind) {
  NotificationRule rule;
  rule.id = element.child_text("Id");
  rule.topic = kind.service == "sns";
  rule.destination = element.child_text(kind.destination);
  const auto arn = aws::parse_arn(rule.destination);
  if (!arn || arn->service != kind.service || arn->account.empty()) {
    return s3_error("InvalidArgument", "The ARN is not well formed");
  }
  for (const auto* event : element.children_named("Event")) {
    if (std::ranges::find(kEvents, event->text) == std::end(kEvents)) {
      return s3_error("InvalidArgument", fmt::format("The event '{}' is not supported for "
                                                     "notifications",
                                                     event->text.substr(0, 80)));
    }
    rule.events.push_back(event->text);
  }
  if (rule.events.empty()) return s3_error("MalformedXML", "a rule without events");
  if (const auto* filter = element.child("Filter")) TRY(read_filter(*filter, rule));
  return rule;
}

bool overlap(std::string_view one, std::string_view other, bool prefix) {
  return prefix ? one.starts_with(other) || other.starts_with(one)
                : one.ends_with(other) || other.ends_with(one);
}

bool overlap(const NotificationRule& one, const NotificationRule& other) {
  const bool events = std::ranges::any_of(one.events, [&](const std::string& event) {
    return std::ranges::any_of(other.events, [&](const std::string& another) {
      return covers(event, another) || covers(another, event);
    });
  });
  return events && overlap(one.prefix, other.prefix, true) &&
         overlap(one.suffix, other.suffix, false);
}

// As keys stand in events: as forms encode them.
std::string encoded(std::string_view key) {
  auto out = percent_encode(key, KeepSlash::Yes);
  for (auto at = out.find("%20"); at != out.npos; at = out.find("%20", at)) out.replace(at, 3, "+");
  return out;
}

json::Object render(const s3::Bucket& bucket, const S3Notice& notice, const NoticeSource& source,
                    std::string_view rule_id, Time now) {
  json::Object object{{"key", encoded(notice.key)}};
  if (!notice.etag.empty()) {
    object["size"] = notice.size;
    object["eTag"] = notice.etag;
  }
  if (bucket.keeps_versions() && !notice.version_id.empty()) {
    object["versionId"] = notice.version_id;
  }
  object["sequencer"] = fmt::format("{:016X}", to_unix_nanoseconds(now));
  json::Object event{
      {"eventVersion", version_of(notice.event)},
      {"eventSource", "aws:s3"},
      {"awsRegion", bucket.region},
      {"eventTime", format_iso_milliseconds(now)},
      {"eventName", notice.event},
      {"userIdentity", json::Object{{"principalId", source.principal_id}}},
      {"requestParameters", json::Object{{"sourceIPAddress", source.source_ip}}},
      {"responseElements",
       json::Object{{"x-amz-request-id", source.request_id}, {"x-amz-id-2", source.host_id}}},
      {"s3",
       json::Object{{"s3SchemaVersion", "1.0"},
                    {"configurationId", rule_id},
                    {"bucket", json::Object{{"name", bucket.name},
                                            {"ownerIdentity",
                                             json::Object{{"principalId", bucket.owner_account}}},
                                            {"arn", s3_arn({bucket.name, ""})}}},
                    {"object", std::move(object)}}}};
  for (const auto& [name, value] : notice.more) event[name] = value;
  return event;
}

// What the destination refuses, or nothing.
Result<std::optional<Error>> send(Services& services, meta::Transaction& transaction,
                                  const s3::Bucket& bucket, const NotificationRule& rule,
                                  std::string text, std::vector<ingest::Draft>& drafts) {
  const auto arn = s3_arn({bucket.name, ""});
  const ServiceActor actor{kService, arn, bucket.owner_account};
  if (!rule.topic) {
    return send_for_service(services, transaction, actor, rule.destination,
                            {.body = std::move(text)}, drafts);
  }
  sns::Content content;
  content.subject = "Amazon S3 Notification";
  content.texts.emplace("default", std::move(text));
  return publish_for_service(services, transaction, actor, rule.destination, content, drafts);
}

Result<std::vector<NotificationRule>> rules_of(Services& services, meta::Transaction& transaction,
                                               std::string_view bucket) {
  TRY_ASSIGN(const auto document,
             services.s3.get_document(transaction, bucket, Document::Notification));
  if (!document) return std::vector<NotificationRule>();
  TRY_ASSIGN(const auto root, aws::parse_xml(*document));
  return parse_notifications(root);
}

// "Configuring notifications": each destination gets a test message, which it must take.
Result<> test_destinations(S3Call& call, meta::Transaction& transaction,
                           const std::vector<NotificationRule>& rules) {
  const auto& bucket = call.found_bucket();
  for (const auto& rule : rules) {
    const auto arn = aws::parse_arn(rule.destination);
    const json::Object test{{"Service", "Amazon S3"},
                            {"Event", "s3:TestEvent"},
                            {"Time", format_iso_milliseconds(call.services().os.clock.now())},
                            {"Bucket", bucket.name},
                            {"RequestId", call.request_id().id},
                            {"HostId", call.request_id().host_id}};
    TRY_ASSIGN(const auto refused, send(call.services(), transaction, bucket, rule,
                                        json::serialize(test), call.drafts));
    if (!refused && arn->region == bucket.region) continue;
    return s3_error("InvalidArgument",
                    "Unable to validate the following destination configurations");
  }
  return {};
}

// The document as it is kept: rules without an Id get one.
std::string kept(S3Call& call, const XmlElement& root) {
  aws::XmlWriter xml;
  xml.begin("NotificationConfiguration", kS3Xmlns);
  for (auto rule : root.children) {
    if (rule.child_text("Id").empty()) {
      std::erase_if(rule.children, [](const XmlElement& child) { return child.name == "Id"; });
      rule.children.insert(rule.children.begin(),
                           XmlElement{"Id", call.services().os.random.uuid(), {}});
    }
    s3_write_element(xml, rule);
  }
  xml.end();
  return std::move(xml).take();
}

Result<http::Response> put_notification(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  TRY_ASSIGN(const auto rules, parse_notifications(root));
  call.extra_parameters["NotificationConfiguration"] = s3_as_json(root);
  const auto document = kept(call, root);
  const bool unseen =
      http::equal_ignoring_case(call.header("x-amz-skip-destination-validation"), "true");
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    if (!unseen) TRY(test_destinations(call, transaction, rules));
    auto& s3 = call.services().s3;
    if (rules.empty()) {
      return s3.delete_document(transaction, call.bucket(), Document::Notification);
    }
    return s3.put_document(transaction, call.bucket(), Document::Notification, document);
  }));
  return http::Response();
}

Result<http::Response> get_notification(S3Call& call) {
  std::optional<std::string> document;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(document,
               call.services().s3.get_document(transaction, call.bucket(), Document::Notification));
    return {};
  }));
  TRY(call.record_success());
  if (document) return s3_xml(std::move(*document));
  aws::XmlWriter xml;
  xml.begin("NotificationConfiguration", kS3Xmlns).end();
  return s3_xml(std::move(xml).take());
}

}  // namespace

bool NotificationRule::takes(std::string_view event, std::string_view key) const {
  const auto whole = fmt::format("s3:{}", event);
  return key.starts_with(prefix) && key.ends_with(suffix) &&
         std::ranges::any_of(events,
                             [&](const std::string& pattern) { return covers(pattern, whole); });
}

Result<std::vector<NotificationRule>> parse_notifications(const XmlElement& root) {
  if (root.name != "NotificationConfiguration" || root.children.size() > kNotificationRulesMax) {
    return s3_error("MalformedXML", "no notification configuration of at most 100 rules");
  }
  std::vector<NotificationRule> rules;
  std::set<std::string> ids;
  for (const auto& child : root.children) {
    const auto* const kind = std::ranges::find(kKinds, child.name, &Kind::element);
    if (kind == std::end(kKinds)) {
      return s3_error("NotImplemented",
                      fmt::format("{}: notifications go to queues and topics on this server",
                                  child.name.substr(0, 80)));
    }
    TRY_ASSIGN(auto rule, read_rule(child, *kind));
    if (!rule.id.empty() && !ids.insert(rule.id).second) {
      return s3_error("InvalidArgument",
                      "Same ID used for multiple configurations. IDs must be "
                      "unique");
    }
    for (const auto& other : rules) {
      if (!overlap(rule, other)) continue;
      return s3_error("InvalidArgument",
                      "Configurations overlap. Configurations on the same bucket cannot share a "
                      "common event type.");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<> send_notices(Services& services, meta::Transaction& transaction, const s3::Bucket& bucket,
                      std::span<const S3Notice> notices, const NoticeSource& source,
                      std::vector<ingest::Draft>& drafts) {
  if (notices.empty()) return {};
  TRY_ASSIGN(const auto rules, rules_of(services, transaction, bucket.name));
  for (const auto& notice : notices) {
    for (const auto& rule : rules) {
      if (notice.event.empty() || !rule.takes(notice.event, notice.key)) continue;
      auto event = render(bucket, notice, source, rule.id, services.os.clock.now());
      auto text = json::serialize(json::Object{{"Records", json::Array{std::move(event)}}});
      TRY_ASSIGN(const auto refused,
                 send(services, transaction, bucket, rule, std::move(text), drafts));
      if (!refused) continue;
      log(LogLevel::Warning, "a bucket's notification was lost",
          {{"bucket", bucket.name}, {"to", rule.destination}, {"why", refused->message()}});
    }
  }
  return {};
}

std::span<const S3Operation> s3_notification_operations() {
  constexpr auto kManagement = event::Category::Management;
  static const std::vector<S3Operation> operations{{"GetBucketNotification",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "notification",
                                                    {},
                                                    "s3:GetBucketNotification",
                                                    kManagement,
                                                    true,
                                                    get_notification},
                                                   {"PutBucketNotification",
                                                    "PUT",
                                                    S3Level::Bucket,
                                                    "notification",
                                                    {},
                                                    "s3:PutBucketNotification",
                                                    kManagement,
                                                    false,
                                                    put_notification}};
  return operations;
}

}  // namespace traccia::api
