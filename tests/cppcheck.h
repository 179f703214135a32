/* tests/cppcheck.h - define macros that cppcheck 2.10 does not understand (./dev lint). */
#define __attribute__(x)
#define json_array_foreach(array, index, value)                                                                   \
    for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); index++)
