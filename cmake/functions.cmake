# Joins the parts of the function library, in the order of order.txt, into ${functions_lua}; scripts/functions does the same
# for the tests.
set(functions_folder ${CMAKE_SOURCE_DIR}/src/store/functions)
set(functions_lua ${CMAKE_BINARY_DIR}/functions.lua)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${functions_folder}/order.txt)
file(STRINGS ${functions_folder}/order.txt functions_parts)
list(TRANSFORM functions_parts REPLACE "^.+$" "${functions_folder}/\\0.lua")
add_custom_command(OUTPUT ${functions_lua} COMMAND ${CMAKE_COMMAND} -E cat ${functions_parts} > ${functions_lua}
                   DEPENDS ${functions_parts} VERBATIM)
