/* manifest.json from a stranger. A manifest that parses must format, and parse again to the same text. */
#include "core/model/manifest.h"
#include "driver.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct insp_error error = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *first = NULL, *second = NULL;
    _cleanup_free_ char *text = NULL, *again = NULL;
    int code = insp_manifest_parse((const char *)data, size, &first, &error);
    if (code < 0) {
        DEMAND(code == INSP_E_MODEL && error.code == code && error.detail[0]);
        return 0;
    }
    DEMAND(insp_manifest_format(first, &text, &error) == 0);
    DEMAND(insp_manifest_parse(text, strlen(text), &second, &error) == 0);
    DEMAND(insp_manifest_format(second, &again, &error) == 0);
    DEMAND(strcmp(text, again) == 0);
    return 0;
}
