/* tests/fuzz/driver.h - declare the entry of a driver (libFuzzer's contract), and check a condition. */
#ifndef INSP_TESTS_FUZZ_DRIVER_H
#define INSP_TESTS_FUZZ_DRIVER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0; whatever is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition)                                                                                         \
    do {                                                                                                          \
        if (!(condition)) {                                                                                       \
            fprintf(stderr, "%s:%d: demanded: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                              \
        }                                                                                                         \
    } while (0)

#endif
