#include "api/modbus/modbus_map.h"

#include "harness.h"

#include <string.h>

static struct insp_station s;
static struct api_modbus_view view;
static const struct insp_station_writer plc = {{1}}, other = {{2}};
static uint8_t answer[API_MODBUS_FRAME_BYTES];
static enum api_modbus_exception exception;

/* Asks with a function and its data; returns the data of the answer. */
static const uint8_t *ask_by(const struct insp_station_writer *writer, uint8_t function, const char *data,
                             size_t bytes) {
    uint8_t frame[API_MODBUS_FRAME_BYTES] = {0, 1, 0, 0, 0, (uint8_t)(bytes + 2), 1, function};
    memcpy(frame + 8, data, bytes);
    size_t got = api_modbus_answer(&s, writer, &view, frame, 8 + bytes, answer, &exception);
    ck_assert_int_eq(api_modbus_frame_bytes(answer, got), (int)got);
    return answer + 8;
}
#define ASK(function, data) ask_by(&plc, (function), (data), sizeof(data) - 1)

static void begin(void) {
    memset(&s, 0, sizeof s);
    view = (struct api_modbus_view){.heartbeat = true, .ready = true, .now_us = 1000000000};
    ASK(15, "\0\0\0\6\1\x21"); /* enable and heartbeat */
    ck_assert_int_eq(exception, API_MODBUS_DONE);
    view.now_us += 1000;
}

static unsigned discretes(void) {
    const uint8_t *data = ASK(2, "\0\0\0\x0a");
    ck_assert(exception == API_MODBUS_DONE && data[0] == 2);
    return data[1] | (unsigned)data[2] << 8;
}
enum {
    BEAT = 1,
    READY = 2,
    BUSY = 4,
    VALID = 8,
    GOOD = 16,
    REJECT = 32,
    REVIEW = 64,
    FAULT = 128,
    HIGH = 256,
    TRAIN = 512
};

static void offer(enum insp_station_verdict verdict) {
    const struct insp_station_result result = {.verdict = verdict,
                                               .probability = 0.12349f,
                                               .threshold = 0.5f,
                                               .latency_ms = 70000,
                                               .part = "P-\xc3\xa4 9",
                                               .id = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f",
                                               .box = {.x = 1, .y = 2, .width = 70000, .height = 4}};
    insp_station_offer(&s, &result, view.now_us, view.now_us);
}

START_TEST(test_discrete_inputs) {
    memset(&s, 0, sizeof s);
    view = (struct api_modbus_view){.now_us = 1000000000};
    ck_assert_uint_eq(discretes(), REJECT | FAULT); /* at the start, not ready */
    begin();
    ck_assert_uint_eq(discretes(), BEAT | READY | REJECT);
    offer(INSP_STATION_GOOD);
    ck_assert_uint_eq(discretes(), BEAT | READY | VALID | GOOD);
    ASK(5, "\0\3\xff\0");
    ASK(5, "\0\3\0\0");
    ck_assert_uint_eq(discretes(), BEAT | READY | REJECT);
    offer(INSP_STATION_REVIEW);
    view.queue_high = view.training = true;
    view.heartbeat = false;
    s.in_flight = 1;
    ck_assert_uint_eq(discretes(), READY | BUSY | VALID | REJECT | REVIEW | HIGH | TRAIN);
}
END_TEST

START_TEST(test_input_registers) {
    begin();
    s.part = (struct insp_station_part){.number = 0x01020304};
    offer(INSP_STATION_ANOMALY);
    const uint8_t *data = ASK(4, "\0\0\0\x32");
    ck_assert(exception == API_MODBUS_DONE && data[0] == 100);
    uint16_t r[API_MODBUS_INPUTS];
    for (int i = 0; i < API_MODBUS_INPUTS; i++)
        r[i] = api_modbus_get(data + 1 + 2 * i);
    ck_assert(r[0] == 1 && r[1] == 2 && r[2] == 1234 && r[3] == 5000 && r[4] == 0 && r[5] == 65535);
    ck_assert(r[6] == 0 && r[7] == 1 && r[8] == 0 && r[9] == 1 && r[10] == 0x0102 && r[11] == 0x0304);
    ck_assert(!memcmp(data + 1 + 2 * 12, "P-?? 9\0", 7));
    ck_assert(!memcmp(data + 1 + 2 * 28, "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f", 36));
    ck_assert(r[46] == 1 && r[47] == 2 && r[48] == 65535 && r[49] == 4);
    data = ASK(4, "\0\5\0\1"); /* a part of them */
    ck_assert(data[0] == 2 && api_modbus_get(data + 1) == 65535);
}
END_TEST

