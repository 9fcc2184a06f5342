# Tests that run the program or a script. Each file of tests/gateway, security and browser is an entry of its own, so that
# ctest -j runs them side by side; none shares a port or a folder with another.

# Set by the preset of a sanitizer build: the gateway tests then run once more with this program, and the browser and crash
# tests with it alone. scripts/test builds it first.
set(JOBCAST_RELEASE_PROGRAM "" CACHE STRING "A program from another build, to be tested end to end too")

# Debian's, which has the modules that scripts/setup installs; another Python may come first in PATH.
find_program(JOBCAST_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(pytest ${JOBCAST_PYTHON} -m pytest)
# Which Node.js runs is found when the tests run, since it may change after the build was configured.
set(with_node ${CMAKE_SOURCE_DIR}/scripts/with-node)
set(node_tests ${with_node} node ${CMAKE_CURRENT_SOURCE_DIR}/run_node_tests.mjs)

# add_runner_test(NAME COMMAND...): of a runner that fails if it ran no test, also when every test was skipped.
function(add_runner_test name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()
macro(add_pytest name)
  add_runner_test(${name} ${pytest} ${ARGN})
endmacro()
macro(add_node_test name)
  add_runner_test(${name} ${node_tests} ${ARGN})
endmacro()

add_test(NAME includes COMMAND ${CMAKE_SOURCE_DIR}/scripts/check-includes)
add_test(NAME format COMMAND ${CMAKE_SOURCE_DIR}/scripts/format --check)
add_test(NAME shellcheck COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/runners/shellcheck)
add_pytest(functions ${CMAKE_CURRENT_SOURCE_DIR}/functions)
add_pytest(demo ${CMAKE_CURRENT_SOURCE_DIR}/demo)
set_tests_properties(demo PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=$<TARGET_FILE:jobcast>" TIMEOUT 300)
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/clients/js/test/*.test.js)
add_node_test(clients_js ${files})

function(add_gateway_tests folder prefix program)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/test_*.py)
  foreach(file ${files})
    cmake_path(GET file STEM name)
    string(REGEX REPLACE "^test_" "${prefix}${folder}." name ${name})
    add_pytest(${name} ${file})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${program}")
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
add_pytest(chaos ${CMAKE_CURRENT_SOURCE_DIR}/chaos)
set_tests_properties(chaos PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${browser_program}")
add_test(NAME browser.modules COMMAND ${with_node} npm ci --silent --no-audit --no-fund WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/browser)
set_tests_properties(browser.modules PROPERTIES FIXTURES_SETUP browser_modules)
file(GLOB files CONFIGURE_DEPENDS browser/*.test.js)
foreach(file ${files})
  string(REGEX REPLACE ".*/([a-z_]+)\\.test\\.js" "browser.\\1" name ${file})
  add_node_test(${name} ${file})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "JOBCAST_PROGRAM=${browser_program}" FIXTURES_REQUIRED browser_modules)
endforeach()

# That no runner takes a run without a test for success, and that the browser tests end when what they need does not start.
add_pytest(runners ${CMAKE_CURRENT_SOURCE_DIR}/runners)
set_tests_properties(runners PROPERTIES FIXTURES_REQUIRED browser_modules
  ENVIRONMENT "JOBCAST_PROGRAM=${browser_program};JOBCAST_BUILD=${CMAKE_BINARY_DIR}")

# What was published with 0.1.0, beside today's.
add_subdirectory(compat)
