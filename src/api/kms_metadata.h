// What answers tell of a key: KeyMetadata.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/kms_call.h"

namespace traccia::api::kms_service {

inline constexpr std::string_view kMultiRegionTypes[] = {"PRIMARY", "REPLICA"};
inline constexpr Shape kMultiRegionType = aws::enum_shape(kMultiRegionTypes);
inline constexpr Member kMultiRegionKeyMembers[] = {{"Arn", &kString}, {"Region", &kString}};
inline constexpr Shape kMultiRegionKey = aws::structure_shape(kMultiRegionKeyMembers);
inline constexpr Shape kMultiRegionKeys = aws::list_shape(kMultiRegionKey);
inline constexpr Member kMultiRegionMembers[] = {{"MultiRegionKeyType", &kMultiRegionType},
                                                 {"PrimaryKey", &kMultiRegionKey},
                                                 {"ReplicaKeys", &kMultiRegionKeys}};
inline constexpr Shape kMultiRegion = aws::structure_shape(kMultiRegionMembers);
inline constexpr std::string_view kManagers[] = {"AWS", "CUSTOMER"};
inline constexpr Shape kManager = aws::enum_shape(kManagers);
inline constexpr Member kExternalKeyMembers[] = {{"Id", &kString}};
inline constexpr Shape kExternalKey = aws::structure_shape(kExternalKeyMembers);

inline constexpr Member kMetadataMembers[] = {
    {"AWSAccountId", &kString, Presence::Optional, Sensitivity::Plain, "AWSAccountId"},
    kKeyIdMember,
    {"Arn", &kString},
    {"CreationDate", &kTimestamp},
    {"Enabled", &kBoolean},
    {"Description", &kDescription},
    {"KeyUsage", &kKeyUsage},
    {"KeyState", &kKeyState},
    {"DeletionDate", &kTimestamp},
    {"ValidTo", &kTimestamp},
    {"Origin", &kOrigin},
    {"CustomKeyStoreId", &kString},
    {"CloudHsmClusterId", &kString},
    {"ExpirationModel", &kExpirationModel},
    {"KeyManager", &kManager},
    {"CustomerMasterKeySpec", &kMasterKeySpec},
    {"KeySpec", &kKeySpec},
    {"EncryptionAlgorithms", &kEncryptionAlgorithmList},
    {"SigningAlgorithms", &kSigningAlgorithmList},
    {"KeyAgreementAlgorithms", &kAgreementList},
    {"EncapsulationAlgorithms", &kEncapsulationList},
    {"MultiRegion", &kBoolean},
    {"MultiRegionConfiguration", &kMultiRegion},
    {"PendingDeletionWindowInDays", &aws::kInteger},
    {"MacAlgorithms", &kMacAlgorithmList},
    {"XksKeyConfiguration", &kExternalKey},
    {"CurrentKeyMaterialId", &kString}};
inline constexpr Shape kMetadata = aws::structure_shape(kMetadataMembers);

Result<json::Object> render_metadata(const Services& services, meta::Transaction& transaction,
                                     const kms::Key& key);

}  // namespace traccia::api::kms_service
