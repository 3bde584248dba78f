// The list of commercial regions and the shape of a region's name.
// SPDX-License-Identifier: Apache-2.0
#include "aws/regions.h"

#include <algorithm>

namespace traccia::aws {
namespace {

constexpr std::string_view kCommercialRegions[] = {
    "af-south-1",     "ap-east-1",      "ap-east-2",      "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-south-1",     "ap-south-2",     "ap-southeast-1", "ap-southeast-2",
    "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
    "ca-central-1",   "ca-west-1",      "eu-central-1",   "eu-central-2",   "eu-north-1",
    "eu-south-1",     "eu-south-2",     "eu-west-1",      "eu-west-2",      "eu-west-3",
    "il-central-1",   "me-central-1",   "me-south-1",     "mx-central-1",   "sa-east-1",
    "us-east-1",      "us-east-2",      "us-west-1",      "us-west-2",
};
static_assert(std::is_sorted(std::begin(kCommercialRegions), std::end(kCommercialRegions)));

constexpr size_t kNameBytesMax = 32;

bool all_letters(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::span<const std::string_view> commercial_regions() {
  return kCommercialRegions;
}

// Two or three words of letters (the first of two to four of them), then a number of one or two
// digits.
bool is_region_name(std::string_view text) {
  if (text.size() > kNameBytesMax) return false;
  const size_t last = text.rfind('-');
  if (last == std::string_view::npos) return false;
  const auto number = text.substr(last + 1);
  if (!all_digits(number) || number.size() > 2 || number[0] == '0') return false;
  std::string_view words = text.substr(0, last);
  const size_t first = words.find('-');
  if (first == std::string_view::npos || first < 2 || first > 4) return false;
  size_t count = 0;
  for (size_t begin = 0; begin <= words.size(); ++count) {
    const size_t end = std::min(words.find('-', begin), words.size());
    if (!all_letters(words.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return count >= 2 && count <= 3;
}

}  // namespace traccia::aws
