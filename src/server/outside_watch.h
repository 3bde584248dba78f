// Looks after the stores of outside buckets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/outside_buckets.h"
#include "os/os.h"
#include "server/signals.h"

namespace traccia::server {

// Probes each bucket at once, then now and then, sooner while something is wrong, until `stop`.
// What changed is logged. For a thread of its own: a store that hangs takes its time.
void watch_outside(api::OutsideBuckets& buckets, os::Clock& clock, StopSignal& stop);

}  // namespace traccia::server
