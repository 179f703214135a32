/* Any bytes from a PLC: they are cut into frames and answered for one station, as a connection does it. A byte
 * before each run of bytes lets time pass and a result arrive. */
#include "api/modbus/modbus_map.h"
#include "driver.h"

#include <string.h>

static void offer(struct insp_station *station, uint8_t draw, int64_t now_us) {
    const struct insp_station_result result = {.verdict = draw % 4,
                                               .error = draw & 4 ? INSP_STATION_LATE : INSP_STATION_NO_ERROR,
                                               .probability = (float)draw / 255,
                                               .part = "part",
                                               .id = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f"};
    insp_station_offer(station, &result, now_us - draw * 1000, now_us);
}

/* A part passes only if everything says so. */
static void check(const struct insp_station *station, int64_t now_us) {
    if (!insp_station_good(station))
        return;
    DEMAND(station->valid && !station->overrun && !station->error);
    DEMAND(station->coil[INSP_COIL_ENABLE] && insp_station_alive(station, now_us));
    DEMAND(station->result.verdict == INSP_STATION_GOOD);
}

static void answer(struct insp_station *station, struct api_modbus_view *view, const uint8_t *data, size_t bytes) {
    static const struct insp_station_writer plc = {{1}};
    uint8_t *frame = malloc(bytes), *reply = malloc(API_MODBUS_FRAME_BYTES); /* apart: a read beyond is seen */
    enum api_modbus_exception exception;
    DEMAND(frame && reply);
    memcpy(frame, data, bytes);
    size_t got = api_modbus_answer(frame[6] % 2 ? station : NULL, &plc, view, frame, bytes, reply, &exception);
    DEMAND(got >= 9 && api_modbus_frame_bytes(reply, got) == (int)got);
    DEMAND(!memcmp(reply, frame, 2) && reply[6] == frame[6]);
    DEMAND(reply[7] == (exception ? frame[7] | 0x80 : frame[7]));
    free(frame);
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct insp_station station = {0};
    struct api_modbus_view view = {.ready = true, .now_us = 1000000000};
    size_t at = 0;
    while (at < size) {
        const uint8_t draw = data[at++];
        int length = api_modbus_frame_bytes(data + at, size - at);
        if (length <= 0)
            break;
        view.now_us += draw * 20000;
        if (draw & 1)
            offer(&station, draw, view.now_us);
        DEMAND((size_t)length <= size - at && length <= API_MODBUS_FRAME_BYTES);
        answer(&station, &view, data + at, (size_t)length);
        insp_station_turn(&station, view.now_us);
        check(&station, view.now_us);
        at += (size_t)length;
    }
    return 0;
}
