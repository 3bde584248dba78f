// Checks messages and renders envelopes.
// SPDX-License-Identifier: Apache-2.0
#include "sns/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace traccia::sns {
namespace {

constexpr size_t kAttributeNameBytesMax = 256;
constexpr std::string_view kDefault = "default";

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter", std::move(message));
}
std::unexpected<Error> bad_value(std::string message) {
  return fail(ErrorCode::InvalidArgument, "ParameterValueInvalid", std::move(message));
}

// "Number.int" is a Number with a label; so is "String.Array" a String.
std::string_view base_type(std::string_view type) {
  return type.substr(0, type.find('.'));
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<> check_attribute_name(std::string_view name) {
  if (name.empty() || name.size() >= kAttributeNameBytesMax) {
    return bad_value(fmt::format("Length of message attribute name must be less than {} bytes.",
                                 kAttributeNameBytesMax));
  }
  for (const char c : name) {
    if (is_letter_or_digit(c) || c == '-' || c == '_' || c == '.') continue;
    return bad_value(
        fmt::format("Invalid non-alphanumeric character '#x{:X}' was found in the message "
                    "attribute name. Can only include alphanumeric characters, hyphens, "
                    "underscores, or dots.",
                    static_cast<unsigned char>(c)));
  }
  for (const auto& [found, how] :
       {std::pair(name.starts_with('.'), "starting"), std::pair(name.ends_with('.'), "ending")}) {
    if (found) {
      return bad_value(
          fmt::format("Invalid message attribute name {} with character '.' was found.", how));
    }
  }
  if (name.find("..") != name.npos) {
    return bad_value("Message attribute name can not have successive '.' character.");
  }
  return {};
}

Result<> check_attribute(std::string_view name, const json::Value& value) {
  TRY(check_attribute_name(name));
  if (!value.is_object()) return invalid("MessageAttributes");
  const auto& object = value.get_object();
  const auto type = json::find_string(object, "DataType");
  const auto base = base_type(type);
  const bool binary = base == "Binary";
  if (base != "String" && base != "Number" && !binary) {
    return bad_value(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of "
                    "supported type prefixes is Binary, Number, and String.",
                    name));
  }
  const auto* const own = json::find(object, binary ? "BinaryValue" : "StringValue");
  const auto* const other = json::find(object, binary ? "StringValue" : "BinaryValue");
  if (own == nullptr && other != nullptr) {
    return bad_value(fmt::format("The message attribute '{}' with type '{}' must use field '{}'.",
                                 name, type, binary ? "Binary" : "String"));
  }
  const auto text = json::find_string(object, binary ? "BinaryValue" : "StringValue");
  if (text.empty()) {
    return bad_value(
        fmt::format("The message attribute '{}' must contain non-empty message attribute value for "
                    "message attribute type '{}'.",
                    name, type));
  }
  if (binary && !base64_decode(text)) return invalid("MessageAttributes Reason: not base64");
  return {};
}

size_t value_bytes(const json::Object& attribute) {
  if (base_type(json::find_string(attribute, "DataType")) != "Binary") {
    return json::find_string(attribute, "StringValue").size();
  }
  const auto decoded = base64_decode(json::find_string(attribute, "BinaryValue"));
  return decoded ? decoded->size() : 0;
}

// "Publish": less than 100 characters of ASCII that begin with a letter, number or punctuation, no
// line breaks or control characters. That makes 100 at most.
bool is_subject(std::string_view subject) {
  return !subject.empty() && subject.size() <= kSubjectCharactersMax && subject.front() != ' ' &&
         std::ranges::all_of(subject, [](char c) { return c >= ' ' && c <= '~'; });
}

Result<std::map<std::string, std::string, std::less<>>> read_structure(std::string_view message) {
  const auto document = json::parse(message);
  if (!document || !document->is_object()) {
    return invalid("Message Structure - JSON message body failed to parse");
  }
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [protocol, text] : document->get_object()) {
    if (text.is_string()) out.insert_or_assign(protocol, std::string(text.get_string()));
  }
  if (!out.contains(kDefault)) {
    return invalid("Message Structure - No default entry in JSON message body");
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

// The members of an envelope that the order of signing has too, by name.
using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

void append_attributes(std::string& out, const json::Object& attributes) {
  out += ",\n  \"MessageAttributes\" : {";
  bool first = true;
  for (const auto& [name, value] : attributes) {
    const auto& object = value.as_object();
    const auto type = json::find_string(object, "DataType");
    const auto text =
        json::find_string(object, base_type(type) == "Binary" ? "BinaryValue" : "StringValue");
    out += fmt::format("{}\n    {} : {{\"Type\":{},\"Value\":{}}}", first ? "" : ",", quote(name),
                       quote(type), quote(text));
    first = false;
  }
  out += "\n  }";
}

}  // namespace

const std::string& Content::text_for(std::string_view protocol) const {
  const auto at = texts.find(protocol);
  return at == texts.end() ? texts.find(kDefault)->second : at->second;
}

