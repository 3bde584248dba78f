// For tests: how often a thread asked for memory. To be included by one file of a program, whose
// operator new it replaces.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

// The sanitizers' runtimes have an operator new of their own, of which not all can be replaced.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRACCIA_ALLOCATES_FOR_ITSELF
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TRACCIA_ALLOCATES_FOR_ITSELF
#endif
#endif

#ifndef TRACCIA_ALLOCATES_FOR_ITSELF
namespace {
thread_local size_t allocations = 0;
}

// Not inlined, or g++ takes malloc and delete for a mismatch.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  if (void* out = std::malloc(bytes == 0 ? 1 : bytes)) return out;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif
