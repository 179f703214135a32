#include "core/store/internal.h"

#include <stdio.h>

static unsigned nibble(char c) {
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

bool insp_id_parse(const char *id, unsigned char ret_blob[INSP_ID_BLOB_BYTES], int64_t *ret_key) {
    if (!insp_uuid_valid(id))
        return false;
    unsigned char blob[INSP_ID_BLOB_BYTES];
    for (int i = 0, at = 0; at < 36; at += 2) {
        if (id[at] == '-')
            at++;
        blob[i++] = (unsigned char)(nibble(id[at]) << 4 | nibble(id[at + 1]));
    }
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | blob[i];
    if (blob[6] >> 4 != 7 || ms >> 42)
        return false;
    uint64_t within = (uint64_t)(blob[6] & 0x0F) << 8 | blob[7];
    uint64_t random = (uint64_t)(blob[8] & 0x3F) << 3 | blob[9] >> 5;
    *ret_key = (int64_t)(ms << INSP_KEY_MS_SHIFT | within << 9 | random);
    for (int i = 0; i < INSP_ID_BLOB_BYTES; i++)
        ret_blob[i] = blob[i];
    return true;
}

void insp_id_format(const unsigned char blob[INSP_ID_BLOB_BYTES], char ret_id[INSP_UUID_BYTES]) {
    static const char digit[] = "0123456789abcdef";
    char *out = ret_id;
    for (int i = 0; i < INSP_ID_BLOB_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digit[blob[i] >> 4];
        *out++ = digit[blob[i] & 15];
    }
    *out = '\0';
}

int64_t insp_key_of_us(int64_t wall_us) {
    int64_t ms = wall_us / 1000, last = ((int64_t)1 << 42) - 1;
    ms = ms < 0 ? 0 : ms > last ? last : ms;
    return ms << INSP_KEY_MS_SHIFT;
}
