# insp_library(NAME DEPS...): makes a static library of all sources below the calling folder. A library links only the
# libraries that it names, so a reference against the direction daemon -> api -> core also fails at link time.
function(insp_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARGN} PRIVATE insp_options)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# insp_device(NAME SOURCE...): sets the compute device that the users of library NAME link. It is not part of NAME, because a
# program links one of two: SOURCE... (libtorch), or the fake of tests/fake if the program has the property
# INSP_FAKE_DEVICE. With INSP_FAKE_TORCH (thread sanitizer, fuzz drivers) every program links the fake, and libtorch is not
# needed.
function(insp_device name)
  if(NOT INSP_FAKE_TORCH)
    add_library(insp_device_torch STATIC ${ARGN})
    target_link_libraries(insp_device_torch PUBLIC ${name} PRIVATE insp_torch insp_options)
    set_target_properties(insp_device_torch PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  if(INSP_FAKE_TORCH OR INSP_TESTS)
    add_library(insp_device_fake STATIC "${PROJECT_SOURCE_DIR}/tests/fake/device_fake.c")
    target_link_libraries(insp_device_fake PUBLIC ${name} m PRIVATE insp_options)
  endif()
  target_link_libraries(${name} INTERFACE
    $<IF:$<OR:$<BOOL:${INSP_FAKE_TORCH}>,$<BOOL:$<TARGET_PROPERTY:INSP_FAKE_DEVICE>>>,insp_device_fake,insp_device_torch>)
endfunction()
