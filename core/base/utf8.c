#include "core/base/utf8.h"

#include <string.h>

/* Returns the bytes of the sequence that begins here, 0 if it is malformed. *ret_cut: the text ends within it
 * and it is well-formed so far. */
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

size_t insp_utf8_step(const char *text, uint32_t *ret) {
    const unsigned char *s = (const unsigned char *)text;
    bool cut;
    size_t bytes = sequence(s, &cut);
    if (!bytes)
        return 0;
    uint32_t value = bytes == 1 ? s[0] : s[0] & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        value = value << 6 | (s[i] & 0x3F);
    *ret = value;
    return bytes;
}

bool insp_utf8_noncharacter(uint32_t character) {
    return (character & 0xfffe) == 0xfffe || (character >= 0xfdd0 && character <= 0xfdef);
}

bool insp_utf8_visible(uint32_t character) {
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0, 0x1f},        {0x7f, 0x9f},
        {0xad, 0xad},                       /* soft hyphen */
        {0x61c, 0x61c},   {0x200b, 0x200f}, /* zero width, direction marks */
        {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff},                     /* separators, embeddings, isolates, byte order mark */
        {0xfff9, 0xfffb}, {0xe0000, 0xe007f}, /* interlinear marks, tags */
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (character >= hidden[i].first && character <= hidden[i].last)
            return false;
    return !insp_utf8_noncharacter(character);
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
