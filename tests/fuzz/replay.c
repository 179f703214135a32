/* tests/fuzz/replay.c - runs a driver over a corpus folder without libFuzzer: each seed as it is, cut at every
 * sixteenth, and changed in ways drawn from a fixed generator, so that a failure comes again. The input at fault
 * is the one named on stderr last; REPLAY_MUTATIONS says how many changes per seed (200). */
#include "driver.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

enum { MUTATIONS = 200, SEED_BYTES_MAX = 1 << 20, ROOM = SEED_BYTES_MAX + 4096 };

static uint32_t draw(uint32_t *state, uint32_t bound) {
    *state = *state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*state * bound) >> 32);
}

static void change_byte(uint8_t *data, size_t size, uint32_t *state) {
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '"', ';', '{', '\n'};
    uint8_t *at = data + draw(state, (uint32_t)size);
    switch (draw(state, 3)) {
    case 0:
        *at ^= (uint8_t)(1u << draw(state, 8));
        break;
    case 1:
        *at = telling[draw(state, sizeof telling)];
        break;
    default:
        *at = (uint8_t)draw(state, 256);
    }
}

/* One to eight changes; returns the new size. */
static size_t mutate(uint8_t *data, size_t size, uint32_t *state) {
    for (uint32_t left = 1 + draw(state, 8); left && size; left--) {
        size_t from = draw(state, (uint32_t)size);
        size_t length = 1 + draw(state, (uint32_t)(size - from < 64 ? size - from : 64));
        switch (draw(state, 8)) {
        case 0: /* cut */
            size = from;
            break;
        case 1: /* take a piece out */
            memmove(data + from, data + from + length, size - from - length);
            size -= length;
            break;
        case 2: /* say a piece twice */
            if (size + length > ROOM)
                break;
            memmove(data + from + length, data + from, size - from);
            size += length;
            break;
        case 3: /* a large number where four bytes were */
            if (size - from >= 4)
                memset(data + from, draw(state, 2) ? 0xff : 0x7f, 4);
            break;
        default:
            change_byte(data, size, state);
        }
    }
    return size;
}

/* A copy of exactly this size, so that the address sanitizer sees the first byte read beyond it. */
static void run(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    DEMAND(copy);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t replay(const char *path, size_t mutations, bool verbose) {
    static uint8_t seed[ROOM], data[ROOM];
    FILE *file = fopen(path, "rb");
    DEMAND(file);
    size_t size = fread(seed, 1, SEED_BYTES_MAX + 1, file);
    DEMAND(size <= SEED_BYTES_MAX && !ferror(file));
    fclose(file);

    fprintf(stderr, "%s\n", path);
    for (size_t cut = 0; cut <= 16; cut++)
        run(seed, size * cut / 16);
    uint32_t state = 1;
    for (size_t i = 0; i < mutations; i++) {
        memcpy(data, seed, size);
        if (verbose)
            fprintf(stderr, "%s, mutation %zu\n", path, i);
        run(data, mutate(data, size, &state));
    }
    return 17 + mutations;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    const char *text = getenv("REPLAY_MUTATIONS");
    size_t mutations = text ? strtoul(text, NULL, 10) : MUTATIONS, seeds = 0, inputs = 0;
    struct dirent **entry;
    int entries = scandir(argv[1], &entry, NULL, alphasort);
    DEMAND(entries >= 0);
    for (int i = 0; i < entries; i++) {
        char path[4096];
        if (entry[i]->d_name[0] != '.') {
            DEMAND(snprintf(path, sizeof path, "%s/%s", argv[1], entry[i]->d_name) < (int)sizeof path);
            inputs += replay(path, mutations, getenv("REPLAY_VERBOSE"));
            seeds++;
        }
        free(entry[i]);
    }
    free(entry);
    printf("%zu seeds, %zu inputs\n", seeds, inputs);
    return seeds ? 0 : 1;
}
