// Opens data directories.
// SPDX-License-Identifier: Apache-2.0
#include "server/data_directory.h"

#include <fmt/format.h>

#include <charconv>

#include "api/schemas.h"
#include "base/log.h"

namespace traccia::server {
namespace {

constexpr uint64_t kFormatBytesMax = 64;

Result<int> parse_format(std::string_view text) {
  int version = 0;
  const auto digits = text.substr(0, text.find('\n'));
  const auto* end = digits.data() + digits.size();
  if (digits.empty() || std::from_chars(digits.data(), end, version).ptr != end) {
    return fail(ErrorCode::DataLoss, "the FORMAT file does not hold a version number");
  }
  return version;
}

}  // namespace

Result<std::unique_ptr<os::FileLock>> open_directory(os::Os os, const DataDirectory& directory,
                                                     bool test_clock) {
  TRY(os.files.make_directories(directory.root));
  auto lock = os.files.lock(directory.lock());
  if (!lock) {
    if (lock.error().code() != ErrorCode::FailedPrecondition) return lock;
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("another traccia serve runs on '{}'; stop it or choose another --data",
                            directory.root));
  }
  TRY_ASSIGN(const bool made, os.files.exists(directory.format()));
  if (!made) {
    if (test_clock) TRY(os::write_file_atomically(os.files, directory.test_clock(), "0\n"));
    TRY(os::write_file_atomically(os.files, directory.format(),
                                  fmt::format("{}\n", kFormatVersion)));
    return lock;
  }
  TRY_ASSIGN(const auto text, os::read_file(os.files, directory.format(), kFormatBytesMax));
  TRY_ASSIGN(const auto version, parse_format(text));
  if (version > kFormatVersion) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("'{}' has format {}, this program knows {}; use the newer program",
                            directory.root, version, kFormatVersion));
  }
  if (version < kFormatVersionOldest) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("'{}' has format {}, which no release wrote and this program cannot "
                            "read; start with an empty directory",
                            directory.root, version));
  }
  TRY_ASSIGN(const bool tests, os.files.exists(directory.test_clock()));
  if (tests != test_clock) {
    return fail(ErrorCode::FailedPrecondition,
                tests ? fmt::format("'{}' was made with --test-clock; its times are not real. Give "
                                    "--test-clock or choose another --data",
                                    directory.root)
                      : fmt::format("--test-clock works only on a directory that was made with it; "
                                    "'{}' was not",
                                    directory.root));
  }
  return lock;
}

Result<std::unique_ptr<meta::Database>> open_control_plane(os::Os os,
                                                           const DataDirectory& directory) {
  return meta::Database::open(os, directory.meta(), api::control_plane_schemas(),
                              api::control_plane_busy_tables());
}

Result<identity::MasterKey> open_master_key(os::Os os, const DataDirectory& directory,
                                            const custody::Settings& settings) {
  const custody::Files files{directory.master_key(), directory.wrapped_master_key()};
  TRY_ASSIGN(const bool data, os.files.exists(directory.meta()));
  TRY_ASSIGN(auto key,
             custody::open_master_key(os, settings, files,
                                      data ? custody::Making::Refused : custody::Making::Allowed));
  TRY_ASSIGN(const bool plain, os.files.exists(files.plain));
  if (plain && settings.source.empty()) {
    log(LogLevel::Warning,
        "the master key lies in the data directory, where it protects little; keep it elsewhere "
        "with --master-key",
        {{"path", files.plain}});
  } else if (plain && custody::wraps(settings)) {
    log(LogLevel::Warning,
        "the master key is wrapped now, and lies in the data directory in clear as well; make sure "
        "that you can do without this file, and remove it",
        {{"path", files.plain}});
  }
  return identity::MasterKey(std::move(key));
}

Result<> write_credentials(os::Os os, const DataDirectory& directory,
                           const identity::Bootstrap& made) {
  const auto text = fmt::format(
      "# Account {}, user {}. Made at first start; keep it secret.\n"
      "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
      made.account_id, made.user_name, made.access_key_id, made.secret_access_key);
  return os::write_file_atomically(os.files, directory.credentials(), text, 0600);
}

}  // namespace traccia::server
