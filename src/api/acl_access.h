// What ACLs allow, in the form of a resource's policy, so that one evaluation decides all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "policy/evaluate.h"
#include "s3/s3.h"

namespace traccia::api {

// Whose what is asked for is, and what ACLs grant of it.
struct AclAccess {
  std::string owner;
  policy::AttachedPolicy granted;
};

enum class PublicAcls : uint8_t { Counted, Ignored };  // "Blocking public access"

// Whether an action on an object is the object owner's to allow, not the bucket owner's.
bool is_object_owners(std::string_view action);

// Of a bucket, and of an object in it where the action is its owner's; nullptr: there is none.
Result<AclAccess> access_by_acls(const s3::Bucket& bucket, const s3::ObjectInfo* object,
                                 PublicAcls public_acls);

// The Deny statements of a policy; nullptr of none.
std::shared_ptr<const policy::AttachedPolicy> denials_of(
    const std::shared_ptr<const policy::AttachedPolicy>& policy);

}  // namespace traccia::api
