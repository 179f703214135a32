/* api/modbus/modbus_frame.h - read the frames of Modbus/TCP (Modbus Messaging on TCP/IP Implementation Guide 1.0b)
 * and write their answers. Pure; any thread.
 *
 * A frame is a header of seven bytes (transaction, protocol 0, length, unit) and a function with its data. All
 * numbers are big-endian. */
#ifndef INSP_API_MODBUS_MODBUS_FRAME_H
#define INSP_API_MODBUS_MODBUS_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum { API_MODBUS_FRAME_BYTES = 260 }; /* the longest frame */

/* Functions that a request may have. */
enum {
    API_MODBUS_READ_COILS = 1,
    API_MODBUS_READ_DISCRETE = 2,
    API_MODBUS_READ_HOLDING = 3,
    API_MODBUS_READ_INPUT = 4,
    API_MODBUS_WRITE_COIL = 5,
    API_MODBUS_WRITE_REGISTER = 6,
    API_MODBUS_WRITE_COILS = 15,
    API_MODBUS_WRITE_REGISTERS = 16,
};

/* Exception codes of answers. */
enum api_modbus_exception {
    API_MODBUS_DONE,
    API_MODBUS_NO_FUNCTION,
    API_MODBUS_NO_ADDRESS,
    API_MODBUS_BAD_VALUE,
    API_MODBUS_BUSY = 6,
    API_MODBUS_NO_STATION = 11,
};

struct api_modbus_request {
    uint8_t unit, function;
    uint16_t first, count; /* coils or registers; count >= 1, first + count <= 65536 */
    const uint8_t
        *values; /* of a write: coils as bits, the first one lowest, or registers; borrowed from the frame */
};

/* Returns the length of the first frame in the data; 0 if its end has not arrived; -1 if this is no Modbus/TCP, so
 * that no later frame can be found either. */
int api_modbus_frame_bytes(const uint8_t *data, size_t bytes);

/* Reads a complete frame. Returns API_MODBUS_DONE, or the exception to answer with: NO_FUNCTION, NO_ADDRESS
 * (beyond 65535), BAD_VALUE (a count or a length that the function does not allow); `unit` and `function` are set
 * in any case. */
enum api_modbus_exception api_modbus_read(const uint8_t *frame, size_t bytes, struct api_modbus_request *ret);

/* Write the answer to a frame into `answer` [API_MODBUS_FRAME_BYTES]; return its length.
 *   exception  not API_MODBUS_DONE
 *   data       what follows the function, at most 252 bytes */
size_t api_modbus_refuse(const uint8_t *frame, enum api_modbus_exception exception, uint8_t *answer);
size_t api_modbus_reply(const uint8_t *frame, const uint8_t *data, size_t data_bytes, uint8_t *answer);

/* Reads and writes a big-endian number of 16 bits. */
static inline uint16_t api_modbus_get(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}
static inline void api_modbus_put(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

#endif
