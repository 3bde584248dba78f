// The regions of the commercial AWS partition.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace traccia::aws {

// Sorted; us-east-1 is among them.
std::span<const std::string_view> commercial_regions();

// True for the shape of a region's name in any partition ("eu-south-1", "us-gov-west-1",
// "eusc-de-east-1"), known or not; "aws-global" is not one.
bool is_region_name(std::string_view text);

}  // namespace traccia::aws
