// Sorts one field's conditions into tries and tables.
// SPDX-License-Identifier: Apache-2.0
#include "match/field_index.h"

#include <map>

namespace traccia::match {

FieldIndex::FieldIndex(std::vector<Numbered> conditions) {
  std::map<std::string, TrieKey> forward, backward;
  const auto key_of = [](std::map<std::string, TrieKey>& keys, std::string text) -> TrieKey& {
    auto& key = keys[text];
    key.text = std::move(text);
    return key;
  };
  for (auto& [condition, id] : conditions) {
    auto& text = condition.text;
    switch (condition.op) {
      case Operator::Equals:
        key_of(forward, std::move(text)).exact = id;
        break;
      case Operator::StartsWith:
        key_of(forward, std::move(text)).prefix = id;
        break;
      case Operator::EndsWith:
        key_of(backward, {text.rbegin(), text.rend()}).prefix = id;
        break;
      case Operator::Like:
        // Tried where the text before the first star fits.
        key_of(forward, text.substr(0, text.find('*')))
            .patterns.push_back(static_cast<uint32_t>(patterns_.size()));
        patterns_.push_back({std::move(text), id});
        break;
      case Operator::Exists:
        exists_ = id;
        break;
      case Operator::NumberEquals:
        equal_.push_back({condition.number, id});
        break;
      case Operator::NumberLess:
        less_.push_back({condition.number, id});
        break;
      case Operator::NumberGreater:
        greater_.push_back({condition.number, id});
        break;
    }
  }
  const auto keys_of = [](std::map<std::string, TrieKey>& keys) {
    std::vector<TrieKey> out;
    out.reserve(keys.size());
    for (auto& [text, key] : keys) out.push_back(std::move(key));
    return out;
  };
  forward_ = TextTrie(TextTrie::Direction::Forward, keys_of(forward));
  backward_ = TextTrie(TextTrie::Direction::Backward, keys_of(backward));
  for (auto* bounds : {&less_, &equal_, &greater_}) {
    std::ranges::sort(*bounds, {}, &Bound::number);
  }
}

}  // namespace traccia::match
