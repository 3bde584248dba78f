// Long lists, read a page at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace traccia::identity {

// Where a page begins: behind the item whose name was `after`, at the first one when it is empty.
struct Cursor {
  std::string after = {};
  size_t items_max = 100;

  // One row more than the page holds tells whether there is another page.
  int64_t rows_max() const { return static_cast<int64_t>(items_max) + 1; }
};

// Items in the order that the function which lists them names.
template <typename T>
struct Page {
  std::vector<T> items = {};
  bool more = false;

  // Of up to rows_max() rows.
  void cut(const Cursor& cursor) {
    more = items.size() > cursor.items_max;
    if (more) items.resize(cursor.items_max);
  }
};

}  // namespace traccia::identity
