// What lies in a data directory, and its opening.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "custody/master_key.h"
#include "identity/identity.h"
#include "meta/database.h"
#include "os/os.h"
#include "server/server.h"

namespace traccia::server {

// Makes the directory when it is missing, takes its lock, checks its format. FailedPrecondition
// when another server holds it, its format is newer, or `test_clock` differs from how it was made.
Result<std::unique_ptr<os::FileLock>> open_directory(os::Os os, const DataDirectory& directory,
                                                     bool test_clock);

// The control plane's store, made or brought up to date. The caller holds the directory's lock.
Result<std::unique_ptr<meta::Database>> open_control_plane(os::Os os,
                                                           const DataDirectory& directory);

// The key that seals secrets; made for a directory without data. The caller holds the directory's
// lock.
Result<identity::MasterKey> open_master_key(os::Os os, const DataDirectory& directory,
                                            const custody::Settings& settings);

// DIR/credentials in the form of an AWS credentials file, mode 0600.
Result<> write_credentials(os::Os os, const DataDirectory& directory,
                           const identity::Bootstrap& made);

}  // namespace traccia::server