size_t message_bytes(const NewMessage& message) {
  auto bytes = message.message.size();
  for (const auto& [name, value] : message.attributes) {
    bytes += name.size();
    if (!value.is_object()) continue;
    bytes += json::find_string(value.get_object(), "DataType").size();
    bytes += value_bytes(value.get_object());
  }
  return bytes;
}

Result<Content> check_message(const NewMessage& message) {
  if (message.message.empty()) return invalid("Empty message");
  if (message.subject && !is_subject(*message.subject)) return invalid("Subject");
  for (const auto& [name, value] : message.attributes) TRY(check_attribute(name, value));
  if (message_bytes(message) > kMessageBytesMax) return invalid("Message too long");
  Content out{.subject = message.subject, .texts = {}, .attributes = message.attributes};
  if (!message.structure) {
    out.texts.emplace(kDefault, message.message);
    return out;
  }
  if (*message.structure != "json") return invalid("MessageStructure");
  TRY_ASSIGN(out.texts, read_structure(message.message));
  return out;
}

std::string encode_content(const Content& content) {
  json::Object texts;
  for (const auto& [protocol, text] : content.texts) texts[protocol] = text;
  json::Object out{{"texts", std::move(texts)}, {"attributes", content.attributes}};
  if (content.subject) out["subject"] = *content.subject;
  if (!content.token.empty()) out["token"] = content.token;
  return json::serialize(out);
}

Result<Content> decode_content(std::string_view text) {
  const auto document = json::parse(text);
  const auto bad = [] { return fail(ErrorCode::DataLoss, "a stored message cannot be read"); };
  if (!document || !document->is_object()) return bad();
  const auto& object = document->get_object();
  const auto* const texts = json::find(object, "texts");
  const auto* const attributes = json::find(object, "attributes");
  if (texts == nullptr || !texts->is_object() || attributes == nullptr ||
      !attributes->is_object()) {
    return bad();
  }
  Content out;
  for (const auto& [protocol, value] : texts->get_object()) {
    if (!value.is_string()) return bad();
    out.texts.emplace(protocol, value.get_string());
  }
  if (!out.texts.contains(kDefault)) return bad();
  out.attributes = attributes->get_object();
  out.token = json::find_string(object, "token");
  if (const auto* const subject = json::find(object, "subject"); subject != nullptr) {
    if (!subject->is_string()) return bad();
    out.subject = subject->get_string();
  }
  return out;
}

std::string_view name_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::Notification:
      return "Notification";
    case MessageKind::SubscriptionConfirmation:
      return "SubscriptionConfirmation";
    case MessageKind::UnsubscribeConfirmation:
      return "UnsubscribeConfirmation";
  }
  return {};
}

std::string string_to_sign(const Envelope& envelope) {
  const auto published = format_iso_milliseconds(envelope.published);
  Lines lines{{"Message", envelope.message}, {"MessageId", envelope.message_id}};
  if (envelope.kind == MessageKind::Notification) {
    if (envelope.subject) lines.emplace_back("Subject", *envelope.subject);
    lines.emplace_back("Timestamp", published);
  } else {
    lines.emplace_back("SubscribeURL", envelope.link);
    lines.emplace_back("Timestamp", published);
    lines.emplace_back("Token", envelope.token);
  }
  lines.emplace_back("TopicArn", envelope.topic_arn);
  lines.emplace_back("Type", name_of(envelope.kind));
  std::string out;
  for (const auto& [name, value] : lines) out += fmt::format("{}\n{}\n", name, value);
  return out;
}

std::string render(const Envelope& envelope, const Signature& signature) {
  const bool notification = envelope.kind == MessageKind::Notification;
  const auto published = format_iso_milliseconds(envelope.published);
  Lines lines{{"Type", name_of(envelope.kind)}, {"MessageId", envelope.message_id}};
  if (!notification) lines.emplace_back("Token", envelope.token);
  lines.emplace_back("TopicArn", envelope.topic_arn);
  if (notification && envelope.subject) lines.emplace_back("Subject", *envelope.subject);
  lines.emplace_back("Message", envelope.message);
  if (!notification) lines.emplace_back("SubscribeURL", envelope.link);
  lines.emplace_back("Timestamp", published);
  lines.emplace_back("SignatureVersion", signature.version);
  lines.emplace_back("Signature", signature.base64);
  lines.emplace_back("SigningCertURL", signature.certificate);
  if (notification) lines.emplace_back("UnsubscribeURL", envelope.link);
  std::string out = "{";
  for (const auto& [name, value] : lines) {
    out += fmt::format("{}\n  \"{}\" : {}", out.size() == 1 ? "" : ",", name, quote(value));
  }
  if (!envelope.attributes.empty()) append_attributes(out, envelope.attributes);
  out += "\n}";
  return out;
}

std::string confirmation_text(MessageKind kind, std::string_view arn) {
  if (kind == MessageKind::SubscriptionConfirmation) {
    return fmt::format(
        "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the "
        "SubscribeURL included in this message.",
        arn);
  }
  return fmt::format(
      "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the "
      "subscription, visit the SubscribeURL included in this message.",
      arn);
}

}  // namespace traccia::sns
