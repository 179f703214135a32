/* libFuzzer: manifest.json from a stranger. What parses must format, and read back to the same text. */
#include "core/model/manifest.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct insp_error err;
    _cleanup_(insp_manifest_freep) struct insp_manifest *first = NULL, *second = NULL;
    _cleanup_free_ char *text = NULL, *again = NULL;
    if (insp_manifest_parse((const char *)data, size, &first, &err) < 0)
        return 0;
    if (insp_manifest_format(first, &text, &err) < 0) {
        if (err.code == INSP_E_NOMEM)
            return 0;
        abort();
    }
    if (insp_manifest_parse(text, strlen(text), &second, &err) < 0 ||
        insp_manifest_format(second, &again, &err) < 0 || strcmp(text, again) != 0)
        abort();
    return 0;
}
