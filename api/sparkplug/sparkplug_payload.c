/* The wire format of Protocol Buffers: a field is a key (its number * 8 + the form of its value) and the value. */
#include "api/sparkplug/sparkplug_payload.h"

#include <string.h>

enum form { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

/* The fields of the message Payload, and of its Metric. */
enum payload_field { PAYLOAD_TIMESTAMP = 1, PAYLOAD_METRIC = 2, PAYLOAD_SEQ = 3 };
enum metric_field {
    METRIC_NAME = 1,
    METRIC_TIMESTAMP = 3,
    METRIC_TYPE = 4,
    METRIC_HISTORICAL = 5,
    METRIC_NULL = 7,
    METRIC_LONG = 11,
    METRIC_FLOAT = 12,
    METRIC_DOUBLE = 13,
    METRIC_BOOLEAN = 14,
    METRIC_STRING = 15,
};

/* --- writing --- */

static void put(struct api_sparkplug_writer *writer, const void *data, size_t bytes) {
    if (writer->full || bytes > writer->room - writer->used) {
        writer->full = true;
        return;
    }
    if (writer->to && bytes)
        memcpy(writer->to + writer->used, data, bytes);
    writer->used += bytes;
}

static void put_varint(struct api_sparkplug_writer *writer, uint64_t value) {
    uint8_t byte[10];
    size_t bytes = 0;
    for (; value >= 0x80; value >>= 7)
        byte[bytes++] = (uint8_t)(value | 0x80);
    byte[bytes++] = (uint8_t)value;
    put(writer, byte, bytes);
}

static void put_number(struct api_sparkplug_writer *writer, unsigned field, uint64_t value) {
    put_varint(writer, field << 3 | VARINT);
    put_varint(writer, value);
}

/* Writes the low bytes of a pattern of bits, the lowest first. */
static void put_fixed(struct api_sparkplug_writer *writer, unsigned field, uint64_t bits, size_t bytes) {
    uint8_t byte[8];
    for (size_t i = 0; i < bytes; i++)
        byte[i] = (uint8_t)(bits >> 8 * i);
    put_varint(writer, field << 3 | (bytes == 4 ? FIXED32 : FIXED64));
    put(writer, byte, bytes);
}

static void put_text(struct api_sparkplug_writer *writer, unsigned field, const char *text) {
    put_varint(writer, field << 3 | LENGTH);
    put_varint(writer, strlen(text));
    put(writer, text, strlen(text));
}

static void put_float(struct api_sparkplug_writer *writer, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(writer, METRIC_FLOAT, bits, sizeof bits);
}

static void put_double(struct api_sparkplug_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(writer, METRIC_DOUBLE, bits, sizeof bits);
}

static void put_value(struct api_sparkplug_writer *writer, const struct api_sparkplug_metric *metric) {
    switch (metric->type) {
    case API_SPARKPLUG_INT64:
        put_number(writer, METRIC_LONG, (uint64_t)metric->number);
        break;
    case API_SPARKPLUG_FLOAT:
        put_float(writer, (float)metric->real);
        break;
    case API_SPARKPLUG_DOUBLE:
        put_double(writer, metric->real);
        break;
    case API_SPARKPLUG_BOOLEAN:
        put_number(writer, METRIC_BOOLEAN, metric->flag);
        break;
    case API_SPARKPLUG_STRING:
        put_text(writer, METRIC_STRING, metric->text);
        break;
    }
}

static void put_metric(struct api_sparkplug_writer *writer, const struct api_sparkplug_metric *metric) {
    put_text(writer, METRIC_NAME, metric->name);
    put_number(writer, METRIC_TIMESTAMP, (uint64_t)(metric->at_us / 1000));
    put_number(writer, METRIC_TYPE, metric->type);
    if (metric->historical)
        put_number(writer, METRIC_HISTORICAL, 1);
    if (metric->null)
        put_number(writer, METRIC_NULL, 1);
    else
        put_value(writer, metric);
}

void api_sparkplug_begin(struct api_sparkplug_writer *ret, void *to, size_t room, int64_t now_us) {
    *ret = (struct api_sparkplug_writer){.to = to, .room = room};
    put_number(ret, PAYLOAD_TIMESTAMP, (uint64_t)(now_us / 1000));
}

void api_sparkplug_add(struct api_sparkplug_writer *writer, const struct api_sparkplug_metric *metric) {
    struct api_sparkplug_writer counter = {.room = writer->room};
    put_metric(&counter, metric); /* its size stands before it */
    if (counter.full)
        writer->full = true;
    put_varint(writer, PAYLOAD_METRIC << 3 | LENGTH);
    put_varint(writer, counter.used);
    put_metric(writer, metric);
}

size_t api_sparkplug_end(struct api_sparkplug_writer *writer, int seq) {
    if (seq >= 0)
        put_number(writer, PAYLOAD_SEQ, (uint64_t)seq);
    return writer->full ? 0 : writer->used;
}

/* --- reading --- */

struct reader {
    const uint8_t *at, *end;
};

struct field {
    uint64_t number;
    enum form form;
    uint64_t value;      /* of VARINT */
    struct reader inner; /* of LENGTH */
};

static bool get_varint(struct reader *reader, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7F) << shift : 0;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct reader *reader, uint64_t bytes) {
    if (bytes > (uint64_t)(reader->end - reader->at))
        return false;
    reader->at += bytes;
    return true;
}

