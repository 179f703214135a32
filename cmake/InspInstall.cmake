# cmake --install build/release [--prefix /usr] installs the binary, units, sysusers, tmpfiles, configuration, helper script,
# documents and licences. DESTDIR works. Units go below the prefix: systemd looks there for both /usr and /usr/local.
set(INSP_SHARE_DIR "${CMAKE_INSTALL_DATADIR}/inspectd")

install(TARGETS inspectd RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TARGET inspectd-torch)
  install(TARGETS inspectd-torch LIBRARY DESTINATION lib/inspectd)
endif()
if(TARGET inspectd-grab)
  install(TARGETS inspectd-grab RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/inspectd")
endif()

# The unit contains the path of the binary, which depends on the prefix: it is filled in at install time.
set(insp_install_values "${PROJECT_BINARY_DIR}/install-values.cmake")
file(CONFIGURE OUTPUT "${insp_install_values}" @ONLY CONTENT [[
set(bindir "@CMAKE_INSTALL_BINDIR@")
set(datadir "@CMAKE_INSTALL_DATADIR@")
set(docdir "@CMAKE_INSTALL_DOCDIR@")
set(config "@INSP_CONFIG_DIR@")
set(source "@PROJECT_SOURCE_DIR@")
]])
install(CODE "include(\"${insp_install_values}\")")
install(CODE [[
set(CMAKE_INSTALL_FULL_BINDIR "${CMAKE_INSTALL_PREFIX}/${bindir}")
set(CMAKE_INSTALL_FULL_DATADIR "${CMAKE_INSTALL_PREFIX}/${datadir}")
set(CMAKE_INSTALL_FULL_DOCDIR "${CMAKE_INSTALL_PREFIX}/${docdir}")
set(INSP_CONFIG_DIR "${config}")
foreach(unit inspectd.service inspectd-grab@.service)
  set(target "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit}")
  configure_file("${source}/systemd/${unit}.in" "${target}" @ONLY)
  message(STATUS "Installing: ${target}")
endforeach()

# An existing configuration is kept; the new sample is then installed beside it.
set(target "$ENV{DESTDIR}${config}/inspectd.conf")
if(EXISTS "${target}")
  set(target "${target}.new")
endif()
configure_file("${source}/config/inspectd.conf" "${target}" COPYONLY)
message(STATUS "Installing: ${target}")
]])

install(FILES "${PROJECT_SOURCE_DIR}/systemd/inspectd.socket" DESTINATION lib/systemd/system)
install(FILES "${PROJECT_SOURCE_DIR}/systemd/inspectd.sysusers.conf" DESTINATION lib/sysusers.d RENAME inspectd.conf)
install(FILES "${PROJECT_SOURCE_DIR}/systemd/inspectd.tmpfiles.conf" DESTINATION lib/tmpfiles.d RENAME inspectd.conf)
install(FILES "${PROJECT_SOURCE_DIR}/systemd/cuda.conf" "${PROJECT_SOURCE_DIR}/config/inspectd.conf"
  DESTINATION "${INSP_SHARE_DIR}")
install(PROGRAMS "${PROJECT_SOURCE_DIR}/core/model/convert_pth.py" DESTINATION "${INSP_SHARE_DIR}")
install(FILES "${PROJECT_SOURCE_DIR}/systemd/inspectd.8" DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/ARCHITECTURE.md" "${PROJECT_SOURCE_DIR}/LICENSE"
  "${PROJECT_SOURCE_DIR}/openapi.yaml" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${INSP_UPLOT_LICENSE}" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME LICENSE.uPlot)
