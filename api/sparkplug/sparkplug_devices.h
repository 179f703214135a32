/* api/sparkplug/sparkplug_devices.h - keep the devices of a Sparkplug edge node, which are the cameras, and the
 * last result of each. A bounded number: a new device takes the place of the one that was silent for longest. Loop
 * thread; nothing blocks. */
#ifndef INSP_API_SPARKPLUG_SPARKPLUG_DEVICES_H
#define INSP_API_SPARKPLUG_SPARKPLUG_DEVICES_H

#include "api/sinks/mqtt_names.h"
#include "api/sparkplug/sparkplug_payload.h"
#include "core/base/uuid.h"
#include "core/inspect/inspection.h"
#include "core/store/store.h"

enum { API_SPARKPLUG_DEVICES = 64 };

/* Holds the part of an inspection that a device publishes. */
struct api_sparkplug_result {
    int64_t place;       /* 0: none yet */
    int64_t received_us; /* wall */
    int64_t total_us;
    enum insp_verdict verdict;
    float probability, threshold;
    bool late;
    char id[INSP_UUID_BYTES], product[INSP_NAME_BYTES], model[INSP_NAME_BYTES];
    char part[INSP_TAG_BYTES], device[API_MQTT_LEVEL_BYTES]; /* device: the topic's level, from the camera */
};

struct api_sparkplug_device {
    char name[API_MQTT_LEVEL_BYTES]; /* "": a free place */
    bool born;                       /* in this connection */
    struct api_sparkplug_result last;
};

struct api_sparkplug_devices {
    struct api_sparkplug_device item[API_SPARKPLUG_DEVICES];
};

/* Copies the part of a record that its device publishes. */
void api_sparkplug_result_of(const struct insp_record *record, int64_t place, struct api_sparkplug_result *ret);

/* Finds the device of a result. If it is a new one and all places are taken, the place of the device with the
 * oldest result is used: its name and whether it was born are still there, so that the caller can tell of its
 * death; else the name is "" or the device's own. Borrowed, never NULL. */
struct api_sparkplug_device *api_sparkplug_device_of(struct api_sparkplug_devices *devices, const char *name);

/* Writes a device's metrics, those of `result`: without values if its place is 0. */
void api_sparkplug_add_result(struct api_sparkplug_writer *writer, const struct api_sparkplug_result *result,
                              bool historical, int64_t now_us);

#endif