/* Reads the next field. Groups, which the message does not have, are an error, as are reserved forms. */
static bool get_field(struct reader *reader, struct field *ret) {
    uint64_t key, bytes;
    if (!get_varint(reader, &key) || key >> 3 == 0 || key > UINT32_MAX)
        return false;
    *ret = (struct field){.number = key >> 3, .form = (enum form)(key & 7)};
    switch (ret->form) {
    case VARINT:
        return get_varint(reader, &ret->value);
    case FIXED64:
        return skip(reader, 8);
    case FIXED32:
        return skip(reader, 4);
    case LENGTH:
        if (!get_varint(reader, &bytes))
            return false;
        ret->inner.at = reader->at;
        if (!skip(reader, bytes))
            return false;
        ret->inner.end = reader->at;
        return true;
    default:
        return false;
    }
}

/* Reads a metric. *ret is set if it is the Boolean `name` with a value. */
static bool read_metric(struct reader reader, const char *name, bool *ret) {
    bool named = false, typed = true, null = false, valued = false, value = false;
    struct field field;
    while (reader.at < reader.end) {
        if (!get_field(&reader, &field))
            return false;
        size_t bytes = field.form == LENGTH ? (size_t)(field.inner.end - field.inner.at) : 0;
        if (field.number == METRIC_NAME && field.form == LENGTH)
            named = bytes == strlen(name) && !memcmp(field.inner.at, name, bytes);
        else if (field.number == METRIC_TYPE && field.form == VARINT)
            typed = field.value == API_SPARKPLUG_BOOLEAN;
        else if (field.number == METRIC_NULL && field.form == VARINT)
            null = field.value != 0;
        else if (field.number == METRIC_BOOLEAN && field.form == VARINT) {
            valued = true;
            value = field.value != 0;
        }
    }
    if (named && typed && valued && !null)
        *ret = value;
    return true;
}

int api_sparkplug_flag(const void *data, size_t bytes, const char *name, bool *ret, struct insp_error *reterr) {
    struct reader reader = {.at = data, .end = (const uint8_t *)data + bytes};
    struct field field;
    bool found = false;
    *ret = false;
    while (reader.at < reader.end)
        if (!get_field(&reader, &field) ||
            (field.number == PAYLOAD_METRIC && field.form == LENGTH && !read_metric(field.inner, name, &found)))
            return insp_fail(reterr, INSP_E_REQUEST, "the payload is no message of Sparkplug B");
    *ret = found;
    return 0;
}
