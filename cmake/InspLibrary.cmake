# insp_library(NAME DEPS...): makes a static library of all sources below the calling folder. A library links only the
# libraries that it names, so a reference against the direction daemon -> api -> core also fails at link time.
function(insp_library name)
  # Relative, so that the folders above the checkout do not count.
  file(GLOB_RECURSE sources RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  list(FILTER sources EXCLUDE REGEX "(^|/)torch/") # insp_device
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARGN} PRIVATE insp_options)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# insp_device(NAME LATER SOURCE...): sets the compute device that the users of library NAME link. It is not part of NAME, because
# a program links one of three: SOURCE... and libtorch; LATER, which loads a module of SOURCE... and libtorch when a device
# needs it, if the program has the property INSP_TORCH_LATER; or the fake of tests/fake if it has INSP_FAKE_DEVICE. With
# INSP_FAKE_TORCH (thread sanitizer, fuzz drivers) every program links the fake, and libtorch is not needed.
function(insp_device name later)
  if(NOT INSP_FAKE_TORCH)
    add_library(insp_device_torch STATIC ${ARGN})
    target_link_libraries(insp_device_torch PUBLIC ${name} PRIVATE insp_torch insp_options)
    set_target_properties(insp_device_torch PROPERTIES POSITION_INDEPENDENT_CODE ON)

    # The module gets the functions of NAME from the program, which exports them.
    add_library(inspectd-torch MODULE $<TARGET_OBJECTS:insp_device_torch>)
    target_link_libraries(inspectd-torch PRIVATE insp_torch insp_options)
    set_target_properties(inspectd-torch PROPERTIES PREFIX "" LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
    add_library(insp_device_later STATIC ${later})
    target_link_libraries(insp_device_later PUBLIC ${name} ${CMAKE_DL_LIBS} PRIVATE insp_options)
    target_compile_definitions(insp_device_later PRIVATE INSP_TORCH_VERSION="${insp_torch_version}"
      $<TARGET_PROPERTY:insp_torch,INTERFACE_COMPILE_DEFINITIONS>)
    foreach(symbol insp_cpu_supported insp_fail insp_log insp_log_quoted insp_packed_open)
      target_link_options(insp_device_later INTERFACE "-Wl,--export-dynamic-symbol=${symbol}")
    endforeach()
    add_dependencies(insp_device_later inspectd-torch)
  endif()
  if(INSP_FAKE_TORCH OR INSP_TESTS)
    add_library(insp_device_fake STATIC "${PROJECT_SOURCE_DIR}/tests/fake/device_fake.c")
    target_link_libraries(insp_device_fake PUBLIC ${name} m PRIVATE insp_options)
  endif()
  set(real $<IF:$<BOOL:$<TARGET_PROPERTY:INSP_TORCH_LATER>>,insp_device_later,insp_device_torch>)
  target_link_libraries(${name} INTERFACE
    $<IF:$<OR:$<BOOL:${INSP_FAKE_TORCH}>,$<BOOL:$<TARGET_PROPERTY:INSP_FAKE_DEVICE>>>,insp_device_fake,${real}>)
endfunction()

# insp_instruction_sets(NAME SOURCE...): compiles SOURCE... of library NAME, which is in it for the compiler's baseline, once
# more per instruction set that may be chosen at run time: with INSP_KERNEL defined as avx2 or avx512. Only these objects need
# more than the baseline. COMPILE_OPTIONS of the sources apply to each.
function(insp_instruction_sets name)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    return()
  endif()
  set(avx2 -mavx2 -mfma)
  set(avx512 -mavx512f -mfma -mprefer-vector-width=512)
  foreach(set avx2 avx512)
    add_library(${name}_${set} OBJECT ${ARGN})
    target_link_libraries(${name}_${set} PRIVATE insp_options)
    set_target_properties(${name}_${set} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_definitions(${name}_${set} PRIVATE INSP_KERNEL=${set})
    target_compile_options(${name}_${set} PRIVATE ${${set}})
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${name}_${set}>)
  endforeach()
endfunction()
