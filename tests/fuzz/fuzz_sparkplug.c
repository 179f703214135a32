/* Any bytes as a command to the Sparkplug node. A message stays one if the daemon's metric is put behind it, and
 * the metric is found. */
#include "api/sparkplug/sparkplug_payload.h"
#include "driver.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char name[] = "Node Control/Rebirth";
    enum { ROOM = 64 };
    uint8_t *copy = malloc(size ? size : 1), *both = malloc(size + ROOM); /* apart: a read beyond is seen */
    struct api_sparkplug_writer writer = {.to = both + size, .room = ROOM};
    struct insp_error error;
    bool found = false;
    DEMAND(copy && both);
    if (size) {
        memcpy(copy, data, size);
        memcpy(both, data, size);
    }
    int code = api_sparkplug_flag(copy, size, name, &found, &error);
    DEMAND(code == 0 || (code == INSP_E_REQUEST && !found));
    api_sparkplug_add(&writer, &(struct api_sparkplug_metric){
                                   .name = name, .type = API_SPARKPLUG_BOOLEAN, .at_us = size, .flag = true});
    size_t added = api_sparkplug_end(&writer, (int)(size % 256));
    DEMAND(added);
    if (code == 0)
        DEMAND(api_sparkplug_flag(both, size + added, name, &found, &error) == 0 && found);
    free(copy);
    free(both);
    return 0;
}