START_TEST(test_holding_registers_come_back_and_name_the_part) {
    begin();
    ASK(16, "\0\0\0\x04\x08\0\2\0\0\0\1\0\2");
    ASK(16, "\0\4\0\2\4ABCD");
    ASK(6, "\0\x14\1\xf4");
    ck_assert_int_eq(exception, API_MODBUS_DONE);
    ck_assert(s.part.product == 2 && s.part.number == 0x00010002 && s.part.deadline_ms == 500);
    ck_assert_str_eq(s.part.id, "ABCD");
    const uint8_t *data = ASK(3, "\0\0\0\x15");
    ck_assert(data[0] == 42 && !memcmp(data + 1, "\0\2\0\0\0\1\0\2ABCD", 12));
    ck_assert_uint_eq(api_modbus_get(data + 1 + 40), 500);
}
END_TEST

START_TEST(test_coils_come_back) {
    begin();
    const uint8_t *data = ASK(1, "\0\0\0\6");
    ck_assert(data[0] == 1 && data[1] == 0x21);
    data = ASK(1, "\0\5\0\1");
    ck_assert(data[0] == 1 && data[1] == 1);
}
END_TEST

START_TEST(test_addresses_outside_change_nothing) {
    begin();
    const struct insp_station before = s;
    static const struct {
        uint8_t function;
        const char data[8];
        size_t bytes;
    } wrong[] = {
        {1, "\0\0\0\7", 4},      {1, "\0\6\0\1", 4},          {2, "\0\0\0\x0b", 4}, {3, "\0\0\0\x16", 4},
        {3, "\1\0\0\1", 4},      {4, "\0\x32\0\1", 4},        {5, "\0\6\xff\0", 4}, {6, "\0\x15\0\1", 4},
        {15, "\0\5\0\2\1\3", 6}, {16, "\0\x15\0\1\2\0\1", 7},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const uint8_t *data = ask_by(&plc, wrong[i].function, wrong[i].data, wrong[i].bytes);
        ck_assert(exception == API_MODBUS_NO_ADDRESS && data[0] == API_MODBUS_NO_ADDRESS);
        ck_assert_uint_eq(answer[7], wrong[i].function | 0x80u);
    }
    ck_assert(!memcmp(&before, &s, sizeof s));
}
END_TEST

START_TEST(test_a_second_plc_may_read_only) {
    begin();
    const uint8_t *data = ask_by(&other, 1, "\0\0\0\6", 4);
    ck_assert(exception == API_MODBUS_DONE && data[1] == 0x21);
    ask_by(&other, 5, "\0\0\0\0", 4);
    ck_assert(exception == API_MODBUS_BUSY && s.coil[INSP_COIL_ENABLE]);
    ask_by(&other, 6, "\0\0\0\1", 4);
    ck_assert(exception == API_MODBUS_BUSY && s.part.product == 0);
    view.now_us += INSP_STATION_BEAT_US;
    ask_by(&other, 6, "\0\0\0\1", 4);
    ck_assert(exception == API_MODBUS_DONE && s.part.product == 1);
}
END_TEST

START_TEST(test_a_unit_without_a_station) {
    const uint8_t frame[] = {0, 1, 0, 0, 0, 6, 99, 1, 0, 0, 0, 1};
    size_t got = api_modbus_answer(NULL, &plc, &view, frame, sizeof frame, answer, &exception);
    ck_assert(got == 9 && exception == API_MODBUS_NO_STATION && answer[7] == 0x81 && answer[8] == 11);
}
END_TEST

INSP_TESTS(test_discrete_inputs, test_input_registers, test_holding_registers_come_back_and_name_the_part,
           test_coils_come_back, test_addresses_outside_change_nothing, test_a_second_plc_may_read_only,
           test_a_unit_without_a_station);
