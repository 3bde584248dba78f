// The kernel behind the seam: Linux files, clocks and random numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "os/os.h"

namespace traccia::os {

// Thread-safe. Outlives everything that got its Os.
class RealOs {
 public:
  RealOs();
  ~RealOs();
  RealOs(const RealOs&) = delete;
  RealOs& operator=(const RealOs&) = delete;

  Os os();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace traccia::os
