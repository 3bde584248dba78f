// The names of a resource, and the short hash of an event id.
// SPDX-License-Identifier: Apache-2.0
#include "history/terms.h"

namespace traccia::history {
namespace {

// The last field of arn:partition:service:region:account:resource, without its type. S3 has none
// there: the field is the bucket, or bucket and key.
std::string_view own_name(std::string_view arn) {
  if (!arn.starts_with("arn:")) return {};
  std::string_view service;
  auto rest = arn;
  for (int field = 0; field < 5; ++field) {
    const auto colon = rest.find(':');
    if (colon == rest.npos) return {};
    if (field == 2) service = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  // npos + 1 is 0: a name without a type is whole.
  return service == "s3" ? rest : rest.substr(rest.find_first_of("/:") + 1);
}

}  // namespace

uint32_t hash_event_id(std::string_view event_id) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : event_id) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

Result<bool> has_event_id(std::string_view record, std::string_view event_id) {
  event::RecordMemory memory(record.size());
  TRY_ASSIGN(const auto event, event::read_stored(memory.keep_padded(record), "", memory));
  return event.event_id == event_id;
}

ResourceNames::ResourceNames(const event::Resource& resource) {
  if (resource.arn.empty()) return;
  names_[count_++] = resource.arn;
  const auto name = own_name(resource.arn);
  if (name.empty()) return;
  names_[count_++] = name;
  const auto end = name.substr(name.find_last_of(":/") + 1);
  if (!end.empty() && end != name) names_[count_++] = end;
}

}  // namespace traccia::history
