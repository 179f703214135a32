# insp_library(NAME DEPS...): one static library of all sources in the calling folder. A library links only what
# it names, so a reference against the direction daemon -> api -> core fails at link time too.
function(insp_library name)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARGN} PRIVATE insp_options)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()
