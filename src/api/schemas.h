// The tables of the control plane.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace traccia::api {

// The scripts of every module in the order in which a data directory gets them. Directories hold
// how many of them they have had: what is new goes to the end, and nothing that was released is
// changed or moved.
std::vector<std::string_view> control_plane_schemas();

}  // namespace traccia::api
