# Tests that run the program or a script. Each file of tests/gateway, security and browser is an entry of its own, so that
# ctest -j runs them side by side; none shares a port or a folder with another.

# Set by scripts/test beside a sanitizer build: the gateway tests then run once more with this program, and the browser
# and crash tests with it alone.
set(JOBCAST_RELEASE_PROGRAM "" CACHE FILEPATH "A program from another build, to be tested end to end too")

# Debian's, which has the modules that scripts/setup installs; another Python may come first in PATH.
find_program(JOBCAST_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(pytest ${JOBCAST_PYTHON} -m pytest -q -p no:cacheprovider)

add_test(NAME includes COMMAND ${CMAKE_SOURCE_DIR}/scripts/check-includes)
add_test(NAME format COMMAND ${CMAKE_SOURCE_DIR}/scripts/format --check)
add_test(NAME functions COMMAND ${pytest} ${CMAKE_CURRENT_SOURCE_DIR}/functions)
add_test(NAME demo COMMAND ${pytest} ${CMAKE_CURRENT_SOURCE_DIR}/demo)
set_tests_properties(demo PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=$<TARGET_FILE:jobcast>" TIMEOUT 300)
add_test(NAME clients_js COMMAND node --test ${CMAKE_SOURCE_DIR}/clients/js/test)

function(add_gateway_tests folder prefix program)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/test_*.py)
  foreach(file ${files})
    cmake_path(GET file STEM name)
    string(REGEX REPLACE "^test_" "${prefix}${folder}." name ${name})
    add_test(NAME ${name} COMMAND ${pytest} ${file})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${program}" TIMEOUT 600)
  endforeach()
endfunction()
add_gateway_tests(gateway "" $<TARGET_FILE:jobcast>)
add_gateway_tests(security "" $<TARGET_FILE:jobcast>)

# Instruction counts mean something only of what is released.
set(hot_path_program $<TARGET_FILE:hot_path>)
set(browser_program $<TARGET_FILE:jobcast>)
if(JOBCAST_RELEASE_PROGRAM)
  cmake_path(GET JOBCAST_RELEASE_PROGRAM PARENT_PATH release_folder)
  set(hot_path_program ${release_folder}/tests/hot_path)
  add_gateway_tests(gateway release. ${JOBCAST_RELEASE_PROGRAM})
  add_gateway_tests(security release. ${JOBCAST_RELEASE_PROGRAM})
  set(browser_program ${JOBCAST_RELEASE_PROGRAM})
endif()
if(JOBCAST_RELEASE_PROGRAM OR CMAKE_BUILD_TYPE STREQUAL "Release")
  add_test(NAME instructions COMMAND ${JOBCAST_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/bench/instructions.py ${hot_path_program})
  set_tests_properties(instructions PROPERTIES TIMEOUT 180)
endif()
add_test(NAME chaos COMMAND ${pytest} ${CMAKE_CURRENT_SOURCE_DIR}/chaos)
set_tests_properties(chaos PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${browser_program}" TIMEOUT 600)
add_test(NAME browser.modules COMMAND npm ci --silent --no-audit --no-fund WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/browser)
set_tests_properties(browser.modules PROPERTIES FIXTURES_SETUP browser_modules)
file(GLOB files CONFIGURE_DEPENDS browser/*.test.js)
foreach(file ${files})
  string(REGEX REPLACE ".*/([a-z_]+)\\.test\\.js" "browser.\\1" name ${file})
  add_test(NAME ${name} COMMAND node --test ${file} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/browser)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${browser_program}" TIMEOUT 600
                                          FIXTURES_REQUIRED browser_modules)
endforeach()

# What was published with 0.1.0, beside today's.
add_subdirectory(compat)
