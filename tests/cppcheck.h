/* tests/cppcheck.h - what cppcheck 2.10 has to be told before it reads our sources (./dev lint). */
#define __attribute__(x)
#define json_array_foreach(array, index, value)                                                                   \
    for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); index++)
