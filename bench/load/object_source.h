// Signed requests on objects of one bucket: PUT, GET or listings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "engine.h"

namespace traccia::load {

enum class ObjectWork { Put, Get, List };

// The name of an object; in the order of the numbers.
std::string object_key(uint64_t number);

// owned by one thread. PUTs are of new keys each time, GETs and listings go round those that are
// there.
class ObjectSource : public RequestSource {
 public:
  struct Options {
    ObjectWork work = ObjectWork::Put;
    std::string bucket;
    size_t bytes = 1024;  // of an object
    uint64_t first = 0;   // number of the first key
    uint64_t count = 0;   // keys that are there, for GET and listings
    uint16_t port = 0;
  };
  ObjectSource(aws::Credentials credentials, Options options);

  Ticket next() override;
  bool more() const override { return true; }
  bool finish(size_t id, const Answer& answer) override;
  uint64_t keys_listed() const { return keys_listed_; }
  uint64_t put() const { return next_; }  // keys tried so far
  const std::string& first_complaint() const { return first_complaint_; }

 private:
  std::string request();

  aws::Credentials credentials_;
  Options options_;
  std::string body_;
  std::vector<std::string> requests_;  // by ticket, those under way
  std::vector<size_t> free_;
  uint64_t next_ = 0;
  uint64_t keys_listed_ = 0;
  std::string first_complaint_;
};

}  // namespace traccia::load
