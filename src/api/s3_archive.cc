// S3: storage classes whose objects are restored before they are read.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/s3_call.h"
#include "aws/xml.h"

namespace traccia::api {
namespace {

constexpr auto kDay = std::chrono::hours(24);
constexpr int kRestoreDaysMax = 50'000;
constexpr std::string_view kTiers[] = {"Standard", "Bulk", "Expedited"};

std::unexpected<Error> wrong_state(S3Call& call, const s3::ObjectInfo& object,
                                   std::string message) {
  call.failure_details.emplace_back("StorageClass", s3::name_of(object.storage_class));
  return fail(ErrorCode::FailedPrecondition, "InvalidObjectState", std::move(message));
}

// The days of a RestoreRequest.
Result<int> parse_request(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  if (root.name != "RestoreRequest") return s3_error("MalformedXML", "no RestoreRequest");
  for (const std::string_view name : {"Type", "SelectParameters", "OutputLocation"}) {
    if (root.child(name) != nullptr) {
      return s3_error("NotImplemented", "Select requests are not available on this server");
    }
  }
  const auto* job = root.child("GlacierJobParameters");
  for (const std::string_view tier :
       {root.child_text("Tier"), job != nullptr ? job->child_text("Tier") : std::string_view()}) {
    if (!tier.empty() && std::ranges::find(kTiers, tier) == std::end(kTiers)) {
      return s3_error("MalformedXML", "a tier is Standard, Bulk or Expedited");
    }
  }
  const auto text = root.child_text("Days");
  int days = 0;
  const auto* end = text.data() + text.size();
  if (text.empty() || std::from_chars(text.data(), end, days).ptr != end || days < 1) {
    return s3_error("InvalidArgument", "Days must be a positive integer");
  }
  return std::min(days, kRestoreDaysMax);
}

// "Restoring an archived object": the expiry is rounded up to the next midnight UTC.
Time restored_until(Time now, int days) {
  const auto end = now + kDay * days;
  const auto day = std::chrono::floor<std::chrono::days>(end);
  return day == end ? Time(day) : Time(day + std::chrono::days(1));
}

// Where AWS takes hours, the object can be read when the answer comes: its bytes are on this
// machine, only small.
Result<http::Response> restore_object(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto days, parse_request(call.request().body));
  bool again = false;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    TRY_ASSIGN(auto object, s3.get_version(transaction, call.bucket(), call.key(), call.version()));
    if (object.delete_marker && call.version()) {
      return fail(ErrorCode::FailedPrecondition, "MethodNotAllowed", "a delete marker");
    }
    if (object.delete_marker) return fail(ErrorCode::NotFound, "NoSuchKey", "a delete marker");
    if (!s3::is_archive(object.storage_class)) {
      return wrong_state(call, object,
                         "Restore is not allowed for the object's current storage class");
    }
    const auto now = call.services().os.clock.now();
    again = !object.archived(now);
    const auto until = restored_until(now, days);
    S3Notice notice{"ObjectRestore:Post", call.key(), object.size, object.etag, object.version_id};
    call.notices.push_back(notice);
    notice.event = "ObjectRestore:Completed";
    notice.more["glacierEventData"] = json::Object{
        {"restoreEventData",
         json::Object{{"lifecycleRestorationExpiryTime", format_iso_milliseconds(until)},
                      {"lifecycleRestoreStorageClass", s3::name_of(object.storage_class)}}}};
    call.notices.push_back(std::move(notice));
    return s3.restore(transaction, std::move(object), until);
  }));
  http::Response response;
  response.status = again ? 200 : 202;
  return response;
}

}  // namespace

Result<> s3_check_readable(S3Call& call, const s3::ObjectInfo& object) {
  if (!object.archived(call.services().os.clock.now())) return {};
  return wrong_state(call, object, "The operation is not valid for the object's storage class");
}

// The API names ObjectNotInActiveTierError for this, but this is what S3 answers.
Result<> s3_check_copyable(S3Call& call, const s3::ObjectInfo& source) {
  if (!source.archived(call.services().os.clock.now())) return {};
  return wrong_state(call, source, "Operation is not valid for the source object's storage class");
}

void s3_add_class(http::Headers& headers, const s3::ObjectInfo& object, Time now) {
  if (object.storage_class == s3::StorageClass::Standard) return;
  headers.add("x-amz-storage-class", s3::name_of(object.storage_class));
  if (!object.restored_until || *object.restored_until <= now) return;
  headers.add("x-amz-restore", fmt::format(R"(ongoing-request="false", expiry-date="{}")",
                                           format_http_date(*object.restored_until)));
}

std::span<const S3Operation> s3_archive_operations() {
  static const std::vector<S3Operation> operations{{"RestoreObject",
                                                    "POST",
                                                    S3Level::Object,
                                                    "restore",
                                                    {},
                                                    "s3:RestoreObject",
                                                    event::Category::Data,
                                                    false,
                                                    restore_object,
                                                    S3Authorised::Address,
                                                    "s3:RestoreObject"}};
  return operations;
}

}  // namespace traccia::api
