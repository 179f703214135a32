#include "api/sparkplug/sparkplug_payload.h"

#include "tests/unit/harness.h"

#include <string.h>

static const char rebirth[] = "Node Control/Rebirth";

/* The bytes are those that Protocol Buffers' own encoder (python3-protobuf) writes for the same message. */
START_TEST(bytes_of_a_payload) {
    static const char expected[] =
        "\010\350\007"
        "\022\012\012\001n\030\001\040\004X\254\002"
        "\022\024\012\001m\030\001\040\004(\001X\377\377\377\377\377\377\377\377\377\001"
        "\022\014\012\001f\030\001\040\011e\000\000\200\077"
        "\022\020\012\001d\030\001\040\012i\000\000\000\000\000\000\360\077"
        "\022\011\012\001b\030\001\040\013p\000"
        "\022\013\012\001s\030\001\040\014z\002hi"
        "\022\011\012\001z\030\001\040\014\070\001\030\377\001";
    const struct api_sparkplug_metric metric[] = {
        {.name = "n", .type = API_SPARKPLUG_INT64, .at_us = 1999, .number = 300},
        {.name = "m", .type = API_SPARKPLUG_INT64, .at_us = 1000, .number = -1, .historical = true},
        {.name = "f", .type = API_SPARKPLUG_FLOAT, .at_us = 1000, .real = 1},
        {.name = "d", .type = API_SPARKPLUG_DOUBLE, .at_us = 1000, .real = 1},
        {.name = "b", .type = API_SPARKPLUG_BOOLEAN, .at_us = 1000},
        {.name = "s", .type = API_SPARKPLUG_STRING, .at_us = 1000, .text = "hi"},
        {.name = "z", .type = API_SPARKPLUG_STRING, .at_us = 1000, .null = true},
    };
    uint8_t payload[256];
    struct api_sparkplug_writer writer;
    api_sparkplug_begin(&writer, payload, sizeof payload, 1000000);
    for (size_t i = 0; i < sizeof metric / sizeof *metric; i++)
        api_sparkplug_add(&writer, &metric[i]);
    ck_assert_uint_eq(api_sparkplug_end(&writer, 255), sizeof expected - 1);
    ck_assert_mem_eq(payload, expected, sizeof expected - 1);
}
END_TEST

START_TEST(a_payload_that_has_no_room) {
    const struct api_sparkplug_metric metric = {
        .name = "name", .type = API_SPARKPLUG_STRING, .at_us = 1000, .text = "a text"};
    uint8_t payload[64];
    struct api_sparkplug_writer writer;
    size_t whole = 0;
    for (size_t room = sizeof payload; room > 0; room--) {
        memset(payload, 0xAA, sizeof payload);
        api_sparkplug_begin(&writer, payload, room, 1000);
        api_sparkplug_add(&writer, &metric);
        size_t bytes = api_sparkplug_end(&writer, 1);
        whole = whole ? whole : bytes;
        ck_assert_uint_eq(bytes, room >= whole ? whole : 0);
        for (size_t i = room; i < sizeof payload; i++)
            ck_assert_uint_eq(payload[i], 0xAA);
    }
    ck_assert_uint_gt(whole, 20);
}
END_TEST

static int ask(const char *bytes, size_t count, bool *ret) {
    struct insp_error err;
    return api_sparkplug_flag(bytes, count, rebirth, ret, &err);
}
#define ASK(text, ret) ask(text, sizeof(text) - 1, ret)
#define NAMED "\x0a\x14Node Control/Rebirth"

START_TEST(a_flag_is_found) {
    bool found;
    ck_assert_int_eq(ASK("", &found), 0);
    ck_assert(!found);
    ck_assert_int_eq(ASK("\x12\x18" NAMED "\x70\x01", &found), 0);
    ck_assert(found);
    ck_assert_int_eq(ASK("\x12\x1a\x70\x01\x20\x0b" NAMED, &found), 0); /* in any order */
    ck_assert(found);
    ck_assert_int_eq(ASK("\x12\x18" NAMED "\x70\x00", &found), 0);
    ck_assert(!found);
    ck_assert_int_eq(ASK("\x12\x16" NAMED, &found), 0); /* without a value */
    ck_assert(!found);
    ck_assert_int_eq(ASK("\x12\x1a" NAMED "\x38\x01\x70\x01", &found), 0); /* null */
    ck_assert(!found);
    ck_assert_int_eq(ASK("\x12\x1a" NAMED "\x20\x0c\x70\x01", &found), 0); /* of another type */
    ck_assert(!found);
    ck_assert_int_eq(ASK("\x12\x05\x0a\x01x\x70\x01", &found), 0);
    ck_assert(!found);
    /* behind fields of all forms that are not of interest */
    ck_assert_int_eq(
        ASK("\x08\x01\x22\x02id\x2a\x01x\x31\1\2\3\4\5\6\7\x08\x3d\1\2\3\4\x12\x18" NAMED "\x70\x01", &found), 0);
    ck_assert(found);
}
END_TEST

START_TEST(bytes_that_are_no_payload) {
    bool found = true;
    ck_assert_int_eq(ASK("\x08", &found), INSP_E_REQUEST); /* a key without its value */
    ck_assert(!found);
    ck_assert_int_eq(ASK("\xff\xff", &found), INSP_E_REQUEST);
    ck_assert_int_eq(ASK("\x00\x01", &found), INSP_E_REQUEST); /* field 0 */
    ck_assert_int_eq(ASK("\x0b", &found), INSP_E_REQUEST);     /* a group */
    ck_assert_int_eq(ASK("\x0e\x01", &found), INSP_E_REQUEST); /* a form that does not exist */
    ck_assert_int_eq(ASK("\x12\x05"
                         "abc",
                         &found),
                     INSP_E_REQUEST); /* shorter than it says */
    ck_assert_int_eq(ASK("\x31"
                         "abcdefg",
                         &found),
                     INSP_E_REQUEST);
    ck_assert_int_eq(ASK("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &found), INSP_E_REQUEST);
    ck_assert_int_eq(ASK("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &found), INSP_E_REQUEST);
    ck_assert_int_eq(ASK("\x80\x80\x80\x80\x80\x80\x01\x01", &found), INSP_E_REQUEST); /* a field above 2^29 */
    ck_assert_int_eq(ASK("\x12\x01\x0a", &found), INSP_E_REQUEST); /* damaged inside the metric */
}
END_TEST

INSP_TESTS(bytes_of_a_payload, a_payload_that_has_no_room, a_flag_is_found, bytes_that_are_no_payload);
