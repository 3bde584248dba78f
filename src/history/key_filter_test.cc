// What was added is found; of the rest most is not.
// SPDX-License-Identifier: Apache-2.0
#include "history/key_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace traccia::history {
namespace {

TEST(KeyFilter, HoldsWhatWasAddedAndLittleElse) {
  constexpr uint32_t kKeys = 50'000;
  KeyFilter filter(2 * kKeys);
  for (uint32_t i = 0; i < kKeys; ++i) {
    filter.add_term("term " + std::to_string(i));
    filter.add_id(i * 2654435761U);
  }
  uint32_t terms = 0, ids = 0;
  for (uint32_t i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(filter.may_hold_term("term " + std::to_string(i))) << i;
    ASSERT_TRUE(filter.may_hold_id(i * 2654435761U)) << i;
    terms += filter.may_hold_term("other " + std::to_string(i)) ? 1 : 0;
    ids += filter.may_hold_id((kKeys + i) * 2654435761U) ? 1 : 0;
  }
  EXPECT_LT(terms, kKeys / 10);
  EXPECT_LT(ids, kKeys / 10);
  EXPECT_EQ(filter.bytes(), (2 * kKeys * KeyFilter::kBitsPerKey / 64 + 1) * 8);
}

}  // namespace
}  // namespace traccia::history
