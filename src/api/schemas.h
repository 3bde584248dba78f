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
// The tables that requests fill, and delivery: nothing that is kept by meta::Database::writes() is
// read from them. No table of identities, organizations and keys is among them.
std::vector<std::string_view> control_plane_busy_tables();

}  // namespace traccia::api
