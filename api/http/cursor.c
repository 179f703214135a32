#include "api/http/cursor.h"

#include "core/base/sha256.h"

#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
enum { HASH_CHARS = 8, PLAIN_BYTES = INSP_UUID_BYTES - 1 + HASH_CHARS, CODED_BYTES = (PLAIN_BYTES * 8 + 5) / 6 };
_Static_assert((int)CODED_BYTES < (int)API_CURSOR_BYTES, "room for a NUL");

/* Hashes the filters in the order of names, so that the order in the URL does not matter. */
static void filter_hash(const struct api_query *query, char *out) {
    static const char *const names[] = {"product", "camera", "part",  "verdict",
                                        "label",   "model",  "since", "until"};
    char text[4096], hash[INSP_SHA256_HEX_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < INSP_COUNT(names); i++) {
        const char *value = api_query_get(query, names[i]);
        if (value)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s=%.256s\n", names[i], value);
    }
    insp_sha256_hex(text, used, hash);
    memcpy(out, hash, HASH_CHARS);
}

void api_cursor_make(const struct api_query *query, const char *last_id, char *out) {
    char plain[PLAIN_BYTES];
    memcpy(plain, last_id, INSP_UUID_BYTES - 1);
    filter_hash(query, plain + INSP_UUID_BYTES - 1);
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        bits = bits << 8 | (unsigned char)plain[i];
        for (held += 8; held >= 6; held -= 6)
            *out++ = alphabet[bits >> (held - 6) & 63];
    }
    if (held)
        *out++ = alphabet[bits << (6 - held) & 63];
    *out = 0;
}

int api_cursor_read(const struct api_query *query, const char *cursor, char *ret_id, struct insp_error *reterr) {
    char plain[PLAIN_BYTES], hash[HASH_CHARS];
    size_t count = 0;
    unsigned bits = 0, held = 0;
    bool valid = strlen(cursor) == CODED_BYTES;
    for (const char *at = cursor; valid && *at; at++) {
        const char *place = strchr(alphabet, *at);
        valid = place != NULL;
        bits = bits << 6 | (unsigned)(place ? place - alphabet : 0);
        held += 6;
        if (held >= 8 && count < PLAIN_BYTES) {
            held -= 8;
            plain[count++] = (char)(bits >> held & 0xff);
        }
    }
    char id[INSP_UUID_BYTES] = "";
    if (valid && count == PLAIN_BYTES)
        memcpy(id, plain, INSP_UUID_BYTES - 1);
    if (!insp_uuid_valid(id))
        return insp_fail(reterr, INSP_E_QUERY,
                         "query parameter \"cursor\" is not the \"next\" of an earlier answer");
    filter_hash(query, hash);
    if (memcmp(hash, plain + INSP_UUID_BYTES - 1, HASH_CHARS))
        return insp_fail(reterr, INSP_E_QUERY, "query parameter \"cursor\" belongs to a list with another filter");
    memcpy(ret_id, id, sizeof id);
    return 0;
}
