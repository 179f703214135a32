# Flags by which a memory error ends the process instead of being exploitable. Each is used if the compiler has it.
#   -fcf-protection               indirect jumps reach marked places only (CET; x86)
#   -mbranch-protection=standard  the same, and signed return addresses (AArch64)
#   -z shstk                      marks the program as fit for a shadow stack. The linker marks it only if all objects are marked,
#                                 and glibc's Scrt1.o, crti.o and crtn.o are not (Debian 12 and 13), although they return as they
#                                 were called. For indirect jumps (IBT) they are not fit: _start begins without endbr64.
#   -fstack-clash-protection      a large frame touches each page, so it cannot jump over the guard page
#   -ftrivial-auto-var-init=zero  an uninitialised variable is zero, not an old secret or pointer
#   _FORTIFY_SOURCE=3             checks the bounds of memcpy and others, also for sizes known at run time only
# The convolution kernels (core/compute) are not zeroed: they write their tiles whole before they read them. The other flags and
# the stack protector add 65 instructions to the 7874 of conv_cpu.c, conv_kernel.c and train_kernel.c (GCC 12, -O3).
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
set(flags -fno-common -fstack-protector-strong)
foreach(flag -fcf-protection -mbranch-protection=standard -fstack-clash-protection -ftrivial-auto-var-init=zero)
  string(MAKE_C_IDENTIFIER "INSP_HAS${flag}" name)
  check_c_compiler_flag("-Werror ${flag}" ${name})
  if(${name})
    list(APPEND flags ${flag})
  endif()
endforeach()
# Without __builtin_dynamic_object_size glibc warns that it uses 2 instead of 3.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" INSP_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
target_compile_options(insp_options INTERFACE ${flags}
  $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${INSP_HAS_FORTIFY_3}>,3,2>>)
target_link_options(insp_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
if("-fcf-protection" IN_LIST flags)
  check_linker_flag(C -Wl,-z,shstk INSP_HAS_SHSTK)
  if(INSP_HAS_SHSTK)
    target_link_options(insp_options INTERFACE -Wl,-z,shstk)
  endif()
endif()
