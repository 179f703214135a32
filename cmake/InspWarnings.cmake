# Every target of this project links one INTERFACE target: warnings, sanitizers, include root.
add_library(insp_options INTERFACE)
target_include_directories(insp_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")
target_compile_definitions(insp_options INTERFACE _GNU_SOURCE INSP_VERSION="${PROJECT_VERSION}")
target_compile_options(insp_options INTERFACE
  -Wall -Wextra -Wshadow -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef -Wpointer-arith
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wconversion
    -Wno-sign-conversion>
  # The code bounds names by snprintf into a buffer; GCC's guesses about it vary with -O. Clang has no such warning.
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
target_link_options(insp_options INTERFACE -Wl,--as-needed)
include(InspHardening)
if(INSP_WERROR)
  target_compile_options(insp_options INTERFACE -Werror)
endif()
if(INSP_SANITIZE)
  # GCC misreads initialisations in code that it instruments and optimises less; the release build checks them.
  target_compile_options(insp_options INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-error=maybe-uninitialized> -fsanitize=${INSP_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(insp_options INTERFACE -fsanitize=${INSP_SANITIZE})
endif()
if(INSP_COVERAGE)
  target_compile_options(insp_options INTERFACE --coverage -O0)
  target_link_options(insp_options INTERFACE --coverage)
endif()
