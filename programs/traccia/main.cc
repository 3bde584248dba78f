// The traccia program.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "cli/cli.h"

int main(int argc, char** argv) {
  try {
    return traccia::cli::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "traccia: %s\n", error.what());
    return int(traccia::cli::Exit::CouldNot);
  }
}
