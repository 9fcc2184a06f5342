# embed_file(target name file): makes the file's bytes part of the program, declared in base/embedded.hpp as `name`.
# `file` is relative to the source folder, or absolute.
function(embed_file target name file)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE path)
  set(out ${CMAKE_BINARY_DIR}/embedded/${name}.S)
  file(CONFIGURE OUTPUT ${out} CONTENT [[
.section .rodata
.global jobcast_embedded_@name@
.global jobcast_embedded_@name@_end
jobcast_embedded_@name@:
.incbin "@path@"
jobcast_embedded_@name@_end:
.byte 0
.section .note.GNU-stack,"",%progbits
]] @ONLY)
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${out})
endfunction()
