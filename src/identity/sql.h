// Single values out of the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"

namespace traccia::identity {

// The first column of the only row; 0 when there is none.
inline Result<int64_t> select_number(meta::Transaction& transaction, std::string_view sql,
                                     std::initializer_list<meta::Argument> arguments) {
  int64_t number = 0;
  TRY(transaction.query(sql, arguments, [&](const meta::Row& row) -> Result<> {
    number = row.integer(0);
    return {};
  }));
  return number;
}

inline Result<bool> has_rows(meta::Transaction& transaction, std::string_view sql,
                             std::initializer_list<meta::Argument> arguments) {
  bool there = false;
  TRY(transaction.query(sql, arguments, [&](const meta::Row&) -> Result<> {
    there = true;
    return {};
  }));
  return there;
}

}  // namespace traccia::identity
