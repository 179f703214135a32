#include "api/modbus/modbus_frame.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <string.h>

/* A frame of unit 9 with a function and its data. */
static size_t frame(uint8_t *out, uint8_t function, const uint8_t *data, size_t bytes) {
    const uint8_t head[] = {0x12, 0x34, 0, 0, 0, (uint8_t)(bytes + 2), 9, function};
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, data, bytes);
    return sizeof head + bytes;
}

static enum api_modbus_exception ask(uint8_t function, const char *data, size_t bytes,
                                     struct api_modbus_request *ret) {
    static uint8_t text[API_MODBUS_FRAME_BYTES];
    return api_modbus_read(text, frame(text, function, (const uint8_t *)data, bytes), ret);
}
#define ASK(function, data, ret) ask((function), (data), sizeof(data) - 1, (ret))

START_TEST(test_a_frame_is_complete_with_its_last_byte) {
    uint8_t text[API_MODBUS_FRAME_BYTES];
    size_t bytes = frame(text, 1, (const uint8_t *)"\0\0\0\6", 4);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(api_modbus_frame_bytes(text, i), 0);
    ck_assert_int_eq(api_modbus_frame_bytes(text, bytes), (int)bytes);
    ck_assert_int_eq(api_modbus_frame_bytes(text, bytes + 1), (int)bytes);
}
END_TEST

START_TEST(test_other_protocols_are_noticed_early) {
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"GET ", 4), -1);
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"\0\1\0\1", 4), -1);
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"\0\1\0\0\0\1", 6), -1);   /* no function */
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"\0\1\0\0\0\xff", 6), -1); /* 255 */
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"\0\1\0\0\xff\xff", 6), -1);
    ck_assert_int_eq(api_modbus_frame_bytes((const uint8_t *)"\0\1\0\0\0\xfe", 6), 0);
}
END_TEST

START_TEST(test_requests_are_read) {
    struct api_modbus_request r;
    ck_assert_int_eq(ASK(API_MODBUS_READ_INPUT, "\0\5\0\x32", &r), API_MODBUS_DONE);
    ck_assert(r.unit == 9 && r.function == 4 && r.first == 5 && r.count == 50);
    ck_assert_int_eq(ASK(API_MODBUS_WRITE_COIL, "\0\1\xff\0", &r), API_MODBUS_DONE);
    ck_assert(r.first == 1 && r.count == 1 && r.values[0] == 0xff);
    ck_assert_int_eq(ASK(API_MODBUS_WRITE_REGISTER, "\0\x14\1\xf4", &r), API_MODBUS_DONE);
    ck_assert(r.first == 20 && r.count == 1 && api_modbus_get(r.values) == 500);
    ck_assert_int_eq(ASK(API_MODBUS_WRITE_COILS, "\0\0\0\6\1\x21", &r), API_MODBUS_DONE);
    ck_assert(r.first == 0 && r.count == 6 && r.values[0] == 0x21);
    ck_assert_int_eq(ASK(API_MODBUS_WRITE_REGISTERS, "\0\2\0\2\4\1\2\3\4", &r), API_MODBUS_DONE);
    ck_assert(r.first == 2 && r.count == 2 && api_modbus_get(r.values + 2) == 0x0304);
}
END_TEST

START_TEST(test_wrong_requests_get_their_exception) {
    struct api_modbus_request r;
    static const uint8_t unknown[] = {0, 7, 8, 17, 22, 23, 24, 43, 100, 127, 128, 129, 255};
    for (size_t i = 0; i < INSP_COUNT(unknown); i++)
        ck_assert_int_eq(ASK(unknown[i], "\0\0\0\1", &r), API_MODBUS_NO_FUNCTION);
    ck_assert_int_eq(ASK(1, "\0\0\0\0", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(1, "\0\0\x07\xd1", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(3, "\0\0\0\x7e", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(3, "\xff\xff\0\2", &r), API_MODBUS_NO_ADDRESS);
    ck_assert_int_eq(ASK(3, "\0\0\0", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(3, "\0\0\0\1\0", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(5, "\0\0\1\0", &r), API_MODBUS_BAD_VALUE); /* neither on nor off */
    ck_assert_int_eq(ASK(5, "\0\0\xff\1", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(15, "\0\0\0\6\2\1\1", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(15, "\0\0\0\x9\1\1", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(16, "\0\0\0\2\4\1\2\3", &r), API_MODBUS_BAD_VALUE); /* one byte too few */
    ck_assert_int_eq(ASK(16, "\0\0\0\0\0", &r), API_MODBUS_BAD_VALUE);
    ck_assert_int_eq(ASK(16, "", &r), API_MODBUS_BAD_VALUE);
}
END_TEST

START_TEST(test_answers) {
    uint8_t text[API_MODBUS_FRAME_BYTES], answer[API_MODBUS_FRAME_BYTES];
    frame(text, 3, (const uint8_t *)"\0\0\0\1", 4);
    ck_assert_uint_eq(api_modbus_refuse(text, API_MODBUS_BUSY, answer), 9);
    ck_assert(!memcmp(answer, "\x12\x34\0\0\0\3\x09\x83\6", 9));
    ck_assert_uint_eq(api_modbus_reply(text, (const uint8_t *)"\2\1\2", 3, answer), 11);
    ck_assert(!memcmp(answer, "\x12\x34\0\0\0\5\x09\3\2\1\2", 11));
}
END_TEST

INSP_TESTS(test_a_frame_is_complete_with_its_last_byte, test_other_protocols_are_noticed_early,
           test_requests_are_read, test_wrong_requests_get_their_exception, test_answers);
