/* Any text as a Content-Type. */
#include "core/image/image.h"
#include "driver.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    DEMAND(text);
    memcpy(text, data, size);
    text[size] = 0;
    struct insp_media_type type = {0};
    struct insp_error error = {0};
    int code = insp_media_parse(text, &type, &error);
    if (code) {
        DEMAND(code == INSP_E_MEDIA_TYPE && error.code == code && error.detail[0]);
        DEMAND(type.media == INSP_MEDIA_UNKNOWN);
    } else {
        DEMAND(type.media != INSP_MEDIA_UNKNOWN && insp_media_name(type.media));
        bool raw = type.media == INSP_MEDIA_RAW;
        DEMAND(raw == (type.raw_width > 0) && raw == (type.raw_height > 0));
    }
    free(text);
    return 0;
}
