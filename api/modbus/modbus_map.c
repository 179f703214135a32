#include "api/modbus/modbus_map.h"

#include <string.h>

enum { PART_REGISTERS = 16, ID_REGISTERS = 18, SCALE = 10000 };

/* --- images of the four tables --- */

static void discretes(const struct insp_station *s, const struct api_modbus_view *view, bool *ret) {
    const bool good = insp_station_good(s);
    const bool values[API_MODBUS_DISCRETES] = {
        view->heartbeat,
        insp_station_ready(s, view->ready, view->now_us),
        s->in_flight || s->waits,
        s->valid,
        good,
        !good,
        s->valid && s->result.verdict == INSP_STATION_REVIEW,
        s->error || s->overrun || !view->ready,
        view->queue_high,
        view->training,
    };
    memcpy(ret, values, sizeof values);
}

static uint16_t clamp(uint32_t value) {
    return value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
}

/* Rounds down, so that a good part's probability never reads as its threshold's. */
static uint16_t scaled(float fraction) {
    return fraction > 0 ? clamp((uint32_t)(fraction * SCALE)) : 0;
}

static void put_long(uint16_t *at, uint32_t value) {
    at[0] = (uint16_t)(value >> 16);
    at[1] = (uint16_t)value;
}

/* Two characters per register up to the text's end, zeros behind it; ? for a byte that is not printable ASCII. */
static void put_text(uint16_t *at, size_t registers, const char *text) {
    for (size_t i = 0; i < 2 * registers && *text; i++, text++) {
        uint8_t letter = *text >= ' ' && *text <= '~' ? (uint8_t)*text : '?';
        at[i / 2] |= (uint16_t)(i % 2 ? letter : letter << 8);
    }
}

static void inputs(const struct insp_station *s, uint16_t *ret) {
    const struct insp_station_result *r = &s->result;
    memset(ret, 0, API_MODBUS_INPUTS * sizeof *ret);
    ret[0] = s->sequence;
    ret[1] = (uint16_t)r->verdict;
    ret[2] = scaled(r->probability);
    ret[3] = scaled(r->threshold);
    ret[4] = (uint16_t)s->error;
    ret[5] = clamp(r->latency_ms);
    put_long(ret + 6, s->inspections);
    put_long(ret + 8, s->anomalies);
    put_long(ret + 10, r->part_number);
    put_text(ret + 12, PART_REGISTERS, r->part);
    put_text(ret + 28, ID_REGISTERS, r->id);
    ret[46] = clamp(r->box.x);
    ret[47] = clamp(r->box.y);
    ret[48] = clamp(r->box.width);
    ret[49] = clamp(r->box.height);
}

static void holdings(const struct insp_station *s, uint16_t *ret) {
    memset(ret, 0, API_MODBUS_HOLDINGS * sizeof *ret);
    ret[0] = s->part.product;
    put_long(ret + 2, s->part.number);
    for (size_t i = 0; i < PART_REGISTERS; i++)
        ret[4 + i] = api_modbus_get((const uint8_t *)s->part.id + 2 * i);
    ret[20] = s->part.deadline_ms;
}

static void keep_holdings(struct insp_station *s, const uint16_t *values) {
    s->part.product = values[0];
    s->part.number = (uint32_t)values[2] << 16 | values[3];
    for (size_t i = 0; i < PART_REGISTERS; i++)
        api_modbus_put((uint8_t *)s->part.id + 2 * i, values[4 + i]);
    s->part.deadline_ms = values[20];
}

/* --- functions --- */

static size_t reply_bits(const struct api_modbus_request *request, const bool *bits, const uint8_t *frame,
                         uint8_t *answer) {
    uint8_t data[1 + (API_MODBUS_DISCRETES + 7) / 8] = {(uint8_t)((request->count + 7) / 8)};
    for (unsigned i = 0; i < request->count; i++)
        data[1 + i / 8] |= (uint8_t)(bits[request->first + i] << i % 8);
    return api_modbus_reply(frame, data, 1 + (size_t)data[0], answer);
}

