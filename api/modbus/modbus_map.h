/* api/modbus/modbus_map.h - answer a request of Modbus for one station. Pure; one thread per station.
 *
 * docs/modbus.md has the map: discrete inputs 0-9, coils 0-5, input registers 0-49, holding registers 0-20. An
 * address outside gets the exception NO_ADDRESS, and nothing of the request takes effect. */
#ifndef INSP_API_MODBUS_MODBUS_MAP_H
#define INSP_API_MODBUS_MODBUS_MAP_H

#include "api/modbus/modbus_frame.h"
#include "core/line/station.h"

enum { API_MODBUS_DISCRETES = 10, API_MODBUS_INPUTS = 50, API_MODBUS_HOLDINGS = 21 };

/* The daemon's state, for one station. */
struct api_modbus_view {
    bool heartbeat;  /* toggles once per second */
    bool ready;      /* the daemon can inspect the station's product */
    bool queue_high; /* more than half of limits.inflight */
    bool training;
    int64_t now_us; /* monotonic */
};

/* Answers a complete frame of a PLC.
 *   station        NULL: the unit has none, which is an exception
 *   answer         API_MODBUS_FRAME_BYTES bytes
 *   ret_exception  API_MODBUS_DONE if the request took effect
 * Returns the length of the answer. */
size_t api_modbus_answer(struct insp_station *station, const struct insp_station_writer *writer,
                         const struct api_modbus_view *view, const uint8_t *frame, size_t bytes, uint8_t *answer,
                         enum api_modbus_exception *ret_exception);

#endif
