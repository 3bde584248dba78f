// HTTP requests and responses as plain values, for the server and the client alike.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace traccia::http {

// Header fields in the order they came. Names compare without case; values are trimmed. All bytes
// lie in one string, so a view is good until the next change.
class Headers {
 public:
  using Field = std::pair<std::string_view, std::string_view>;  // name, value

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  // The first value, or nullopt.
  std::optional<std::string_view> find(std::string_view name) const;
  // The first value, or empty.
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  std::vector<std::string_view> find_all(std::string_view name) const;
  auto begin() const { return Iterator{this, 0}; }
  auto end() const { return Iterator{this, places_.size()}; }
  size_t size() const { return places_.size(); }

 private:
  // Enough for a range-based for.
  struct Iterator {
    const Headers* headers;
    size_t index;
    Field operator*() const { return headers->at(headers->places_[index]); }
    Iterator& operator++() {
      ++index;
      return *this;
    }
    bool operator==(const Iterator&) const = default;
  };
  struct Place {
    uint32_t start;
    uint32_t name_bytes;
    uint32_t value_bytes;
  };
  Field at(const Place& place) const {
    const std::string_view all = text_;
    return {all.substr(place.start, place.name_bytes),
            all.substr(place.start + place.name_bytes, place.value_bytes)};
  }
  std::string text_;
  std::vector<Place> places_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);

struct Tls {
  std::string version;  // "TLSv1.3"
  std::string cipher_suite;
};

struct Request {
  std::string method;
  std::string path;   // as sent, still percent-encoded, starts with '/'
  std::string query;  // as sent, without '?'; empty when there is none
  Headers headers;
  std::string body;          // transfer coding removed, content coding and aws-chunked kept
  std::string peer_address;  // numeric, no port
  std::optional<Tls> tls;
  unsigned version = 11;  // of HTTP: 10 or 11
};

// A response body too big for memory. Owned by the server while it sends; read from one thread.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual uint64_t size() const = 0;
  // Fills up to out.size() bytes; 0 only at the end. An error aborts the connection.
  virtual Result<size_t> read(std::span<char> out) = 0;
};

// What a request was for, as far as the time it takes is concerned.
enum class RequestClass : uint8_t { Other, Ingest, Lookup, Tail };
inline constexpr size_t kRequestClasses = 4;

// How an answer went out.
struct Sent {
  uint64_t body_bytes = 0;                  // that the kernel took; neither head nor TLS
  std::chrono::nanoseconds total{0};        // from the request's header to the last byte
  std::chrono::nanoseconds turn_around{0};  // from the whole request to the first byte
};

struct Response {
  int status = 200;
  RequestClass request_class = RequestClass::Other;
  Headers headers;  // Content-Length, Connection and Date are the server's
  std::string body;
  std::unique_ptr<BodySource> stream;  // instead of `body` when set
  // Called once the answer is out, or the connection broke, on an event loop's thread: it must not
  // wait for anything.
  std::move_only_function<void(const Sent&)> on_sent;
};

// Splits a raw query into decoded pairs in order; '+' stays '+'. A missing '=' gives an empty
// value.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace traccia::http
