# Links into the program what Debian's packages allow, so that another machine needs few of them (docs/dependencies.md).

# Debian has archives of these two.
find_library(HIREDIS_ARCHIVE libhiredis.a REQUIRED)
find_library(LIBURING_ARCHIVE liburing.a REQUIRED)

# Debian has these three as shared libraries only, but their headers hold all of the code. Compiling it here once costs
# less than compiling it wherever the headers are included.
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
set(cold cmake/linked/spdlog.cpp cmake/linked/tomlplusplus.cpp)
# Settings are read once and log lines are few: a quicker build is worth more here.
set_source_files_properties(${cold} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O1>)
add_library(linked STATIC cmake/linked/fmt.cpp ${cold})
target_include_directories(linked SYSTEM PUBLIC $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES> ${TOMLPLUSPLUS_INCLUDE})
target_compile_definitions(linked PUBLIC SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL TOML_HEADER_ONLY=0)
target_link_libraries(linked PRIVATE options PUBLIC ${HIREDIS_ARCHIVE} ${LIBURING_ARCHIVE})
