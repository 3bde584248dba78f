// Error envelopes of the four protocols.
// SPDX-License-Identifier: Apache-2.0
#include "aws/error.h"

#include "aws/json11.h"
#include "aws/xml.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "json/json.h"

namespace traccia::aws {
namespace {

constexpr size_t kHostIdBytes = 56;

std::string format_uuid(std::string_view random_bytes) {
  std::string bytes(random_bytes.substr(0, 16));
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);  // version 4: random
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);  // variant of RFC 9562
  std::string text = hex_encode(bytes);
  for (const size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
  return text;
}

std::string to_upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string query_envelope(const ApiError& error, const RequestId& request_id) {
  XmlWriter xml;
  xml.begin("ErrorResponse").begin("Error");
  xml.element("Type", error.status >= 500 ? "Receiver" : "Sender");
  xml.element("Code", error.name).element("Message", error.message).end();
  xml.element("RequestId", request_id.id).end();
  return std::move(xml).take();
}

std::string s3_envelope(const ApiError& error, const RequestId& request_id) {
  XmlWriter xml;
  xml.begin("Error").element("Code", error.name).element("Message", error.message);
  for (const auto& [name, value] : error.details) xml.element(name, value);
  xml.element("RequestId", request_id.id).element("HostId", request_id.host_id).end();
  return std::move(xml).take();
}

json::Object json11_envelope(const ApiError& error) {
  json::Object out{{"__type", error.name}, {"message", error.message}};
  for (const auto& [name, value] : error.details) out[name] = value;
  return out;
}

}  // namespace

RequestId make_request_id(Protocol protocol, std::string_view random_bytes) {
  TRACCIA_ASSERT(random_bytes.size() >= kRequestIdBytes);
  if (protocol != Protocol::RestXml) return {format_uuid(random_bytes), ""};
  return {to_upper(hex_encode(random_bytes.substr(0, 8))),
          base64_encode(random_bytes.substr(8, kHostIdBytes))};
}

void add_request_id(http::Response& response, Protocol protocol, const RequestId& request_id) {
  if (protocol == Protocol::RestXml) {
    response.headers.set("x-amz-request-id", request_id.id);
    response.headers.set("x-amz-id-2", request_id.host_id);
  } else {
    response.headers.set("x-amzn-RequestId", request_id.id);
  }
}

http::Response render_error(Protocol protocol, const ApiError& error, const RequestId& request_id) {
  http::Response response;
  response.status = error.status;
  add_request_id(response, protocol, request_id);
  switch (protocol) {
    case Protocol::Json11:
      response.headers.set("content-type", kJson11ContentType);
      response.headers.set("x-amzn-ErrorType", error.name);
      response.body = json::serialize(json11_envelope(error));
      break;
    case Protocol::RestJson:
      response.headers.set("content-type", "application/json");
      response.headers.set("x-amzn-ErrorType", error.name);
      response.body = json::serialize(json::Object{{"message", error.message}});
      break;
    case Protocol::Query:
      response.headers.set("content-type", "text/xml");
      response.body = query_envelope(error, request_id);
      break;
    case Protocol::RestXml:
      response.headers.set("content-type", "application/xml");
      response.body = s3_envelope(error, request_id);
      break;
  }
  return response;
}

}  // namespace traccia::aws
