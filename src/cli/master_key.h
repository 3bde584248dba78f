// The options that say where the master key is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "custody/master_key.h"

namespace traccia::cli {

inline void add_master_key(CLI::App& command, custody::Settings& settings) {
  command.add_option("--master-key", settings.source,
                     "what seals secrets, made at first start: a file (default DIR/master.key), or "
                     "what wraps it: pkcs11:token=TOKEN;object=KEY?module-path=MODULE, or "
                     "transit+https://HOST:PORT/MOUNT/KEY");
  command.add_option("--master-key-secret", settings.secret_file,
                     "file with the PIN of the PKCS#11 token, or the token of the transit service");
}

}  // namespace traccia::cli
