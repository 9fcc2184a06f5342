// Files that are part of the program (cmake/embed.cmake), so that it runs from anywhere.
#pragma once

#include <string_view>

#define JOBCAST_EMBEDDED(name)                                                                                         \
  extern "C" const char jobcast_embedded_##name[];                                                                     \
  extern "C" const char jobcast_embedded_##name##_end[];                                                               \
  namespace jobcast::embedded {                                                                                        \
  inline std::string_view name() {                                                                                     \
    return {jobcast_embedded_##name,                                                                                   \
            static_cast<std::size_t>(jobcast_embedded_##name##_end - jobcast_embedded_##name)};                        \
  }                                                                                                                    \
  }

JOBCAST_EMBEDDED(functions_lua)
JOBCAST_EMBEDDED(openapi_yaml)
JOBCAST_EMBEDDED(jobcast_js)
JOBCAST_EMBEDDED(components_js)
JOBCAST_EMBEDDED(jobcast_global_js)

#undef JOBCAST_EMBEDDED
