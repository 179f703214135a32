#include "api/modbus/modbus_frame.h"

#include <string.h>

enum {
    PROTOCOL = 2,
    LENGTH = 4, /* offsets in the header */
    UNIT = 6,
    FUNCTION = 7,
    DATA = 8,
    LENGTH_MIN = 2, /* unit and function */
    LENGTH_MAX = API_MODBUS_FRAME_BYTES - UNIT,
    READ_BITS_MAX = 2000,
    READ_REGISTERS_MAX = 125,
    WRITE_BITS_MAX = 1968,
    WRITE_REGISTERS_MAX = 123,
    REFUSED = 0x80, /* added to the function */
};

int api_modbus_frame_bytes(const uint8_t *data, size_t bytes) {
    if (bytes >= LENGTH && api_modbus_get(data + PROTOCOL) != 0)
        return -1;
    if (bytes < UNIT)
        return 0;
    unsigned length = api_modbus_get(data + LENGTH);
    if (length < LENGTH_MIN || length > LENGTH_MAX)
        return -1;
    return bytes >= UNIT + length ? (int)(UNIT + length) : 0;
}

/* Checks the range of a request with `max` items at most. */
static enum api_modbus_exception check(const struct api_modbus_request *request, unsigned max) {
    if (!request->count || request->count > max)
        return API_MODBUS_BAD_VALUE;
    return request->first + request->count > 65536 ? API_MODBUS_NO_ADDRESS : API_MODBUS_DONE;
}

/* Reads a write of many: first, count, the number of bytes, the bytes. */
static enum api_modbus_exception read_many(const uint8_t *data, size_t bytes, unsigned max, unsigned bits_each,
                                           struct api_modbus_request *ret) {
    if (bytes < 5)
        return API_MODBUS_BAD_VALUE;
    ret->count = api_modbus_get(data + 2);
    ret->values = data + 5;
    size_t needed = ((size_t)ret->count * bits_each + 7) / 8;
    if (data[4] != needed || bytes != 5 + needed)
        return API_MODBUS_BAD_VALUE;
    return check(ret, max);
}

/* Reads a write of one: address and value. */
static enum api_modbus_exception read_one(const uint8_t *data, size_t bytes, struct api_modbus_request *ret) {
    if (bytes != 4)
        return API_MODBUS_BAD_VALUE;
    ret->count = 1;
    ret->values = data + 2;
    if (ret->function == API_MODBUS_WRITE_COIL && (data[3] || (data[2] && data[2] != 0xff)))
        return API_MODBUS_BAD_VALUE;
    return API_MODBUS_DONE;
}

static enum api_modbus_exception read_range(const uint8_t *data, size_t bytes, unsigned max,
                                            struct api_modbus_request *ret) {
    if (bytes != 4)
        return API_MODBUS_BAD_VALUE;
    ret->count = api_modbus_get(data + 2);
    return check(ret, max);
}

enum api_modbus_exception api_modbus_read(const uint8_t *frame, size_t bytes, struct api_modbus_request *ret) {
    const uint8_t *data = frame + DATA;
    *ret = (struct api_modbus_request){.unit = frame[UNIT], .function = frame[FUNCTION]};
    bytes -= DATA;
    if (bytes >= 2)
        ret->first = api_modbus_get(data);
    switch (ret->function) {
    case API_MODBUS_READ_COILS:
    case API_MODBUS_READ_DISCRETE:
        return read_range(data, bytes, READ_BITS_MAX, ret);
    case API_MODBUS_READ_HOLDING:
    case API_MODBUS_READ_INPUT:
        return read_range(data, bytes, READ_REGISTERS_MAX, ret);
    case API_MODBUS_WRITE_COIL:
    case API_MODBUS_WRITE_REGISTER:
        return read_one(data, bytes, ret);
    case API_MODBUS_WRITE_COILS:
        return read_many(data, bytes, WRITE_BITS_MAX, 1, ret);
    case API_MODBUS_WRITE_REGISTERS:
        return read_many(data, bytes, WRITE_REGISTERS_MAX, 16, ret);
    default:
        return API_MODBUS_NO_FUNCTION;
    }
}

/* Begins an answer with `data_bytes` after the function. */
static size_t begin(const uint8_t *frame, size_t data_bytes, uint8_t *answer) {
    memcpy(answer, frame, DATA);
    api_modbus_put(answer + LENGTH, (uint16_t)(data_bytes + LENGTH_MIN));
    return DATA + data_bytes;
}

size_t api_modbus_refuse(const uint8_t *frame, enum api_modbus_exception exception, uint8_t *answer) {
    size_t bytes = begin(frame, 1, answer);
    answer[FUNCTION] |= REFUSED;
    answer[DATA] = (uint8_t)exception;
    return bytes;
}

size_t api_modbus_reply(const uint8_t *frame, const uint8_t *data, size_t data_bytes, uint8_t *answer) {
    size_t bytes = begin(frame, data_bytes, answer);
    memcpy(answer + DATA, data, data_bytes);
    return bytes;
}
