# Compiler and linker flags that every target of the project shares.
add_library(traccia_flags INTERFACE)
target_compile_options(traccia_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(traccia_flags INTERFACE -Wthread-safety)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(traccia_flags INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(traccia_flags INTERFACE -fstack-protector-strong)
endif()
# g++ 12 sees overlaps, overruns and unset values in the standard library's own strings once it
# inlines them (GCC bugs 105329, 105562, 105651). The other presets keep these warnings.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(traccia_flags INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(TRACCIA_SANITIZE)
  target_compile_options(traccia_flags INTERFACE
    -fsanitize=${TRACCIA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(traccia_flags INTERFACE -fsanitize=${TRACCIA_SANITIZE})
endif()
find_program(TRACCIA_MOLD mold)
if(TRACCIA_MOLD AND NOT TRACCIA_FUZZ)
  target_link_options(traccia_flags INTERFACE -fuse-ld=mold)
endif()
find_program(TRACCIA_CCACHE ccache)
if(TRACCIA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TRACCIA_CCACHE})
endif()
