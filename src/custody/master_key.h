// Where the key lies under which every secret of a data directory is sealed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "custody/wrapper.h"
#include "os/os.h"

namespace traccia::custody {

inline constexpr size_t kMasterKeyBytes = 32;

struct Settings {
  // A file with the key itself; or what wraps it: a PKCS#11 URI ("pkcs11:…") or a transit service's
  // key ("transit+https://…").
  std::string source = {};
  std::string secret_file = {};  // the token's PIN, or the service's access token
  std::string ca_file = {};      // PEM, of the service's authorities; empty: the system's
};
// Whether the source wraps the key, which then lies in the data directory.
bool wraps(const Settings& settings);

// What a data directory may hold of the key.
struct Files {
  std::string plain;    // DIR/master.key
  std::string wrapped;  // DIR/master.key.wrapped; docs/formats/master-key.md
};

// Whether a key may be made where there is none: of a directory that has no data.
enum class Making : uint8_t { Allowed, Refused };

// The key, of kMasterKeyBytes; what is made is durable. Where the source wraps and there is no
// wrapped key yet, the plain file's is wrapped when that is there, and is left for the operator to
// remove. Errors say what to do, and have no secrets: InvalidArgument, NotFound, PermissionDenied,
// Unavailable (the token or service does not answer), DataLoss.
Result<std::string> open_master_key(os::Os os, const Settings& settings, const Files& files,
                                    Making making);

// The parts of the above. A file of mode 0600.
Result<std::string> open_plain(os::Os os, const std::string& path, Making making);
Result<std::string> open_wrapped(os::Os os, Wrapper& wrapper, const Files& files, Making making);

}  // namespace traccia::custody
