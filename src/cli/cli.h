// The command line: one file per command; main() only calls run().
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace traccia::cli {

// Exit codes of every command.
enum class Exit : int {
  Good = 0,
  BadNews = 1,  // the answer is INVALID or FAIL
  Usage = 2,
  CouldNot = 3,  // the work could not be done
};

int run(int argc, char** argv);

}  // namespace traccia::cli
