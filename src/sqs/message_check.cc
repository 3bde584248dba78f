// What may be sent, and the digests by which clients check what was stored.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "sqs/messages.h"

namespace traccia::sqs {
namespace {

constexpr size_t kAttributeNameMax = 256;

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameterValue", std::move(message));
}

// The first character of well-formed UTF-8 that XML 1.0 cannot hold; nullopt: none. Ill-formed text
// does not get through JSON.
std::optional<uint32_t> find_unsendable(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return c;
    // U+FFFE and U+FFFF.
    if (c == 0xEF && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xBF &&
        static_cast<unsigned char>(text[i + 2]) >= 0xBE) {
      return 0xFFC0U + (static_cast<unsigned char>(text[i + 2]) & 0x3FU);
    }
  }
  return std::nullopt;
}

Result<> check_characters(std::string_view text, std::string_view what) {
  const auto bad = find_unsendable(text);
  if (!bad) return {};
  return fail(ErrorCode::InvalidArgument, "InvalidMessageContents",
              fmt::format("Invalid binary character '#x{:X}' was found in the {}, the set of "
                          "allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
                          "#xFFFD | #x10000 to #x10FFFF",
                          *bad, what));
}

// "Number.int" is a Number with a label of the sender's.
std::string_view base_type(std::string_view type) {
  return type.substr(0, type.find('.'));
}

// The value as bytes: binary ones are base64 on the wire.
Result<std::string> value_of(const json::Object& attribute) {
  if (base_type(json::find_string(attribute, "DataType")) == "Binary") {
    return base64_decode(json::find_string(attribute, "BinaryValue"));
  }
  return std::string(json::find_string(attribute, "StringValue"));
}

Result<> check_attribute(std::string_view name, const json::Value& value) {
  const bool characters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (name.empty() || name.size() > kAttributeNameMax || !characters || name.starts_with('.') ||
      name.ends_with('.') || name.find("..") != name.npos) {
    return invalid(
        fmt::format("Message (user) attribute name '{}' is not valid: letters, digits, "
                    "hyphens, underscores and single dots, up to {} of them.",
                    name.substr(0, 64), kAttributeNameMax));
  }
  if (!value.is_object()) return invalid("A message attribute is no structure.");
  const auto type = json::find_string(value.get_object(), "DataType");
  const auto base = base_type(type);
  if (base != "String" && base != "Number" && base != "Binary") {
    return invalid(
        fmt::format("The type of message (user) attribute '{}' is invalid. You must use "
                    "only the following supported type prefixes: Binary, Number, String.",
                    name));
  }
  const auto bytes = value_of(value.get_object());
  if (!bytes || bytes->empty()) {
    return invalid(
        fmt::format("Message (user) attribute '{}' must contain a non-empty value of "
                    "type '{}'.",
                    name, type));
  }
  if (base == "Binary") return {};
  return check_characters(*bytes, fmt::format("message attribute '{}'", name));
}

void append_length(std::string& out, size_t length) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((length >> shift) & 0xFF);
}

}  // namespace

size_t message_bytes(const NewMessage& message) {
  auto bytes = message.body.size();
  for (const auto& [name, value] : message.attributes) {
    bytes += name.size();
    if (!value.is_object()) continue;
    bytes += json::find_string(value.get_object(), "DataType").size();
    if (const auto held = value_of(value.get_object())) bytes += held->size();
  }
  return bytes;
}

Result<> check_message(const Queue& queue, const NewMessage& message) {
  if (message.body.empty()) return invalid("The request must contain the parameter MessageBody.");
  TRY(check_characters(message.body, "message body"));
  if (message.attributes.size() > kMessageAttributesMax) {
    return invalid(
        fmt::format("Number of message attributes [{}] exceeds the allowed maximum [{}].",
                    message.attributes.size(), kMessageAttributesMax));
  }
  for (const auto& [name, value] : message.attributes) TRY(check_attribute(name, value));
  const auto bytes_max = queue.number("MaximumMessageSize");
  if (static_cast<int64_t>(message_bytes(message)) > bytes_max) {
    return invalid(
        fmt::format("One or more parameters are invalid. Reason: Message must be shorter "
                    "than {} bytes.",
                    bytes_max));
  }
  return {};
}

std::string md5_of_attributes(const json::Object& attributes) {
  if (attributes.empty()) return "";
  std::map<std::string, const json::Object*> sorted;
  for (const auto& [name, value] : attributes) {
    if (value.is_object()) sorted.emplace(name, &value.get_object());
  }
  std::string text;
  for (const auto& [name, attribute] : sorted) {
    const auto type = json::find_string(*attribute, "DataType");
    const auto value = value_of(*attribute).value_or("");
    append_length(text, name.size());
    text += name;
    append_length(text, type.size());
    text += type;
    text += base_type(type) == "Binary" ? '\x02' : '\x01';
    append_length(text, value.size());
    text += value;
  }
  return hex_encode(crypto::md5(text));
}

}  // namespace traccia::sqs
