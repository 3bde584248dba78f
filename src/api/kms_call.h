// What KMS's operations do alike: find keys, read contexts and pages, render.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/kms_shapes.h"
#include "api/operation_call.h"
#include "identity/page.h"
#include "identity/tags.h"
#include "kms/keys.h"

namespace traccia::api::kms_service {

// Every operation, by family.
std::span<const Binding> key_bindings();
std::span<const Binding> alias_bindings();
std::span<const Binding> policy_bindings();
std::span<const Binding> tag_bindings();
std::span<const Binding> crypto_bindings();
std::span<const Binding> rotation_bindings();
std::span<const Binding> grant_bindings();
std::span<const Binding> mac_bindings();
std::span<const Binding> data_key_bindings();
std::span<const Binding> signature_bindings();
std::span<const Binding> pair_bindings();
std::span<const Binding> multi_region_bindings();
std::span<const Binding> import_bindings();

std::unexpected<Error> invalid(std::string message);
std::unexpected<Error> unsupported(std::string message);
// Of what a key's spec does not do.
std::unexpected<Error> unsupported_spec(const kms::Key& key);
// Of where its material comes from.
std::unexpected<Error> unsupported_origin(const kms::Key& key);

// Where names without account and region are looked for.
kms::Place place_of(const Call& call);

// The key that the member names; the call's event tells of it, also the key's account. Reasons
// NotFound, InvalidArn.
Result<kms::Key> find_key(Call& call, std::string_view member,
                          kms::AliasesAre aliases = kms::AliasesAre::Refused);
// Whether the key is a primary multi-Region key. Reason UnsupportedOperation.
Result<> check_primary(const kms::Key& key);
// Whether the key is a pair. Reason UnsupportedOperation.
Result<> check_pair(const kms::Key& key);
// Whether the key can be used with the algorithm. Reason InvalidKeyUsage.
Result<> check_algorithm(const kms::Key& key, std::string_view algorithm);

// What would answer to an enclave only must not answer to whoever asks.
Result<> check_recipient(const json::Object& input);

// The last thing before an operation does its work. Reason DryRunOperation.
Result<> check_dry_run(const Call& call);
// As the resources of events tell of a key.
json::Object resource_of(std::string_view account, std::string_view arn);
// The call's event has the ARN among its resources.
void note_resource(Call& call, std::string_view account, std::string_view arn);

// The most that an encryption context's keys and values may have together.
inline constexpr size_t kContextBytesMax = 8192;
// Reason ValidationException.
Result<> check_context(const kms::EncryptionContext& context, std::string_view member);
Result<kms::EncryptionContext> read_context(const json::Object& input, std::string_view member);
// Of a validated blob.
std::string read_blob(const json::Object& input, std::string_view member);
std::vector<identity::Tag> read_tags(const json::Object& input);

// Limit and Marker. Reason InvalidMarker.
Result<identity::Cursor> read_cursor(const json::Object& input, size_t items_default,
                                     size_t items_max);
// Truncated, and NextMarker behind `last` when there is more.
void write_page(json::Object& output, bool more, std::string_view last);

json::Value render(Time time);
// EncryptionAlgorithms, SigningAlgorithms, …: what the key can be used with.
void write_algorithms(json::Object& output, const kms::Key& key);

}  // namespace traccia::api::kms_service
