/* Any body as a KServe request: two bytes with the length of its JSON, then the body. */
#include "api/kserve/tensors.h"
#include "driver.h"

#include <string.h>

enum { IMAGES_MAX = 4 };

static void check(const struct api_kserve_call *call, size_t body_bytes) {
    size_t all = 0;
    DEMAND(call->count && call->count <= IMAGES_MAX);
    DEMAND(call->output_count && call->output_count <= API_KSERVE_OUTPUTS);
    DEMAND(call->timeout_us >= 0);
    for (size_t i = 0; i < call->count; i++) {
        DEMAND(call->image[i].bytes && call->image[i].count);
        if (call->type.media == INSP_MEDIA_RAW)
            DEMAND(call->image[i].count == (size_t)call->type.raw_width * call->type.raw_height * 3);
        all += call->image[i].count;
    }
    DEMAND(all < body_bytes); /* docs/security.md: the images are no larger than the body */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct api_kserve_call call = {0};
    struct insp_error error = {0};
    if (size < 2)
        return 0;
    size_t bytes = size - 2, json_bytes = data[0] | (size_t)data[1] << 8;
    uint8_t *body = malloc(bytes ? bytes : 1); /* a separate block, so that a read beyond its end is seen */
    DEMAND(body);
    memcpy(body, data + 2, bytes);
    int code = api_kserve_read(body, bytes, json_bytes ? json_bytes : bytes, IMAGES_MAX, &call, &error);
    if (code) {
        DEMAND(code == INSP_E_REQUEST || code == INSP_E_PARAMETER || code == INSP_E_TOO_LARGE ||
               code == INSP_E_IMAGE);
        DEMAND(error.code == code && error.detail[0] && !call.count);
    } else {
        check(&call, bytes);
        api_kserve_call_clear(&call);
    }
    free(body);
    return 0;
}
