# Fetches uPlot, the dashboard's chart library (MIT, https://github.com/leeoniya/uPlot), from the npm registry, because it is
# not in Debian. The configuration step downloads the archive and checks its SHA-512 (the "integrity" that npm publishes), so
# the transport need not be trusted. The daemon serves the library from memory: nothing is fetched at run time.
#
# Without a network, set INSP_UPLOT_DIR (cache variable or environment) to a folder with uPlot.esm.js, uPlot.min.css (both
# may lie in dist/, as in the npm package) and LICENSE. NPM_CONFIG_REGISTRY in the environment names another registry, as for
# npm.
#
# Defines INSP_UPLOT_ESM, INSP_UPLOT_CSS and INSP_UPLOT_LICENSE: paths of the three files.
set(INSP_UPLOT_VERSION 1.6.32)
set(insp_uplot_sha512
  "2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023")
set(INSP_UPLOT_DIR "$ENV{INSP_UPLOT_DIR}" CACHE PATH
  "Folder with uPlot.esm.js, uPlot.min.css and LICENSE; empty: uPlot ${INSP_UPLOT_VERSION} is fetched from the npm registry")

# Unpacks the package into the build folder: once, and again if it was damaged.
function(insp_fetch_uplot ret_folder)
  set(registry "$ENV{NPM_CONFIG_REGISTRY}")
  if(NOT registry)
    set(registry "https://registry.npmjs.org")
  endif()
  string(REGEX REPLACE "/+$" "" registry "${registry}")
  set(url "${registry}/uplot/-/uplot-${INSP_UPLOT_VERSION}.tgz")
  set(archive "${PROJECT_BINARY_DIR}/uplot/uplot-${INSP_UPLOT_VERSION}.tgz")
  set(hash "")
  set(problem "")
  foreach(attempt RANGE 3) # as given, then three times from the network
    if(EXISTS "${archive}")
      file(SHA512 "${archive}" hash)
      if(hash STREQUAL insp_uplot_sha512)
        file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${PROJECT_BINARY_DIR}/uplot")
        set(${ret_folder} "${PROJECT_BINARY_DIR}/uplot/package" PARENT_SCOPE)
        return()
      endif()
      file(REMOVE "${archive}")
      set(problem "its SHA-512 is not ${insp_uplot_sha512}")
    endif()
    if(attempt LESS 3)
      message(STATUS "uPlot ${INSP_UPLOT_VERSION}: fetching ${url}")
      # The hash below decides, so that a build in a bare container also works behind a company's TLS proxy.
      file(DOWNLOAD "${url}" "${archive}" STATUS status INACTIVITY_TIMEOUT 30 TIMEOUT 120 TLS_VERIFY OFF)
      list(GET status 0 code)
      if(NOT code EQUAL 0)
        list(GET status 1 problem)
        file(REMOVE "${archive}")
      endif()
    endif()
  endforeach()
  message(FATAL_ERROR "The dashboard's chart library cannot be fetched from ${url}: ${problem}.\n"
    "Without a network: bring that file here, unpack it, and configure with -DINSP_UPLOT_DIR=FOLDER (or set INSP_UPLOT_DIR "
    "in the environment). Behind a registry of your own: set NPM_CONFIG_REGISTRY; behind a proxy: https_proxy.")
endfunction()

if(INSP_UPLOT_DIR)
  get_filename_component(insp_uplot "${INSP_UPLOT_DIR}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
else()
  insp_fetch_uplot(insp_uplot)
endif()

foreach(entry ESM=uPlot.esm.js CSS=uPlot.min.css LICENSE=LICENSE)
  string(REPLACE "=" ";" entry "${entry}")
  list(GET entry 0 variable)
  list(GET entry 1 name)
  set(INSP_UPLOT_${variable} "")
  foreach(file "${insp_uplot}/${name}" "${insp_uplot}/dist/${name}")
    if(EXISTS "${file}")
      set(INSP_UPLOT_${variable} "${file}")
      break()
    endif()
  endforeach()
  if(NOT INSP_UPLOT_${variable})
    message(FATAL_ERROR "${insp_uplot} has no ${name} (nor dist/${name}): INSP_UPLOT_DIR must be uPlot's npm package, unpacked")
  endif()
endforeach()
