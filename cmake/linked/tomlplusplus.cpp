// The compiled part of toml++.
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
