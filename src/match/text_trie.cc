// Builds the radix tree, breadth first.
// SPDX-License-Identifier: Apache-2.0
#include "match/text_trie.h"

#include <algorithm>

#include "base/assert.h"

namespace traccia::match {
namespace {

// How far two texts agree, from `begin` on, where they are known to agree before.
size_t agree_up_to(std::string_view a, std::string_view b, size_t begin) {
  const auto end = std::min(a.size(), b.size());
  while (begin < end && a[begin] == b[begin]) ++begin;
  return begin;
}

}  // namespace

TextTrie::TextTrie(Direction direction, std::vector<TrieKey> keys) : direction_(direction) {
  if (keys.empty()) return;
  // Bytes compare unsigned, as std::string does.
  std::ranges::sort(keys, {}, &TrieKey::text);
  struct Range {
    size_t begin, end;
    size_t used;  // bytes that all keys of the range share and that lie above the node's label
  };
  std::vector<Range> ranges{{0, keys.size(), 0}};  // by node
  nodes_.emplace_back();
  branches_.push_back(0);
  for (size_t at = 0; at < nodes_.size(); ++at) {
    auto [begin, end, used] = ranges[at];
    const auto shared = agree_up_to(keys[begin].text, keys[end - 1].text, used);
    Node node;
    node.label_begin = static_cast<uint32_t>(labels_.size());
    node.label_size = static_cast<uint32_t>(shared - used);
    labels_.append(keys[begin].text, used, shared - used);
    node.patterns_begin = static_cast<uint32_t>(patterns_.size());
    if (keys[begin].text.size() == shared) {
      const auto& key = keys[begin++];
      node.exact = key.exact;
      node.prefix = key.prefix;
      patterns_.insert(patterns_.end(), key.patterns.begin(), key.patterns.end());
    }
    node.patterns_end = static_cast<uint32_t>(patterns_.size());
    node.first_child = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char branch = keys[begin].text[shared];
      auto next = begin + 1;
      while (next < end && keys[next].text[shared] == branch) ++next;
      ranges.push_back({begin, next, shared + 1});
      nodes_.emplace_back();
      branches_.push_back(branch);
      begin = next;
    }
    node.child_count = static_cast<uint32_t>(nodes_.size()) - node.first_child;
    nodes_[at] = node;
  }
  TRACCIA_ASSERT(labels_.size() <= std::numeric_limits<uint32_t>::max());
}

}  // namespace traccia::match
