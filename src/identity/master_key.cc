// The key that seals every secret at rest.
// SPDX-License-Identifier: Apache-2.0
#include "identity/master_key.h"

#include <fmt/format.h>

#include "crypto/crypto.h"

namespace traccia::identity {
namespace {

constexpr size_t kKeyBytes = 32;

}  // namespace

Result<MasterKey> MasterKey::load_or_create(os::Os os, const std::string& path) {
  TRY_ASSIGN(const bool there, os.files.exists(path));
  if (!there) {
    const auto bytes = os.random.bytes(kKeyBytes);
    TRY(os::write_file_atomically(os.files, path, bytes, 0600));
    return MasterKey(bytes);
  }
  TRY_ASSIGN(const bool others, os.files.readable_by_others(path));
  if (others) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("master key '{}' is readable by others; run: chmod 600 '{}'", path, path));
  }
  auto bytes = os::read_file(os.files, path, kKeyBytes);
  if (!bytes || bytes->size() != kKeyBytes) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("master key '{}' must be a file of {} bytes: {}", path, kKeyBytes,
                    bytes ? fmt::format("it has {}", bytes->size()) : bytes.error().message()));
  }
  return MasterKey(std::move(*bytes));
}

std::string MasterKey::seal(std::string_view plaintext, std::string_view context) const {
  return crypto::seal(bytes_, plaintext, context);
}

Result<std::string> MasterKey::open(std::string_view sealed, std::string_view context) const {
  auto opened = crypto::open_sealed(bytes_, sealed, context);
  if (!opened) {
    return std::unexpected(
        std::move(opened).error().with_context(fmt::format("open the secret '{}'", context)));
  }
  return opened;
}

}  // namespace traccia::identity
