# Flags that make a memory error end the process in place of being used. Each only where the compiler has it.
#   -fcf-protection               indirect jumps land on marked places only (CET; x86)
#   -fstack-clash-protection      a large frame touches each page, so it cannot jump over the guard page
#   -ftrivial-auto-var-init=zero  what a forgotten initialiser leaves is zero, not an old secret or pointer
#   _FORTIFY_SOURCE=3             bounds of memcpy and the like, also where the size is only known at run time
# The convolution kernels (core/compute) are not zeroed: their object code then has 14 instructions of 3608 more than without
# these flags, and none of them stands in a loop.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
set(flags -fno-common -fstack-protector-strong)
foreach(flag -fcf-protection -fstack-clash-protection -ftrivial-auto-var-init=zero)
  string(MAKE_C_IDENTIFIER "INSP_HAS${flag}" name)
  check_c_compiler_flag("-Werror ${flag}" ${name})
  if(${name})
    list(APPEND flags ${flag})
  endif()
endforeach()
# Without __builtin_dynamic_object_size glibc warns that 3 is taken for 2.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" INSP_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
target_compile_options(insp_options INTERFACE ${flags}
  $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${INSP_HAS_FORTIFY_3}>,3,2>>)
target_link_options(insp_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
