// The Query protocol: form-encoded requests, XML answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/operation.h"
#include "base/error.h"
#include "json/json.h"

namespace traccia::aws {

struct FormLimits {
  size_t bytes_max = 1U << 20;
  size_t parameters_max = 2000;
  size_t name_bytes_max = 512;
};

// The parameters of application/x-www-form-urlencoded text, ordered by name. immutable.
class Form {
 public:
  std::optional<std::string_view> find(std::string_view name) const;
  // The value, or empty.
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  // True when there is `prefix` itself or a parameter below it ("prefix.…").
  bool has_below(std::string_view prefix) const;
  size_t size() const { return values_.size(); }

 private:
  friend Result<Form> parse_form(std::string_view text, FormLimits limits);
  std::map<std::string, std::string, std::less<>> values_;
};

// Plus means space. Reason MalformedQueryString: bad escapes, a name given twice, a limit.
Result<Form> parse_form(std::string_view text, FormLimits limits = {});

// The request document that the description sees in the form: lists as Name.member.1 or Name.1,
// maps as Name.entry.1.key and .value, structures as Name.Member; flattened lists and maps as
// Item.1 and Item.1.key. Numbers and booleans become
// JSON's. Unknown parameters are ignored. Reason MalformedInput: text that is no such number,
// boolean or timestamp.
Result<json::Object> decode_form(const Form& form, const Shape& input);

// <NAMEResponse xmlns="…"><NAMEResult>…</NAMEResult><ResponseMetadata><RequestId>…: the described
// members that the output has, in the description's order. No result element when the output is
// kEmptyStructure; another shape without members gives an empty one, as some models want it.
std::string render_query_answer(const Operation& operation, std::string_view xmlns,
                                const json::Object& output, std::string_view request_id);

}  // namespace traccia::aws
