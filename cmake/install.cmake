# What `cmake --install` puts where: the program, its documentation and an example configuration. Needs only the target
# `jobcast`. The configuration is an example in share/doc, not in etc, so that installing again overwrites no administrator's.
include(GNUInstallDirs)
install(TARGETS jobcast)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN screenshots EXCLUDE)
install(FILES config/jobcast.toml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
