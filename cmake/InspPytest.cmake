# insp_pytests(LABEL [THREADS file...]): makes ctest entries of the calling folder's test_*.py, which start the daemon or the
# command line.
#   LABEL/<file>        the tests marked neither "slow" nor "real_device" (unless marked "both"), with the fake device
#   real/LABEL-<file>   the tests marked "real_device", with libtorch; label real. A build that has the fake device only runs
#                       them in LABEL/<file>
#   slow/LABEL-<file>   the tests marked "slow", with the fake device; label long
#   long/LABEL-<file>   all tests not marked "real_device", with libtorch; label long
#   threads/LABEL-<file> in a build with the thread sanitizer, of the files after THREADS: all tests but those marked
#                       "slow" or "sequential"; label threads_http
# The fake device answers at once; the real one computes for seconds.
function(insp_pytests label)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" THREADS)
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/test_*.py")
  # The marks decide which entries exist.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  foreach(file ${files})
    get_filename_component(name "${file}" NAME_WE)
    string(REGEX REPLACE "^test_" "" subject "${name}")
    file(STRINGS "${file}" real REGEX "mark\\.real_device")
    file(STRINGS "${file}" slow REGEX "mark\\.slow")
    file(STRINGS "${file}" all_real REGEX "^pytestmark = pytest\\.mark\\.real_device")
    if(INSP_FAKE_TORCH)
      insp_pytest(${label}/${subject} "${file}" fake ${label} "not slow")
    elseif(NOT all_real)
      insp_pytest(${label}/${subject} "${file}" fake ${label} "not slow and (both or not real_device)")
    endif()
    if(subject IN_LIST arg_THREADS AND INSP_SANITIZE STREQUAL "thread")
      insp_pytest(threads/${label}-${subject} "${file}" fake threads_http "not slow and not sequential")
    endif()
    if(slow)
      insp_pytest(slow/${label}-${subject} "${file}" fake long "slow")
      if(TEST ${label}/${subject})
        set_tests_properties(${label}/${subject} PROPERTIES SKIP_RETURN_CODE 5) # pytest's "no tests": all are marked
      endif()
    endif()
    if(INSP_FAKE_TORCH)
      continue()
    endif()
    if(real)
      insp_pytest(real/${label}-${subject} "${file}" real real "real_device and not slow")
    endif()
    insp_pytest(long/${label}-${subject} "${file}" real long "not real_device or slow")
    set_tests_properties(long/${label}-${subject} PROPERTIES SKIP_RETURN_CODE 5)
  endforeach()
endfunction()

# insp_pytest(NAME FILE fake|real LABELS MARKS)
function(insp_pytest name file device labels marks)
  if(device STREQUAL "fake")
    set(environment "INSPECTD=$<TARGET_FILE:inspectd_fake>" INSP_FAKE_DEVICE=1)
  else()
    set(environment "INSPECTD=$<TARGET_FILE:inspectd>" INSP_FAKE_DEVICE=0)
  endif()
  # Threads of libtorch's OpenMP that wait must not take the processor from the tests beside.
  add_test(NAME ${name} COMMAND /usr/bin/python3 -m pytest -m "${marks}" "${file}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS "${labels}" ENVIRONMENT
    "${environment};INSP_MAKE_BUNDLE=$<TARGET_FILE:make_bundle>;INSP_TEMPLATE=${PROJECT_BINARY_DIR}/tests/http/template;OMP_WAIT_POLICY=passive;PYTHONDONTWRITEBYTECODE=1;PYTEST_DISABLE_PLUGIN_AUTOLOAD=1")
  if(name MATCHES "http|fault")
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED state)
  endif()
endfunction()

# insp_cost(NAME SECONDS ...): tells ctest -j about how long entries take, so that it begins with the longest. Names that this
# build does not have are skipped.
function(insp_cost)
  while(ARGV)
    list(POP_FRONT ARGV name seconds)
    if(TEST ${name})
      set_tests_properties(${name} PROPERTIES COST ${seconds})
    endif()
  endwhile()
endfunction()

# insp_measures(NAME...): makes entries that measure time or memory run one at a time.
function(insp_measures)
  foreach(name ${ARGV})
    if(TEST ${name})
      set_tests_properties(${name} PROPERTIES RESOURCE_LOCK timing)
    endif()
  endforeach()
endfunction()
