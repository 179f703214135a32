#include "core/base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes of the sequence that begins here, 0 for none; *ret_cut: it is well-formed as far as the text goes. */
static size_t sequence(const unsigned char *s, bool *ret_cut) {
    size_t bytes = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : 0;
    if (s[0] >= 0xF0 && s[0] < 0xF5)
        bytes = 4;
    *ret_cut = false;
    for (size_t i = 1; i < bytes; i++) {
        if (!s[i]) {
            *ret_cut = true;
            return 0;
        }
        unsigned char low = 0x80, high = 0xBF;
        if (i == 1) { /* overlong forms, surrogates, beyond U+10FFFF */
            low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
            high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
        }
        if (s[i] < low || s[i] > high)
            return 0;
    }
    return bytes;
}

void insp_utf8_clean(char *text) {
    for (unsigned char *s = (unsigned char *)text; *s;) {
        bool cut;
        size_t bytes = sequence(s, &cut);
        if (cut) {
            *s = '\0';
            return;
        }
        if (!bytes)
            *s = '?';
        s += bytes ? bytes : 1;
    }
}