static size_t reply_registers(const struct api_modbus_request *request, const uint16_t *registers,
                              const uint8_t *frame, uint8_t *answer) {
    uint8_t data[1 + 2 * API_MODBUS_INPUTS] = {(uint8_t)(2 * request->count)};
    for (unsigned i = 0; i < request->count; i++)
        api_modbus_put(data + 1 + (size_t)2 * i, registers[request->first + i]);
    return api_modbus_reply(frame, data, 1 + (size_t)data[0], answer);
}

static void write_coils(struct insp_station *s, const struct insp_station_writer *writer,
                        const struct api_modbus_request *request, int64_t now_us) {
    bool values[INSP_COILS];
    for (unsigned i = 0; i < request->count; i++)
        values[i] = request->function == API_MODBUS_WRITE_COIL ? request->values[0] != 0
                                                               : request->values[i / 8] >> i % 8 & 1;
    insp_station_write(s, writer, request->first, request->count, values, now_us);
}

static void write_registers(struct insp_station *s, const struct api_modbus_request *request) {
    uint16_t image[API_MODBUS_HOLDINGS];
    holdings(s, image);
    for (unsigned i = 0; i < request->count; i++)
        image[request->first + i] = api_modbus_get(request->values + (size_t)2 * i);
    keep_holdings(s, image);
}

static unsigned table_size(uint8_t function) {
    switch (function) {
    case API_MODBUS_READ_DISCRETE:
        return API_MODBUS_DISCRETES;
    case API_MODBUS_READ_INPUT:
        return API_MODBUS_INPUTS;
    case API_MODBUS_READ_HOLDING:
    case API_MODBUS_WRITE_REGISTER:
    case API_MODBUS_WRITE_REGISTERS:
        return API_MODBUS_HOLDINGS;
    default:
        return INSP_COILS;
    }
}

static bool reads(uint8_t function) {
    return function >= API_MODBUS_READ_COILS && function <= API_MODBUS_READ_INPUT;
}

static size_t read_table(const struct insp_station *s, const struct api_modbus_view *view,
                         const struct api_modbus_request *request, const uint8_t *frame, uint8_t *answer) {
    bool bits[API_MODBUS_DISCRETES];
    uint16_t registers[API_MODBUS_INPUTS];
    switch (request->function) {
    case API_MODBUS_READ_COILS:
        return reply_bits(request, s->coil, frame, answer);
    case API_MODBUS_READ_DISCRETE:
        discretes(s, view, bits);
        return reply_bits(request, bits, frame, answer);
    case API_MODBUS_READ_HOLDING:
        holdings(s, registers);
        return reply_registers(request, registers, frame, answer);
    default:
        inputs(s, registers);
        return reply_registers(request, registers, frame, answer);
    }
}

size_t api_modbus_answer(struct insp_station *station, const struct insp_station_writer *writer,
                         const struct api_modbus_view *view, const uint8_t *frame, size_t bytes, uint8_t *answer,
                         enum api_modbus_exception *ret_exception) {
    enum { DATA = 8, ECHO = 4 };
    struct api_modbus_request request;
    enum api_modbus_exception why = api_modbus_read(frame, bytes, &request);
    if (!station)
        why = API_MODBUS_NO_STATION;
    if (!why && request.first + request.count > table_size(request.function))
        why = API_MODBUS_NO_ADDRESS;
    if (!why && !reads(request.function) && !insp_station_may_write(station, writer, view->now_us))
        why = API_MODBUS_BUSY;
    *ret_exception = why;
    if (why)
        return api_modbus_refuse(frame, why, answer);
    insp_station_turn(station, view->now_us);
    if (reads(request.function))
        return read_table(station, view, &request, frame, answer);
    if (table_size(request.function) == INSP_COILS)
        write_coils(station, writer, &request, view->now_us);
    else
        write_registers(station, &request);
    return api_modbus_reply(frame, frame + DATA, ECHO, answer);
}
