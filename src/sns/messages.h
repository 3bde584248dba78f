// What is published, and how subscribers get to see it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "json/json.h"

namespace traccia::sns {

inline constexpr size_t kMessageBytesMax = 256 << 10;  // with attributes
inline constexpr size_t kSubjectCharactersMax = 100;

// A message as it was published.
struct Content {
  std::optional<std::string> subject = {};
  // What each protocol gets; "default" is among them.
  std::map<std::string, std::string, std::less<>> texts = {};
  // NAME: {"DataType":…,"StringValue":…} or {…,"BinaryValue":…}, as on the wire.
  json::Object attributes = {};
  std::string token = {};  // of a confirmation

  const std::string& text_for(std::string_view protocol) const;
};

struct NewMessage {
  std::string message;
  std::optional<std::string> subject = {};
  std::optional<std::string> structure = {};
  json::Object attributes = {};
};
// Size as the quota counts it: the message, and names, types and values of attributes.
size_t message_bytes(const NewMessage& message);
// Reasons: InvalidParameter (with what follows "Invalid parameter: " as message),
// ParameterValueInvalid (attributes).
Result<Content> check_message(const NewMessage& message);

// As it is stored; decode_content gives DataLoss for what encode_content did not make.
std::string encode_content(const Content& content);
Result<Content> decode_content(std::string_view text);

enum class MessageKind : uint8_t {
  Notification = 0,
  SubscriptionConfirmation = 1,
  UnsubscribeConfirmation = 2,
};
// As envelopes and headers tell it.
std::string_view name_of(MessageKind kind);

// What is sent to one subscriber: "Parsing Amazon SNS message formats". The order of members is
// SNS's.
struct Envelope {
  MessageKind kind = MessageKind::Notification;
  std::string message_id;
  std::string topic_arn;
  std::optional<std::string> subject = {};
  std::string message;
  Time published;
  std::string token = {};  // of confirmations
  // SubscribeURL of confirmations, UnsubscribeURL of notifications.
  std::string link = {};
  json::Object attributes = {};  // of notifications, as in Content
};
// What is signed: names and values, each on its line ("Verifying the signatures of Amazon SNS
// messages").
std::string string_to_sign(const Envelope& envelope);
struct Signature {
  std::string version;  // "1", "2"
  std::string base64;
  std::string certificate;  // URL
};
// JSON text.
std::string render(const Envelope& envelope, const Signature& signature);

// The text of a confirmation.
std::string confirmation_text(MessageKind kind, std::string_view arn);

}  // namespace traccia::sns
