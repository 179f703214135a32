#include "api/sparkplug/sparkplug_devices.h"

#include "core/base/utf8.h"

#include <stdio.h>
#include <string.h>

void api_sparkplug_result_of(const struct insp_record *record, int64_t place, struct api_sparkplug_result *ret) {
    *ret = (struct api_sparkplug_result){.place = place,
                                         .received_us = record->received_us,
                                         .total_us = record->total_us,
                                         .verdict = record->verdict,
                                         .probability = record->probability,
                                         .threshold = record->threshold,
                                         .late = insp_record_late(record)};
    snprintf(ret->id, sizeof ret->id, "%s", record->id);
    snprintf(ret->product, sizeof ret->product, "%s", record->product);
    snprintf(ret->model, sizeof ret->model, "%s", record->model);
    snprintf(ret->part, sizeof ret->part, "%s", record->part);
    insp_utf8_clean(ret->part);
    api_mqtt_level(record->camera, ret->device);
    insp_utf8_clean(ret->device);
}

struct api_sparkplug_device *api_sparkplug_device_of(struct api_sparkplug_devices *devices, const char *name) {
    struct api_sparkplug_device *oldest = NULL;
    for (size_t i = 0; i < API_SPARKPLUG_DEVICES; i++) {
        struct api_sparkplug_device *device = &devices->item[i];
        if (!strcmp(device->name, name))
            return device;
        if (!oldest || (*oldest->name && (!*device->name || device->last.place < oldest->last.place)))
            oldest = device;
    }
    return oldest;
}

void api_sparkplug_add_result(struct api_sparkplug_writer *writer, const struct api_sparkplug_result *result,
                              bool historical, int64_t now_us) {
    const bool none = !result->place;
    const struct api_sparkplug_metric metric[] = {
        {.name = "Inspection/Id", .type = API_SPARKPLUG_STRING, .text = result->id},
        {.name = "Inspection/Sequence", .type = API_SPARKPLUG_INT64, .number = result->place},
        {.name = "Inspection/Product", .type = API_SPARKPLUG_STRING, .text = result->product},
        {.name = "Inspection/Model", .type = API_SPARKPLUG_STRING, .text = result->model},
        {.name = "Inspection/Part", .type = API_SPARKPLUG_STRING, .null = !*result->part, .text = result->part},
        {.name = "Inspection/Verdict",
         .type = API_SPARKPLUG_STRING,
         .text = none ? "" : insp_verdict_name(result->verdict)},
        {.name = "Inspection/Probability", .type = API_SPARKPLUG_FLOAT, .real = (double)result->probability},
        {.name = "Inspection/Threshold", .type = API_SPARKPLUG_FLOAT, .real = (double)result->threshold},
        {.name = "Inspection/Late", .type = API_SPARKPLUG_BOOLEAN, .flag = result->late},
        {.name = "Inspection/Total ms", .type = API_SPARKPLUG_DOUBLE, .real = (double)result->total_us / 1000},
    };
    for (size_t i = 0; i < sizeof metric / sizeof *metric; i++) {
        struct api_sparkplug_metric one = metric[i];
        one.null |= none;
        one.historical = historical;
        one.at_us = none ? now_us : result->received_us;
        api_sparkplug_add(writer, &one);
    }
}
