#include "core/base/base64.h"

#include "core/base/cleanup.h"

#include <nettle/base64.h>
#include <string.h>

int insp_base64_encode(const void *data, size_t bytes, char **ret_text, struct insp_error *reterr) {
    size_t length = BASE64_ENCODE_RAW_LENGTH(bytes);
    char *text = malloc(length + 1);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu bytes of base64", length);
    base64_encode_raw(text, bytes, data);
    text[length] = '\0';
    *ret_text = text;
    return 0;
}

bool insp_base64_decode(const char *text, void *ret_data, size_t bytes) {
    size_t length = strlen(text), decoded = BASE64_DECODE_LENGTH(length);
    struct base64_decode_ctx context;
    if (length != BASE64_ENCODE_RAW_LENGTH(bytes))
        return false;
    _cleanup_free_ unsigned char *room = malloc(BASE64_DECODE_LENGTH(length) + 1);
    if (!room)
        return false;
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &decoded, room, length, text) || !base64_decode_final(&context) ||
        decoded != bytes)
        return false;
    memcpy(ret_data, room, bytes);
    return true;
}

int insp_base64_decode_new(const char *text, size_t length, uint8_t **ret_data, size_t *ret_bytes,
                           struct insp_error *reterr) {
    size_t bytes = BASE64_DECODE_LENGTH(length);
    struct base64_decode_ctx context;
    _cleanup_free_ uint8_t *data = malloc(bytes + 1);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu bytes of base64", length);
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &bytes, data, length, text) || !base64_decode_final(&context))
        return insp_fail(reterr, INSP_E_PARAMETER, "the text is not base64 with padding");
    *ret_data = insp_take_ptr(data);
    *ret_bytes = bytes;
    return 0;
}
