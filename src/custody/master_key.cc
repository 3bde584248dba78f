// Opens master keys, and makes them at a first start.
// SPDX-License-Identifier: Apache-2.0
#include "custody/master_key.h"

#include <fmt/format.h>

#include "pkcs11/token_key.h"

namespace traccia::custody {
namespace {

constexpr std::string_view kHeader = "traccia master key 1";
constexpr size_t kWrappedBytesMax = 64 << 10;
constexpr size_t kSecretBytesMax = 4096;
constexpr uint32_t kMode = 0600;

Result<> check_private(os::Os os, const std::string& path, std::string_view what) {
  TRY_ASSIGN(const bool others, os.files.readable_by_others(path));
  if (!others) return {};
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{} '{}' is readable by others; run: chmod 600 '{}'", what, path, path));
}

Result<std::string> read_plain(os::Os os, const std::string& path) {
  TRY(check_private(os, path, "master key"));
  auto bytes = os::read_file(os.files, path, kMasterKeyBytes);
  if (bytes && bytes->size() == kMasterKeyBytes) return bytes;
  return fail(
      ErrorCode::InvalidArgument,
      fmt::format("master key '{}' must be a file of {} bytes: {}", path, kMasterKeyBytes,
                  bytes ? fmt::format("it has {}", bytes->size()) : bytes.error().message()));
}

// A wrapped key as it is stored: which kind of wrapper made it, and its text.
struct Stored {
  std::string kind;
  std::string text;
};

Result<Stored> read_stored(os::Os os, const std::string& path) {
  TRY_ASSIGN(const auto bytes, os::read_file(os.files, path, kWrappedBytesMax));
  std::string_view lines[3];
  auto rest = std::string_view(bytes);
  for (auto& line : lines) {
    const auto end = rest.find('\n');
    if (end == rest.npos) break;
    line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  const bool whole = lines[0] == kHeader && !lines[1].empty() && !lines[2].empty() && rest.empty();
  if (whole) return Stored{std::string(lines[1]), std::string(lines[2])};
  return fail(ErrorCode::DataLoss, fmt::format("'{}' is not a wrapped master key", path));
}

Result<std::string> unwrap(os::Os os, Wrapper& wrapper, const std::string& path) {
  TRY_ASSIGN(const auto stored, read_stored(os, path));
  if (stored.kind != wrapper.kind()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("the master key '{}' was wrapped by {}, not by {}; start with the "
                            "--master-key that wrapped it",
                            path, stored.kind, wrapper.kind()));
  }
  auto key = wrapper.unwrap(stored.text);
  if (!key) {
    return std::unexpected(
        std::move(key).error().with_context(fmt::format("unwrap the master key '{}'", path)));
  }
  if (key->size() == kMasterKeyBytes) return key;
  return fail(ErrorCode::DataLoss,
              fmt::format("the master key '{}' has {} bytes", path, key->size()));
}

Result<std::string> read_secret(os::Os os, const Settings& settings, std::string_view what) {
  const auto& path = settings.secret_file;
  if (path.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("give {} in a file with --master-key-secret", what));
  }
  TRY(check_private(os, path, "secret"));
  TRY_ASSIGN(auto secret, os::read_file(os.files, path, kSecretBytesMax));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (!secret.empty()) return secret;
  return fail(ErrorCode::InvalidArgument, fmt::format("the file '{}' of {} is empty", path, what));
}

Result<std::unique_ptr<Wrapper>> open_wrapper(os::Os os, const Settings& settings) {
  if (is_transit_url(settings.source)) {
    TRY_ASSIGN(const auto token, read_secret(os, settings, "the transit service's token"));
    return open_transit(settings.source, token, settings.ca_file);
  }
  TRY_ASSIGN(const auto pin, read_secret(os, settings, "the token's PIN"));
  return open_token(os, settings.source, pin);
}

std::unexpected<Error> no_key(std::string_view path) {
  return fail(ErrorCode::NotFound,
              fmt::format("there is no master key '{}', and the directory has data that was sealed "
                          "under one; name it with --master-key",
                          path));
}

}  // namespace

bool wraps(const Settings& settings) {
  return pkcs11::is_uri(settings.source) || is_transit_url(settings.source);
}

Result<std::string> open_plain(os::Os os, const std::string& path, Making making) {
  TRY_ASSIGN(const bool there, os.files.exists(path));
  if (there) return read_plain(os, path);
  if (making == Making::Refused) return no_key(path);
  auto key = os.random.bytes(kMasterKeyBytes);
  TRY(os::write_file_atomically(os.files, path, key, kMode));
  return key;
}

Result<std::string> open_wrapped(os::Os os, Wrapper& wrapper, const Files& files, Making making) {
  TRY_ASSIGN(const bool there, os.files.exists(files.wrapped));
  if (there) return unwrap(os, wrapper, files.wrapped);
  TRY_ASSIGN(const bool plain, os.files.exists(files.plain));
  if (!plain && making == Making::Refused) return no_key(files.wrapped);
  std::string key;
  if (plain) {
    TRY_ASSIGN(key, read_plain(os, files.plain));
  } else {
    key = os.random.bytes(kMasterKeyBytes);
  }
  TRY_ASSIGN(const auto text, wrapper.wrap(key));
  // What cannot be had back must not seal anything.
  TRY_ASSIGN(const auto again, wrapper.unwrap(text));
  if (again != key || text.contains('\n')) {
    return fail(ErrorCode::Unavailable, "what wraps the master key gives another one back");
  }
  TRY(os::write_file_atomically(os.files, files.wrapped,
                                fmt::format("{}\n{}\n{}\n", kHeader, wrapper.kind(), text), kMode));
  return key;
}

Result<std::string> open_master_key(os::Os os, const Settings& settings, const Files& files,
                                    Making making) {
  if (wraps(settings)) {
    TRY_ASSIGN(const auto wrapper, open_wrapper(os, settings));
    return open_wrapped(os, *wrapper, files, making);
  }
  // A key that is wrapped and another beside it would each seal a part.
  TRY_ASSIGN(const bool wrapped, os.files.exists(files.wrapped));
  if (wrapped) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("the master key '{}' is wrapped; start with the --master-key that "
                            "wrapped it",
                            files.wrapped));
  }
  return open_plain(os, settings.source.empty() ? files.plain : settings.source, making);
}

}  // namespace traccia::custody
