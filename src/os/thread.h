// Threads with a name and a role.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace traccia::os {

// Who comes first while processors are short. Foreground: somebody waits for it. Follower: it keeps
// up, a little later. Background: it can be late, and would otherwise keep a processor for as long
// as it lasts.
enum class ThreadRole { Foreground, Follower, Background };

// The name is what `ps -L` and profilers show, at most 15 characters.
std::jthread start_thread(std::string name, ThreadRole role, std::move_only_function<void()> run);

}  // namespace traccia::os
