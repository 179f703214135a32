#include "core/base/uuid.h"

#include "core/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t last_ms;
static unsigned counter;

enum { COUNTER_MAX = 0xFFF };

/* The clock may stand still or step back (NTP); the pair (ms, counter) always increases. */
static void next_stamp(int64_t *ret_ms, unsigned *ret_counter) {
    int64_t now_ms = insp_wall_us() / 1000;
    pthread_mutex_lock(&lock);
    if (now_ms > last_ms) {
        last_ms = now_ms;
        counter = 0;
    } else if (++counter > COUNTER_MAX) {
        last_ms++;
        counter = 0;
    }
    *ret_ms = last_ms;
    *ret_counter = counter;
    pthread_mutex_unlock(&lock);
}

void insp_uuid7(char *out) {
    int64_t ms;
    unsigned count;
    unsigned char r[8];
    next_stamp(&ms, &count);
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        abort(); /* once booted the kernel always has 8 bytes; repeated ids would lose records */
    r[0] = (unsigned char)((r[0] & 0x3F) | 0x80);
    uint64_t t = (uint64_t)ms;
    snprintf(out, INSP_UUID_BYTES, "%08x-%04x-7%03x-%02x%02x-%02x%02x%02x%02x%02x%02x", (unsigned)(t >> 16),
             (unsigned)(t & 0xFFFF), count, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
}

void insp_uuid7_after(int64_t ms) {
    pthread_mutex_lock(&lock);
    if (ms >= last_ms) {
        last_ms = ms;
        counter = COUNTER_MAX;
    }
    pthread_mutex_unlock(&lock);
}

bool insp_uuid_valid(const char *text) {
    for (int i = 0; i < 36; i++) {
        char c = text[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return text[36] == '\0';
}
